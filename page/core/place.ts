/** Where the page computes: the ladder from a GPU to the processor, and what each rung can do. */
import { DeviceError, init, shutdown } from "holdfast";

export interface Place {
  /** For people: the adapter's name, or that of the reference executor. */
  readonly name: string;
  readonly kind: "gpu" | "reference";
  /** Why it is not a GPU. */
  readonly reason?: string;
}

/** What `openEngine` may be told. */
export interface Opening {
  /** Go to the processor at once, and why. */
  readonly processor?: string;
  /** How often an adapter is asked for: after a crash a browser needs a moment to have one again. Default 1. */
  readonly tries?: number;
}

const PAUSE_MS = 500;

/** Opens the engine: on the adapter, else in float64 on the processor. Closes one that is open. */
export async function openEngine({ processor, tries = 1 }: Opening = {}): Promise<Place> {
  shutdown();
  let reason = processor ?? "";
  for (let i = 0; i < tries && processor === undefined; i++) {
    if (i > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    try {
      const { description } = await init();
      return { name: description, kind: "gpu" };
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      reason = firstClause(error.message);
    }
  }
  await init({ executor: "reference" });
  return { name: "float64 reference on the processor", kind: "reference", reason };
}

/** What happened, without the advice for Node. */
function firstClause(message: string): string {
  return message.replace(/^init: /, "").split(";")[0];
}
