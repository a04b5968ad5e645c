/** Every explainer of the table on one trained network: agreement with float64, cost, and an attack through it; and KernelSHAP's
 *  error against exact Shapley values. */
import { EXPLAINER_TABLE, type ExplainerEntry } from "../atex/index.js";
import { swapExecutor } from "../engine/executor.js";
import { capture, dispose, openScope, ReferenceExecutor, type Tensor } from "../engine/index.js";
import type { DatasetName } from "../nn/index.js";
import { type Disagreement, tolerance } from "./agreement.js";
import { type AttackFigures, attackThrough, radius } from "./explainersAttack.js";
import {
  type Explained,
  type ExplainersSize,
  explainersWorld,
  measuredSettings,
  networkTitle,
  quick,
  type Settings,
  settingsLine,
  type World,
  whole,
} from "./explainersWorld.js";
import type { Verdict } from "./goldens.js";
import type { Bench } from "./holdfast.js";
import { figure, type Report, type Row } from "./report.js";
import { type Entry, runEntries } from "./run.js";
import { quickShapley, type ShapleyError, shapleyErrors, wholeShapley } from "./shapleyErrors.js";

/** What rows of times do not hold. */
export interface ExplainerFigures {
  readonly name: string;
  readonly title: string;
  /** Largest |device − float64| as a share of the largest |float64|, with these settings. */
  readonly agreement?: { readonly settings: string; readonly error: number };
  /** Settings of the timed step, and inputs that it gives the network for each image. */
  readonly batch?: { readonly settings: string; readonly inputs: number };
  /** Missing where the explainer has no slope. */
  readonly attack?: AttackFigures & { readonly settings: string };
}

export interface ExplainersReport extends Report {
  readonly explained?: {
    readonly size: ExplainersSize;
    readonly network: string;
    readonly data: string;
    readonly accuracy: number;
    readonly explainers: readonly ExplainerFigures[];
    readonly shapley: readonly ShapleyError[];
  };
}

export interface ExplainersOptions {
  readonly cases?: readonly string[];
  readonly quick?: boolean;
  readonly data?: DatasetName;
  readonly dataDir?: string;
  readonly runs?: number;
  readonly onRow?: (row: Row) => void;
}

export const explainerCases = EXPLAINER_TABLE.map(({ name }) => name);
export const shapleyCase = (players: number): string => `kernel-shap error, ${players} features`;
export const attackCase = (name: string): string => `${name} attack`;

/** Where values depart most, relative to the largest of the truth. NaN departs without bound. */
export function departure(where: string, got: ArrayLike<number>, truth: ArrayLike<number>): Disagreement {
  let [at, worst, largest] = [0, got.length === truth.length ? -1 : Infinity, 0];
  for (let i = 0; i < truth.length; i++) {
    const error = Number.isFinite(got[i]) ? Math.abs(got[i] - truth[i]) : Infinity;
    if (error > worst) [at, worst] = [i, error];
    largest = Math.max(largest, Math.abs(truth[i]));
  }
  return { relativeError: worst === 0 ? 0 : worst / largest, where, got: got[at], truth: truth[at] };
}

/** A few images explained on the device and in float64. */
async function againstReference(world: World, name: string, settings: Settings, count: number): Promise<Disagreement> {
  const values = async (): Promise<Float64Array> => {
    using here = openScope("check");
    const { explainer, score, x } = world.explained(count);
    return Float64Array.from(await here.wait(explainer(name, settings)(score, x).read()));
  };
  const got = await values();
  const gpu = swapExecutor(new ReferenceExecutor());
  const truth = await values().finally(() => swapExecutor(gpu));
  return departure("an attribution, against float64", got, truth);
}

interface Prepared {
  readonly figures: Map<string, Partial<ExplainerFigures>>;
  readonly size: ExplainersSize;
  readonly settings: (name: string, use: "batch" | "attack") => Settings;
}

/** The captured explainer at the batch: compared with float64 on few images, and with itself run op by op on all. */
function batchEntry(
  world: World,
  on: Explained,
  { name }: ExplainerEntry,
  { figures, size, settings }: Prepared,
): Entry {
  return {
    case: name,
    async prepare() {
      const few = measuredSettings[name]?.few ?? {};
      const reference = await againstReference(world, name, few, size.compared);
      const given = settings(name, "batch");
      const explain = on.explainer(name, given);
      const before = on.inputs();
      const eager = await readOf(() => explain(on.score, on.x), on.x);
      const inputs = (on.inputs() - before) / size.batch;
      figures.set(name, {
        agreement: { settings: settingsLine(name, few), error: reference.relativeError },
        batch: { settings: settingsLine(name, given), inputs },
      });
      const step = capture((x: Tensor) => explain(on.score, x));
      const replayed = departure("an attribution, captured against eager", await readOf(() => step(on.x), on.x), eager);
      const disagreement = [reference, replayed].reduce((a, b) => (b.relativeError > a.relativeError ? b : a));
      const verdict: Verdict = { checked: disagreement.relativeError <= tolerance, disagreement };
      return { submit: () => dispose(step(on.x)), dispose: () => step.dispose(), verdict };
    },
    note: ({ medianMs }) => `${figure(medianMs / size.batch)} ms per image; ${figures.get(name)!.batch!.settings}`,
  };
}

/** The values of an attribution, in x's shape. */
async function readOf(explain: () => Tensor, x: Tensor): Promise<Float32Array> {
  using here = openScope("read");
  const made = explain();
  if (String(made.shape) !== String(x.shape)) throw new Error(`[${made.shape}] came for images [${x.shape}]`);
  return Float32Array.from(await here.wait(made.read()));
}

async function attackRow(world: World, name: string, { figures, size, settings }: Prepared): Promise<Row> {
  using here = openScope("attack");
  const row = { case: attackCase(name), system: "holdfast", wait: "none" } as const;
  try {
    const given = settings(name, "attack");
    const images = world.explained(size.attacked);
    const { steps, attackSeconds: seconds } = size;
    const found = await here.wait(attackThrough(images, images.explainer(name, given), { steps, seconds }));
    if (found.fault) return { ...row, checked: false, error: found.fault };
    figures.set(name, { ...figures.get(name), attack: { ...found, settings: settingsLine(name, given) } });
    const ms = found.seconds * 1000;
    const cut = found.cutTo === undefined ? "" : `, extrapolated from ${found.cutTo}`;
    return {
      ...{ ...row, medianMs: ms, minMs: ms, runs: 1, checked: true },
      note: `${steps} steps${cut} on ${size.attacked} images, eps ${radius}; ${settingsLine(name, given)}`,
    };
  } catch (error) {
    return { ...row, checked: false, error: error instanceof Error ? error.message : String(error) };
  }
}

/** The suite. */
export async function runExplainers(
  on: Bench,
  options: ExplainersOptions = {},
): Promise<Pick<ExplainersReport, "results" | "explained">> {
  const { cases = explainerCases, data = "shapes", dataDir, runs = options.quick ? 1 : 3, onRow } = options;
  const size = options.quick ? quick : whole;
  const entries = EXPLAINER_TABLE.filter(({ name }) => cases.includes(name));
  using here = openScope("explainers");
  const world = await here.wait(explainersWorld(size, data, dataDir));
  const figures = new Map<string, Partial<ExplainerFigures>>();
  const settings = (name: string, use: "batch" | "attack"): Settings => {
    const own = measuredSettings[name] ?? {};
    return { ...(options.quick ? own.few : own[use]), ...(use === "attack" && own.slope) };
  };
  const shared: Prepared = { figures, size, settings };

  const batch = world.explained(size.batch);
  const results: Row[] = [];
  // One after the other: the plans of all of them together would hold gigabytes.
  for (const entry of entries.map((e) => batchEntry(world, batch, e, shared)))
    results.push(
      ...(await here.wait(runEntries(on, [entry], { waits: [on.software ? "nap" : "spin"], runs, warmUps: 1, onRow }))),
    );
  const add = (row: Row): void => {
    results.push(row);
    onRow?.(row);
  };
  for (const { name, laws } of entries)
    if (laws.differentiable || measuredSettings[name]?.slope) add(await here.wait(attackRow(world, name, shared)));
  const shapley = cases.includes("kernel-shap")
    ? await here.wait(shapleyErrors(options.quick ? quickShapley : wholeShapley))
    : undefined;
  for (const [players, verdict] of Object.entries(shapley?.verdicts ?? {}))
    add({ case: shapleyCase(Number(players)), system: "holdfast", wait: "none", ...verdict });
  return {
    results,
    explained: {
      ...{ size, network: networkTitle(size), data: world.data, accuracy: world.accuracy },
      explainers: entries.map(({ name, info }) => ({ name, title: info.name, ...figures.get(name) })),
      shapley: shapley?.errors ?? [],
    },
  };
}
