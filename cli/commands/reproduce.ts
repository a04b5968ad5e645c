import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError, cellsOf, configSchema, readConfig, shardOf } from "../../atex/experiments/index.js";
import { choice } from "../arguments.js";
import { defineCommand, numberOption, UsageError } from "../command.js";
import { dataOptions } from "../data.js";
import { cpuOption, type Place, withEngine } from "../engine.js";
import { readInput } from "../files.js";
import { Live } from "../live.js";
import { writeReport } from "../reproduce/report.js";
import { runCells } from "../reproduce/run.js";
import { Study } from "../reproduce/study.js";
import { stopOnSignals } from "../stopping.js";
import { requireWritableFolder } from "../writable.js";

/** The configurations that come along. */
const BUILT_IN = [
  "full",
  "quick",
  "figures",
  "peers",
  "reference",
  "smoke",
  "survey",
  "survey-full",
  "planted",
  "planted-calibration",
];

const options = {
  quick: {
    type: "boolean",
    help: "a size that two cores without a GPU finish in about half an hour; short for --config quick",
  },
  config: {
    type: "string",
    value: "name",
    help: `what to run: ${BUILT_IN.join(", ")} (default full), or a .json file of your own (--schema prints what it may hold)`,
  },
  experiment: { type: "string", value: "name", help: "only this experiment; further names may follow" },
  jobs: {
    type: "string",
    value: "n",
    help: "processes that share the work on this machine (default 2 on a software adapter, else 1)",
  },
  shard: { type: "string", value: "i/n", help: "only every n-th cell of the grid, from the i-th" },
  merge: {
    type: "boolean",
    help: "take over results of the same settings from the folders that follow, then write the report",
  },
  out: { type: "string", value: "folder", help: "where results and report go (default out/reproduce- and the name)" },
  "data-dir": dataOptions["data-dir"],
  list: { type: "boolean", help: "print the cells, one a line, and whether they have results; run nothing" },
  schema: { type: "boolean", help: "print the JSON Schema of a configuration" },
  ...cpuOption,
} as const;

/** The file of a configuration that comes along. */
function configPath(name: string): string {
  return fileURLToPath(new URL(`../../../cli/reproduce/configs/${name}.json`, import.meta.url));
}

/** Runs what a configuration decides about and puts its file in front of a complaint. */
async function inConfig<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ConfigError || error instanceof SyntaxError) throw new UsageError(`${path}: ${error.message}`);
    throw error;
  }
}

/** i and n of "i/n". */
function shardOption(text: string): readonly [number, number] {
  const [, i, n] = /^(\d+)\/(\d+)$/.exec(text)?.map(Number) ?? [];
  if (!(i >= 1 && i <= n)) throw new UsageError(`--shard ${text}: i/n with i from 1 to n is needed, for example 2/8`);
  return [i, n];
}

/** A software adapter leaves cores idle that a second process can use; two on a GPU would only take turns. */
function usualJobs({ kind }: Place): number {
  return kind === "software" ? 2 : 1;
}

export const command = defineCommand({
  summary: "repeat the experiments of the ATEX paper, or the manipulations of a survey, and report them",
  options,
  positionals: "[<experiment> ...] [<folder to merge> ...]",
  async run({ values, positionals }) {
    if (values.schema) {
      process.stdout.write(`${JSON.stringify(configSchema, null, 2)}\n`);
      return 0;
    }
    if (positionals.length > 0 && !values.merge && values.experiment === undefined)
      throw new UsageError(`${positionals[0]} is no option; names of experiments follow --experiment, folders --merge`);
    if (values.quick && values.config !== undefined)
      throw new UsageError("--quick and --config exclude each other; give one of them");
    const name = values.config ?? (values.quick ? "quick" : "full");
    const own = name.endsWith(".json");
    const path = own ? name : configPath(choice("config", name, BUILT_IN));
    const bytes = await readInput("config", path);
    const config = await inConfig(path, async () => readConfig(JSON.parse(new TextDecoder().decode(bytes))));
    const known = Object.keys(config.experiments);
    const more = values.merge ? [] : positionals;
    const only = values.experiment && [values.experiment, ...more].map((e) => choice("experiment", e, known));
    const cells = cellsOf(config, only || undefined);
    const mine = values.shard === undefined ? cells : shardOf(cells, shardOption(values.shard));
    const jobs = values.jobs === undefined ? undefined : numberOption("jobs", values.jobs, { min: 1, integer: true });
    const out = values.out ?? join("out", `reproduce-${own ? "own" : name}`);
    if (!values.list) await requireWritableFolder("out", out);
    const study = await Study.open(out, config);
    const live = new Live();
    if (values.list) {
      for (const cell of mine) live.print(`${(await study.result(cell)) ? "done" : "    "}  ${cell.id}`);
      return 0;
    }
    await study.begin();
    if (values.merge) {
      const { taken, leftAside } = await study.merge(positionals);
      const rest = leftAside > 0 ? `, ${leftAside} left aside: their settings are others here` : "";
      live.print(`${taken} result${taken === 1 ? "" : "s"} taken over${rest}`);
    }
    const stopping = stopOnSignals(() =>
      live.print("stopping; cells that are not done are done when the command is given again"),
    );
    const compute = (place: Place): Promise<string[]> =>
      runCells({
        ...{ study, cells: mine, place, live, stopping },
        ...{ dataDir: values["data-dir"], jobs: jobs ?? usualJobs(place) },
      });
    const failed = values.merge
      ? []
      : await inConfig(path, () => withEngine({ cpu: values.cpu, withoutAdapter: "refuse" }, compute));
    for (const file of await writeReport(study)) live.print(file);
    if (failed.length > 0)
      live.print(
        `${failed.length} cell${failed.length === 1 ? "" : "s"} failed: ${failed.join(", ")}; run the command again to retry`,
      );
    return stopping.status ?? (failed.length > 0 ? 1 : 0);
  },
});
