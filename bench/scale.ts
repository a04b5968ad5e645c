/** Cost per image of the network's steps against batch size and image side. */
import {
  capture,
  DeviceLostError,
  dispose,
  grad,
  keep,
  mul,
  OutOfMemoryError,
  oneHot,
  openScope,
  random,
  square,
  sum,
  type Tensor,
  type Tree,
  tensor,
  valueAndGrad,
} from "../engine/index.js";
import { adam, crossEntropy, paperNetwork, softplus } from "../nn/index.js";
import { compare, type Disagreement, summarise, tolerance } from "./agreement.js";
import { linePanels } from "./chart.js";
import type { Results } from "./goldens.js";
import type { Bench } from "./holdfast.js";
import { measure, type Waiting } from "./measure.js";
import { figure, type Report, type Row } from "./report.js";

const system = "holdfast";

/** Images of one step: `period` or fewer different ones, else a multiple of `period`. */
export interface Size {
  readonly batch: number;
  /** Side of the square images. */
  readonly side: number;
}

/** A step at a size, with its inputs on the device. */
interface Sized {
  /** Runs it; what comes does not depend on how often the batch repeats its images. */
  results(): Promise<Results>;
  submit(): void;
  dispose(): void;
}

export const scaleCases = ["train-step", "input-gradient", "second-order"] as const;
export type ScaleCase = (typeof scaleCases)[number];

const model = paperNetwork({ activation: softplus() });

/** Batches consist of these many different images, over and over. */
const period = 4;

/** The sizes of the curves: batches at side 28, sides at batch 16. */
export function sizesOf(small: boolean): Size[] {
  const batches = small ? [1, 4, 16, 64] : [1, 4, 16, 64, 256, 1024, 4096];
  const sides = small ? [14, 56] : [14, 56, 112];
  return [...batches.map((batch) => ({ batch, side: 28 })), ...sides.map((side) => ({ batch: 16, side }))];
}

function inputs({ batch, side }: Size, different: number): { params: Tree; x: Tensor; y: Tensor } {
  const pixels = side * side;
  const x = new Float32Array(batch * pixels);
  for (let i = 0; i < x.length; i++) {
    const image = Math.floor(i / pixels) % different;
    x[i] = (Math.imul(image * pixels + (i % pixels) + 1, 0x9e3779b1) >>> 8) / 2 ** 24;
  }
  const y = Int32Array.from({ length: batch }, (_, i) => (3 * (i % different)) % 10);
  const { params } = model.init(random.key(1), [1, side, side]);
  return { params, x: tensor(x, [batch, 1, side, side]), y: tensor(y) };
}

const labelLogit = (p: Tree, x: Tensor, y: Tensor) => sum(mul(model.apply(p, x), oneHot(y, 10)));

async function read(tensors: Record<string, Tensor>): Promise<Results> {
  const entries = Object.entries(tensors).map(async ([name, t]) => [name, await t.read()] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** Parameter gradients as a flat record. */
function named(tree: readonly (Record<string, Tensor> | undefined)[]): Record<string, Tensor> {
  const entries = tree.flatMap((layer, i) =>
    Object.entries(layer ?? {}).map(([key, t]) => [`${i} ${key}`, t] as const),
  );
  // The last bias does not reach the input gradient.
  return Object.fromEntries(entries.filter(([name]) => name !== `${tree.length - 1} bias`));
}

const steps: Readonly<Record<ScaleCase, (size: Size, different: number) => Sized>> = {
  "train-step"(size, different) {
    const { params, x, y } = inputs(size, different);
    const optimiser = adam();
    let state: Tree = keep({ params, optimiser: optimiser.init(params) });
    const step = capture(
      function trainStep(state: Tree, x: Tensor, y: Tensor) {
        const [loss, gradients] = valueAndGrad((p: Tree) => crossEntropy(model.apply(p, x), y))(state.params);
        const [params, next] = optimiser.update(state.params, gradients, state.optimiser);
        return { state: { params, optimiser: next }, loss };
      },
      { donate: [0] },
    );
    const run = (): Tensor => {
      const made = step(state, x, y);
      state = keep(made.state);
      return made.loss;
    };
    return {
      // The second loss has been through the first step's gradients.
      results: async () => ({ losses: [await run().item(), await run().item()] }),
      submit: () => run().dispose(),
      dispose() {
        step.dispose();
        dispose(state);
      },
    };
  },
  "input-gradient"(size, different) {
    const { params, x, y } = inputs(size, different);
    const step = capture(function inputGradient(p: Tree, x: Tensor, y: Tensor) {
      return grad((x: Tensor) => labelLogit(p, x, y))(x);
    });
    return {
      async results() {
        const maps = await step(params, x, y).read();
        const count = different * size.side ** 2;
        return { first: maps.subarray(0, count), last: maps.subarray(maps.length - count) };
      },
      submit: () => step(params, x, y).dispose(),
      dispose: () => step.dispose(),
    };
  },
  "second-order"(size, different) {
    const { params, x, y } = inputs(size, different);
    const step = capture(function secondOrder(p: Tree, x: Tensor, y: Tensor) {
      const roughness = (p: Tree) => mul(sum(square(grad((x: Tensor) => labelLogit(p, x, y))(x))), 1 / size.batch);
      return grad(roughness)(p);
    });
    return {
      results: () => read(named(step(params, x, y) as readonly (Record<string, Tensor> | undefined)[])),
      submit: () => dispose(step(params, x, y)),
      dispose: () => step.dispose(),
    };
  },
};

/** The results of a size against those of the same images in another batch, of another size. */
async function verdict(
  name: ScaleCase,
  size: Size,
  got: Results,
): Promise<{ checked: boolean; disagreement: Disagreement }> {
  using _ = openScope("check");
  const different = Math.min(size.batch, period);
  const batch = size.batch > different ? different : 2 * different;
  const work = steps[name]({ ...size, batch }, different);
  const truth = await work.results().finally(() => work.dispose());
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
  const { cases = scaleCases, waits = [on.software ? "nap" : "spin"], runs = 5, onRow } = options;
  const rows: Row[] = [];
  const leftOut: string[] = [];
  for (const name of cases as readonly ScaleCase[])
    for (const size of options.sizes ?? sizesOf(options.small ?? false)) {
      const title = sizedCase(name, size);
      const done = (row: Partial<Row> & Pick<Row, "wait" | "checked">): void => {
        rows.push({ case: title, system, ...row });
        onRow?.(rows[rows.length - 1]);
      };
      using _ = openScope("scale");
      let work: Sized | undefined;
      try {
        work = steps[name](size, Math.min(size.batch, period));
        const judged = await verdict(name, size, await work.results());
        for (const wait of waits) {
          if (!judged.checked) {
            done({ wait, ...judged });
            continue;
          }
          const timing = await measure({ submit: work.submit, finish: on.finish }, { wait, runs, warmUps: 1 });
          done({ wait, ...timing, ...judged, note: `${figure(timing.medianMs / size.batch)} ms per image` });
        }
      } catch (error) {
        if (isTooLarge(error)) leftOut.push(`${title}: ${error.message}`);
        else done({ wait: waits[0], checked: false, error: String((error as Error).message ?? error) });
      } finally {
        work?.dispose();
      }
    }
  return { results: rows, leftOut };
}

/** Cost per image in wall time: against the batch at side 28, and against the side at batch 16. */
export function plotScale({ results }: Report): string {
  const points = results.flatMap((row) => {
    const found = /^(.+) batch (\d+), side (\d+)$/.exec(row.case);
    if (!found || !row.checked || !row.medianMs) return [];
    const [batch, side] = [Number(found[2]), Number(found[3])];
    return [{ name: found[1], batch, side, perImage: row.medianMs / batch }];
  });
  const names = [...new Set(points.map((p) => p.name))];
  const lines = (among: typeof points, key: "batch" | "side") =>
    names.map((name) => ({
      name,
      points: among.filter((p) => p.name === name).map((p) => ({ x: p[key], y: p.perImage })),
    }));
  const y = "ms per image";
  return linePanels("Wall time per image", [
    {
      x: "images per batch, 28×28",
      y,
      lines: lines(
        points.filter((p) => p.side === 28),
        "batch",
      ),
    },
    {
      x: "side of the images, batch 16",
      y,
      lines: lines(
        points.filter((p) => p.batch === 16),
        "side",
      ),
    },
  ]);
}
