/** ATEX against naive training, per step: the same network, batch, samples per image and distance. */
import { classScore, gradient } from "../atex/index.js";
import { swapExecutor } from "../engine/executor.js";
import {
  capture,
  dispose,
  grad,
  keep,
  mul,
  openScope,
  ReferenceExecutor,
  random,
  sum,
  type Tensor,
  type Tree,
  tensor,
} from "../engine/index.js";
import { pickImages } from "../nn/index.js";
import { type AtexSetting, freeWorld, model, type StepName, schemes, trainingStep, worldOf } from "./atexSteps.js";
import type { Bench } from "./holdfast.js";
import { measure, type Timing, type Waiting } from "./measure.js";
import type { Row } from "./report.js";

const system = "holdfast";
const standard: AtexSetting = { batch: 64, samples: 8, side: 28 };
/** Smaller, because the largest point of a curve has to fit the 128 MiB binding that some adapters stop at. */
const curveBase: AtexSetting = { batch: 16, samples: 8, side: 28 };
/** Cases of the suite, in the order of measurement. */
export const atexCases = [...(Object.keys(schemes) as StepName[]), "naive-hessian-step"] as const;
export type AtexCase = (typeof atexCases)[number];

/** Losses of the first two steps: the second has gone through the gradients of the first. */
async function firstLosses({ step, state }: ReturnType<typeof trainingStep>): Promise<number[]> {
  const first = step(state);
  const second = step(first.state);
  return [await first.loss.item(), await second.loss.item()];
}

/** A batch so small that the float64 reference can follow: the same network, scheme and step. */
const tiny: AtexSetting = { batch: 2, samples: 4, side: 14 };
const TOLERANCE = 1e-3;

/** The losses on the device against those of the float64 reference. */
async function verdict(name: StepName): Promise<Pick<Row, "checked" | "disagreement">> {
  const losses = async (): Promise<number[]> => {
    using _ = openScope("check");
    const world = worldOf(tiny);
    const made = trainingStep(world, await schemes[name](world));
    const found = await firstLosses(made);
    made.dispose();
    freeWorld(world);
    return found;
  };
  const got = await losses();
  const gpu = swapExecutor(new ReferenceExecutor());
  const truth = await losses().finally(() => swapExecutor(gpu));
  const errors = truth.map((t, i) => Math.abs(got[i] - t) / Math.abs(t));
  const at = errors.indexOf(Math.max(...errors));
  const disagreement = { relativeError: errors[at], where: `loss of step ${at + 1}`, got: got[at], truth: truth[at] };
  return { checked: errors.every((e) => e <= TOLERANCE), disagreement };
}

export interface AtexOptions {
  readonly cases?: readonly AtexCase[];
  readonly waits?: readonly Waiting[];
  readonly runs?: number;
  readonly onRow?: (row: Row) => void;
}

async function timeStep(on: Bench, name: StepName, setting: AtexSetting, wait: Waiting, runs: number): Promise<Timing> {
  using _ = openScope("time");
  const world = worldOf(setting);
  const made = trainingStep(world, await schemes[name](world));
  let { state } = made;
  const submit = (): void => {
    const next = made.step(state);
    state = keep(next.state);
    next.loss.dispose();
  };
  try {
    return await measure({ submit, finish: on.finish }, { wait, runs, warmUps: 1 });
  } finally {
    made.dispose();
    dispose(state);
    freeWorld(world);
  }
}

/** One pixel's row of the input Hessian of every image of a batch, ∂² logit / ∂ x_t ∂ x. */
async function timeHessianRow(on: Bench, setting: AtexSetting, wait: Waiting, runs: number): Promise<Timing> {
  using _ = openScope("time");
  const world = worldOf(setting);
  const { data } = world;
  const { params } = model.init(random.key(1), data.shape);
  const { x, y } = pickImages(data, tensor(Int32Array.from({ length: data.count }, (_, i) => i)));
  const step = capture(function hessianRow(p: Tree, z: Tensor, labels: Tensor, pixel: Tensor) {
    const score = classScore((q) => model.apply(p, q), labels);
    return grad((q: Tensor) => sum(mul(gradient(score, q), pixel)))(z);
  });
  const pixel = tensor(new Float32Array(x.size / data.count).fill(1, 0, 1), [1, ...data.shape]);
  const submit = (): void => step(params, x, y, pixel).dispose();
  try {
    return await measure({ submit, finish: on.finish }, { wait, runs, warmUps: 1 });
  } finally {
    step.dispose();
    freeWorld(world);
  }
}

const scaled = (value: number | null | undefined, by: number, plus: number | null | undefined): number | null =>
  value === null || value === undefined || plus === null || plus === undefined ? null : value * by + plus;

/** Naive training with the whole input Hessian of every image written out, pixel by pixel: one row of one batch is measured and
 *  multiplied, because all rows cost the same. */
function hessianStep(row: Timing, step: Row, { batch, samples, side }: AtexSetting): Row {
  const factor = side * side * (1 + samples);
  return {
    ...step,
    case: "naive-hessian-step",
    medianMs: scaled(row.medianMs, factor, step.medianMs) ?? undefined,
    minMs: scaled(row.minMs, factor, step.minMs) ?? undefined,
    spread: row.spread,
    workerCpuMs: scaled(row.workerCpuMs, factor, step.workerCpuMs),
    runs: row.runs,
    hostMs: undefined,
    note: `not run whole: one pixel of ${batch} images measured (${row.medianMs.toFixed(1)} ms), times ${side * side} pixels times ${1 + samples}, plus naive-step`,
  };
}

/** How often a row's cost contains another's: by worker CPU, which other work on the machine hardly moves, else by wall time. */
function ratio(a: Row, b: Row): string {
  const cpu = a.workerCpuMs && b.workerCpuMs ? a.workerCpuMs / b.workerCpuMs : undefined;
  const wall = a.medianMs! / b.medianMs!;
  return `${wall.toFixed(2)} times ${b.case} by wall time${cpu ? `, ${cpu.toFixed(2)} by worker CPU` : ""}`;
}

function defaultWaits(on: Bench): readonly Waiting[] {
  return [on.software ? "nap" : "spin"];
}

/** The suite: every case at batch 64, 28×28 and 8 samples per image, checked before it is timed. */
export async function runAtex(on: Bench, options: AtexOptions = {}): Promise<Row[]> {
  const { cases = atexCases, waits = defaultWaits(on), runs = 5, onRow } = options;
  const rows: Row[] = [];
  const done = (row: Row): void => {
    const ours = rows.find((r) => r.case === "atex-step" && r.wait === row.wait);
    const compared = ours && row.checked && ours.checked ? ratio(row, ours) : undefined;
    const note = [row.note, compared].filter((part) => part !== undefined).join("; ");
    const full = note ? { ...row, note } : row;
    rows.push(full);
    onRow?.(full);
  };
  for (const name of cases) {
    if (name === "naive-hessian-step") {
      for (const wait of waits) {
        const step = rows.find((r) => r.case === "naive-step" && r.wait === wait && r.checked);
        if (step)
          done(hessianStep(await timeHessianRow(on, standard, wait, runs), { ...step, note: undefined }, standard));
        else
          done({
            case: name,
            system,
            wait,
            checked: false,
            error: "it is counted on top of naive-step, which was not measured",
          });
      }
      continue;
    }
    const checked = await verdict(name);
    for (const wait of waits)
      done({
        case: name,
        system,
        wait,
        ...(checked.checked ? await timeStep(on, name, standard, wait, runs) : {}),
        ...checked,
      });
  }
  return rows;
}

/** What a curve varies, from `curveBase`. */
const curves = { batch: [4, 16, 64], samples: [2, 4, 8, 16], side: [14, 28, 56] } as const;

/** Cost of ATEX with everything at hand and of naive against batch size, samples per image and image side. */
export async function runAtexCurves(on: Bench, options: AtexOptions = {}): Promise<Row[]> {
  const { waits = defaultWaits(on), runs = 5, onRow } = options;
  const rows: Row[] = [];
  for (const name of ["atex-step", "naive-step"] as const) {
    const checked = await verdict(name);
    for (const [what, values] of Object.entries(curves))
      for (const value of values)
        for (const wait of waits) {
          const setting = { ...curveBase, [what]: value };
          const timing = checked.checked ? await timeStep(on, name, setting, wait, runs) : {};
          const title = `${name} batch ${setting.batch}, ${setting.samples} samples, side ${setting.side}`;
          const row: Row = { case: title, system, wait, ...timing, ...checked };
          rows.push(row);
          onRow?.(row);
        }
  }
  return rows;
}
