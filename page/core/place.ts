/** Where the page computes: the ladder from a GPU to the processor, and what each rung can do. */
import { DeviceError, init, shutdown } from "holdfast";

export interface Place {
  /** For people: the adapter's name, or that of the reference executor. */
  readonly name: string;
  readonly kind: "gpu" | "reference";
  /** Why it is not a GPU. */
  readonly reason?: string;
}

/** Opens the engine: on the adapter, else in float64 on the processor. Closes one that is open. */
export async function openEngine({ reference = false } = {}): Promise<Place> {
  shutdown();
  let reason = "as the address asks";
  if (!reference) {
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

/** Steps of an attack in float64 on the processor, unless the settings ask for fewer. */
const REFERENCE_STEPS = 8;
/** How long a picture may take while a slider moves. */
const PREVIEW_MS = 250;
const FEWEST = 4;

/** Steps of an attack: all of the settings' on a GPU, fewer on the processor. */
export function stepsAt(kind: Place["kind"], steps: number): number {
  return kind === "gpu" ? steps : Math.min(steps, REFERENCE_STEPS);
}

/** Steps while a slider moves, from what the last attack took. */
export function previewSteps(
  steps: number,
  last: { readonly steps: number; readonly milliseconds: number } | undefined,
): number {
  if (!last) return Math.min(steps, FEWEST);
  return Math.max(1, Math.min(steps, Math.max(FEWEST, Math.floor((PREVIEW_MS * last.steps) / last.milliseconds))));
}
