/** Cost per image of the network's steps against batch size and image side. */
import {
  callerScope,
  DeviceLostError,
  OutOfMemoryError,
  openScope,
  random,
  type Tensor,
  type Tree,
  tensor,
} from "../engine/index.js";
import { adam, crossEntropy } from "../nn/index.js";
import { compare, summarise, tolerance } from "./agreement.js";
import { type BenchCase, caseOf } from "./cases.js";
import { linePanels } from "./chart.js";
import type { Results, Verdict } from "./goldens.js";
import type { Bench } from "./holdfast.js";
import type { Waiting } from "./measure.js";
import { figure, type Report, type Row } from "./report.js";
import { type Entry, runEntries } from "./run.js";
import { captureInputGradient, captureSecondOrder, model, trainer } from "./steps.js";

/** Images of one step: `period` or fewer different ones, else a multiple of `period`. */
export interface Size {
  readonly batch: number;
  /** Side of the square images. */
  readonly side: number;
}

export const scaleCases = ["train-step", "input-gradient", "second-order"] as const;
export type ScaleCase = (typeof scaleCases)[number];

/** Batches consist of these many different images, over and over. */
const period = 4;

/** The sizes of the curves: batches at side 28, sides at batch 16. */
export function sizesOf(small: boolean): Size[] {
  const batches = small ? [1, 4, 16, 64] : [1, 4, 16, 64, 256, 1024, 4096];
  const sides = small ? [14, 56] : [14, 56, 112];
  return [...batches.map((batch) => ({ batch, side: 28 })), ...sides.map((side) => ({ batch: 16, side }))];
}

function inputs({ batch, side }: Size, different: number): [params: Tree, x: Tensor, y: Tensor] {
  const pixels = side * side;
  const x = new Float32Array(batch * pixels);
  for (let i = 0; i < x.length; i++) {
    const image = Math.floor(i / pixels) % different;
    x[i] = (Math.imul(image * pixels + (i % pixels) + 1, 0x9e3779b1) >>> 8) / 2 ** 24;
  }
  const y = Int32Array.from({ length: batch }, (_, i) => (3 * (i % different)) % 10);
  const { params } = model.init(random.key(1), [1, side, side]);
  return [params, tensor(x, [batch, 1, side, side]), tensor(y)];
}

/** Parameter gradients as a flat record. */
function named(tree: Tree): Record<string, Tensor> {
  const layers = tree as readonly (Record<string, Tensor> | undefined)[];
  const entries = layers.flatMap((layer, i) =>
    Object.entries(layer ?? {}).map(([key, t]) => [`${i} ${key}`, t] as const),
  );
  // The last bias does not reach the input gradient.
  return Object.fromEntries(entries.filter(([name]) => name !== `${layers.length - 1} bias`));
}

/** Each step at a size; its results do not depend on how often the batch repeats its images. */
const steps: Readonly<Record<ScaleCase, (size: Size, different: number) => Omit<BenchCase, "step">>> = {
  "train-step"(size, different) {
    const [params, x, y] = inputs(size, different);
    const { run, dispose } = trainer(adam(), (p, x, y) => crossEntropy(model.apply(p, x), y), params, [x, y]);
    return {
      // The second loss has been through the first step's gradients.
      results: async () => ({ losses: [await run().item(), await run().item()] }),
      submit: () => run().dispose(),
      dispose,
    };
  },
  "input-gradient"(size, different) {
    const work = caseOf(captureInputGradient(), inputs(size, different));
    return {
      ...work,
      async results() {
        const maps = (await work.results()).x as Float32Array;
        const count = different * size.side ** 2;
        return { first: maps.subarray(0, count), last: maps.subarray(maps.length - count) };
      },
    };
  },
  "second-order": (size, different) => caseOf(captureSecondOrder(named), inputs(size, different)),
};

/** The results of a size against those of the same images in another batch, of another size. */
async function verdict(name: ScaleCase, size: Size, got: Results): Promise<Verdict> {
  using here = openScope("check");
  const different = Math.min(size.batch, period);
  const batch = size.batch > different ? different : 2 * different;
  const work = steps[name]({ ...size, batch }, different);
  const truth = await here.wait(work.results().finally(() => work.dispose()));
  const summaries = [got, truth].map((results) =>
    Object.fromEntries(Object.entries(results).map(([key, values]) => [key, summarise(values)])),
  );
  const disagreement = compare(summaries[0], summaries[1]);
  return { checked: disagreement.relativeError <= tolerance, disagreement };
}

/** Whether an adapter cannot hold a size: a buffer above its limits, or no memory left. */
function isTooLarge(error: unknown): error is Error {
  if (error instanceof DeviceLostError) return false;
  return (
    error instanceof OutOfMemoryError || (error instanceof Error && /this adapter binds at most/.test(error.message))
  );
}

export interface ScaleOptions {
  readonly cases?: readonly string[];
  readonly waits?: readonly Waiting[];
  readonly runs?: number;
  /** Only the sizes that a software adapter does in a minute. */
  readonly small?: boolean;
  readonly sizes?: readonly Size[];
  readonly onRow?: (row: Row) => void;
}

/** Name of a row. */
export const sizedCase = (name: string, { batch, side }: Size) => `${name} batch ${batch}, side ${side}`;

/** A row per case and size, and the sizes that the adapter cannot hold with the engine's reason. */
export async function runScale(on: Bench, options: ScaleOptions = {}): Promise<Pick<Report, "results" | "leftOut">> {
  const here = callerScope();
  const { cases = scaleCases, waits = [on.software ? "nap" : "spin"], runs = 5, onRow } = options;
  const results: Row[] = [];
  const leftOut: string[] = [];
  const entry = (name: ScaleCase, size: Size): Entry => ({
    case: sizedCase(name, size),
    async prepare() {
      let work: ReturnType<(typeof steps)[ScaleCase]> | undefined;
      try {
        work = steps[name](size, Math.min(size.batch, period));
        return { ...work, verdict: await verdict(name, size, await work.results()) };
      } catch (error) {
        work?.dispose();
        if (!isTooLarge(error)) throw error;
        leftOut.push(`${sizedCase(name, size)}: ${error.message}`);
        return undefined;
      }
    },
    note: ({ medianMs }) => `${figure(medianMs / size.batch)} ms per image`,
  });
  for (const name of cases as readonly ScaleCase[]) {
    using _ = here.open("scale");
    const entries = (options.sizes ?? sizesOf(options.small ?? false)).map((size) => entry(name, size));
    results.push(...(await here.wait(runEntries(on, entries, { waits, runs, warmUps: 1, onRow }))));
  }
  return { results, leftOut };
}

/** A measured point of a curve, wall time. */
interface Point extends Size {
  readonly name: string;
  readonly perImage: number;
}

function pointsOf({ results }: Report): Point[] {
  return results.flatMap((row) => {
    const found = /^(.+) batch (\d+), side (\d+)$/.exec(row.case);
    if (!found || !row.checked || !row.medianMs) return [];
    const [batch, side] = [Number(found[2]), Number(found[3])];
    return [{ name: found[1], batch, side, perImage: row.medianMs / batch }];
  });
}

const namesOf = (points: readonly Point[]) => [...new Set(points.map((p) => p.name))];
const byBatch = (points: readonly Point[]) => points.filter((p) => p.side === 28);
const bySide = (points: readonly Point[]) => points.filter((p) => p.batch === 16);

/** Cost per image in wall time: against the batch at side 28, and against the side at batch 16. */
export function plotScale(report: Report): string {
  const points = pointsOf(report);
  const lines = (among: readonly Point[], key: "batch" | "side") =>
    namesOf(points).map((name) => ({
      name,
      points: among.filter((p) => p.name === name).map((p) => ({ x: p[key], y: p.perImage })),
    }));
  const y = "ms per image";
  return linePanels("Wall time per image", [
    { x: "images per batch, 28×28", y, lines: lines(byBatch(points), "batch") },
    { x: "side of the images, batch 16", y, lines: lines(bySide(points), "side") },
  ]);
}

/** Costs within this factor of the least count as flat. */
const flat = 1.25;

/** What the curves say, in a sentence or two per step. */
export function explainScale(report: Report): string[] {
  const points = pointsOf(report);
  const sentences = namesOf(points).flatMap((name) => {
    const batches = byBatch(points.filter((p) => p.name === name)).sort((a, b) => a.batch - b.batch);
    if (batches.length < 2) return [];
    const least = batches.reduce((a, b) => (b.perImage < a.perImage ? b : a));
    const [first, last] = [batches[0], batches[batches.length - 1]];
    const from = batches.find((p) => p.perImage <= flat * least.perImage)!;
    const parts = [
      `\`${name}\`: an image costs ${figure(first.perImage)} ms at batch ${first.batch} and least at batch ${least.batch}, ` +
        `${figure(least.perImage)} ms; batch ${from.batch} is the first within ${Math.round(100 * (flat - 1))} % of that` +
        (last === least
          ? "."
          : `, and at batch ${last.batch} it is ${figure(last.perImage / least.perImage)} times the least.`),
    ];
    const sides = bySide(points.filter((p) => p.name === name)).sort((a, b) => a.side - b.side);
    const unit = sides.find((p) => p.side === 28);
    if (unit && sides.length > 1) {
      const perPixel = (p: Point) => (p.perImage * unit.side ** 2) / (p.side ** 2 * unit.perImage);
      const others = sides.filter((p) => p !== unit).map((p) => `${figure(perPixel(p))} at side ${p.side}`);
      parts.push(`A pixel costs, as a multiple of one at side 28 (batch 16): ${others.join(", ")}.`);
    }
    return [parts.join(" ")];
  });
  const left = (report.leftOut ?? []).map((line) => line.slice(0, line.indexOf(": ")));
  if (left.length > 0) sentences.push(`Left out, because this adapter cannot hold them: ${left.join("; ")}.`);
  return sentences;
}
