/** Opens the engine for a command and closes it again, whatever happens: Node does not exit while a device is alive. */
import { init, openScope, shutdown } from "../engine/index.js";
import { setBaseScope } from "../engine/scope.js";
import { NoAdapterError } from "./command.js";
import { ensureAdapter, formatRemedy, type Remedy } from "./driver.js";

/** The option of every command that computes. */
export const cpuOption = {
  cpu: { type: "boolean", help: "compute on the float64 reference executor of the CPU: exact, and slow" },
} as const;

/** Where a command computes. */
export interface Place {
  /** For people: the adapter's name, or that of the reference executor. */
  readonly name: string;
  readonly kind: "hardware" | "software" | "reference";
  /** Why there is no adapter, if that is so. */
  readonly missing?: Remedy;
}

export interface EngineOptions {
  readonly cpu: boolean;
  /** What to do without an adapter: refuse, or compute on the reference executor. */
  readonly withoutAdapter: "refuse" | "reference";
  /** See `init`; `false` where one sample is looked at, and what is seen counts for more than speed. Default true. */
  readonly minimalFiltering?: boolean;
}

/** Runs `body` with the engine open. @throws NoAdapterError */
export async function withEngine<T>(options: EngineOptions, body: (place: Place) => Promise<T>): Promise<T> {
  const place = await choosePlace(options);
  const { minimalFiltering = true } = options;
  await init(place.kind === "reference" ? { executor: "reference" } : { minimalFiltering });
  // A command does one thing at a time: what is made outside of its scopes is its own as well.
  const base = setBaseScope(openScope("command", { enter: false }));
  try {
    return await body(place);
  } finally {
    setBaseScope(base);
    shutdown();
  }
}

async function choosePlace({ cpu, withoutAdapter }: EngineOptions): Promise<Place> {
  const reference: Place = { name: "float64 reference executor on the CPU", kind: "reference" };
  if (cpu) return reference;
  const found = await ensureAdapter();
  if (found.kind === "ready") {
    const { name, software } = found.adapter;
    return { name, kind: software ? "software" : "hardware" };
  }
  if (withoutAdapter === "reference") return { ...reference, missing: found.remedy };
  throw new NoAdapterError(`${formatRemedy(found.remedy)}\nOr pass --cpu to compute on the CPU, slowly.`);
}
