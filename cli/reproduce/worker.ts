/** A further process that works on a reproduction. `helpers.ts` starts it, says what it is about, and hands it cells. */
import { type Cell, type ReproduceConfig, readConfig } from "../../atex/experiments/index.js";
import { withEngine } from "../engine.js";
import { Live } from "../live.js";
import { doCells, type Workplace } from "./doCells.js";
import { Study } from "./study.js";

/** The first message to it. */
export interface Assignment extends Pick<Workplace, "dataDir" | "origin"> {
  readonly config: ReproduceConfig;
  readonly folder: string;
  readonly cpu: boolean;
}

/** Every further message to it: a cell to do, or none any more. */
export interface Order {
  readonly cell?: Cell;
}

/** What it says: that it has nothing to do; or of its cell what is going on, that it is done, or why it, or all of this, failed. */
export type Notice = "idle" | { readonly say: string } | { readonly seconds: number } | { readonly why: string };

const tell = (notice: Notice): void => void process.send!(notice);
const hear = <T>(): Promise<T> => new Promise((resolve) => process.once("message", resolve as (message: T) => void));

// Without the process that started it nobody wants the results.
process.on("disconnect", () => process.exit());

try {
  const { config, folder, cpu, dataDir, origin } = await hear<Assignment>();
  const study = await Study.open(folder, readConfig(config));
  const live = new Live({ write: (text) => tell({ say: text.trim() }) });
  await withEngine({ cpu, withoutAdapter: "refuse" }, (place) =>
    doCells(
      { study, place, live, dataDir, origin },
      {
        async next() {
          const order = hear<Order>();
          tell("idle");
          return (await order).cell;
        },
        say: (_, text) => tell({ say: text }),
        done: (_, seconds) => tell({ seconds }),
        // Only who is asked to stop hands back, and that is the process that started this one.
        handBack: () => {},
        failed: (_, why) => tell({ why }),
      },
    ),
  );
} catch (error) {
  tell({ why: String((error as Error).stack) });
} finally {
  process.disconnect();
}
