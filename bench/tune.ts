/** Every variant of matrix product and convolution on this adapter, beside the one that the model of engine/ops/choose.ts takes.
 *  What beats the model is kept as a table, which the engine then goes by on this adapter. */
import { dispose, openScope, type Tensor, tensor } from "../engine/index.js";
import type { Capabilities } from "../engine/lower.js";
import { apply, type OpSpec } from "../engine/op.js";
import {
  type ConvShape,
  chooseConv2d,
  chooseConv2dFilter,
  chooseConv2dInput,
  chooseMatmul,
  type FilterChoice,
  type InputChoice,
  type MatmulChoice,
} from "../engine/ops/choose.js";
import { conv2dFilterSpec, conv2dInputSpec, conv2dSpec } from "../engine/ops/conv.js";
import { conv2dCalls, conv2dFilterCalls, conv2dInputCalls } from "../engine/ops/conv.launch.js";
import { matmulSpec } from "../engine/ops/matmul.js";
import { matmulCalls } from "../engine/ops/matmul.launch.js";
import { dotColumns, liesAlongSum, type TunedChoice, type TunedOp } from "../engine/ops/tuned.js";
import { type AdapterIdentity, kernelsVersion, type TuningTable } from "../engine/tuning.js";
import { compare, summarise, tolerance } from "./agreement.js";
import type { Bench } from "./holdfast.js";
import { convInputs, type HostTensor, matmulInputs } from "./inputs.js";
import { measureInTurns, type Timing } from "./measure.js";
import { figure, type Row, table } from "./report.js";

/** A measured variant. */
export interface TuneRow extends Row {
  /** The variant with its parameters. */
  readonly variant: string;
  /** Whether it is the one the model takes, on this adapter and on one like it without subgroups. */
  readonly chosen: boolean;
  readonly chosenWithoutSubgroups: boolean;
  readonly gflops?: number;
}

/** What a task's variants came to. */
export interface TuneResult {
  readonly rows: readonly TuneRow[];
  /** The fastest variant, where it beats the model's by more than measurements err; not there if the model's own failed. */
  readonly tuned?: TunedChoice;
}

type Choice = MatmulChoice | InputChoice | FilterChoice;

/** What a launch asks: which variant, for an op on a shape. */
interface Question {
  readonly op: TunedOp;
  readonly shape: object;
  readonly caps: Capabilities;
  /** The answer of the model. */
  model(caps: Capabilities): Choice;
}

/** Something to run in any variant. */
export interface Task {
  readonly inputs: readonly HostTensor[];
  readonly flops: number;
  /** Whether variants may split the reduction, exchange rows and columns, fold, filter with few multiplications, transform whole planes, be dot
   *  products. */
  readonly may: Readonly<Partial<Record<"split" | "exchange" | "fold" | "filter" | "transform" | "dots", boolean>>>;
  /** Runs it; `decide` is asked once. */
  run(inputs: readonly Tensor[], decide: (question: Question) => Choice): Tensor;
}

/** A matrix product. */
export function product(a: HostTensor, b: HostTensor, attrs: { transA: boolean; transB: boolean }): Task {
  const [m, depth] = attrs.transA ? [a.shape[1], a.shape[0]] : a.shape;
  const n = attrs.transB ? b.shape[0] : b.shape[1];
  return {
    inputs: [a, b],
    flops: 2 * m * n * depth,
    may: { exchange: true, split: true, dots: Math.min(m, n) < 16 && liesAlongSum({ m, n, ...attrs }) },
    run: (inputs, decide) =>
      launched(matmulSpec, inputs, attrs, (ctx, at) =>
        matmulCalls(
          ctx,
          at,
          (shape, caps) => decide({ op: "matmul", shape, caps, model: (c) => chooseMatmul(shape, c) }) as MatmulChoice,
        ),
      ),
  };
}

/** An op with another way of launching it. */
function launched<A>(spec: OpSpec<A>, inputs: readonly Tensor[], attrs: A, launch: OpSpec<A>["launch"]): Tensor {
  return apply({ ...spec, launch }, inputs, attrs);
}

function convolution(layer: "conv1" | "conv2", part: "forward" | "input" | "filter"): Task {
  const { x, w, g } = convInputs(layer);
  const image = [x.shape[2], x.shape[3]] as const;
  const attrs = {
    ...{ image, window: [5, 5] as const, stride: [1, 1] as const, dilation: [1, 1] as const },
    ...{ padding: [2, 2, 2, 2] as const, groups: 1 },
  };
  const flops = 2 * x.data.length * w.shape[0] * 25;
  const transform = layer === "conv2";
  if (part === "forward")
    return {
      ...{ inputs: [x, w], flops, may: { filter: true, transform } },
      run: (inputs, decide) =>
        launched(conv2dSpec, inputs, attrs, (ctx, at) =>
          conv2dCalls(
            ctx,
            at,
            (shape: ConvShape, caps) =>
              decide({ op: "conv2d", shape, caps, model: (c) => chooseConv2d(shape, c) }) as never,
          ),
        ),
    };
  if (part === "input")
    return {
      ...{ inputs: [g, w], flops, may: { fold: true, filter: true, transform } },
      run: (inputs, decide) =>
        launched(conv2dInputSpec, inputs, attrs, (ctx, at) =>
          conv2dInputCalls(
            ctx,
            at,
            (shape, caps) =>
              decide({ op: "conv2dInput", shape, caps, model: (c) => chooseConv2dInput(shape, c) }) as InputChoice,
          ),
        ),
    };
  return {
    ...{ inputs: [x, g], flops, may: { split: true, filter: true, transform } },
    run: (inputs, decide) =>
      launched(conv2dFilterSpec, inputs, attrs, (ctx, at) =>
        conv2dFilterCalls(
          ctx,
          at,
          (shape, caps) =>
            decide({ op: "conv2dFilter", shape, caps, model: (c) => chooseConv2dFilter(shape, c) }) as FilterChoice,
        ),
      ),
  };
}

const slice = ({ data }: HostTensor, rows: number, columns: number): HostTensor => ({
  shape: [rows, columns],
  data: data.subarray(0, rows * columns),
});

/** The products of the network and square ones. */
export const tuneTasks: Readonly<Record<string, () => Task>> = {
  "matmul-512": () => product(matmulInputs(512).a, matmulInputs(512).b, { transA: false, transB: false }),
  "matmul-1024": () => product(matmulInputs(1024).a, matmulInputs(1024).b, { transA: false, transB: false }),
  "dense-64x3136x128"() {
    const { a, b } = matmulInputs(1024);
    return product(slice(a, 64, 3136), slice(b, 128, 3136), { transA: false, transB: true });
  },
  "dense-1x1024x1000"() {
    const { a, b } = matmulInputs(1024);
    return product(slice(a, 1, 1024), slice(b, 1000, 1024), { transA: false, transB: true });
  },
  "dense-weight-128x64x3136"() {
    const { a, b } = matmulInputs(1024);
    return product(slice(a, 64, 128), slice(b, 64, 3136), { transA: true, transB: false });
  },
  conv1: () => convolution("conv1", "forward"),
  "conv1-input-gradient": () => convolution("conv1", "input"),
  "conv1-filter-gradient": () => convolution("conv1", "filter"),
  conv2: () => convolution("conv2", "forward"),
  "conv2-input-gradient": () => convolution("conv2", "input"),
  "conv2-filter-gradient": () => convolution("conv2", "filter"),
};

/** Products above this many operations are not tried with the plain kernel on software: it needs minutes. */
const longestPlain = 4e8;

/** The variants worth trying on an adapter, those of the model first. */
function variants(task: Task, model: readonly Choice[], caps: Capabilities): Choice[] {
  const found = [...model];
  if (!caps.software || task.flops <= longestPlain) found.push({ variant: "plain" });
  if (task.may.dots)
    for (const columns of dotColumns) found.push({ variant: "dots", lanes: caps.software ? 8 : 64, columns });
  if (task.may.fold) found.push({ variant: "fold" });
  if (task.may.filter && found.every(({ variant }) => variant !== "winograd"))
    found.push({ variant: "winograd", side: 8, tiles: 1024, group: 256 });
  // Planes of the network's second convolution; a GPU's threads have no registers for them.
  if (task.may.transform && caps.software) found.push({ variant: "fourier", side: 16, images: 64 });
  const splits = model.flatMap((choice) => ("parts" in choice ? [choice.parts] : []));
  const parts = task.may.split ? [1, 4, 16, ...splits] : [undefined];
  const exchanges = task.may.exchange ? [false, true] : [undefined];
  if (caps.software)
    for (const subgroups of caps.subgroups && caps.subgroupMinSize >= 8 ? [true, false] : [false])
      for (const columns of subgroups ? [8, 12, 24, 32, 48, 64] : [8, 12, 24, 32])
        for (const exchanged of exchanges)
          for (const count of task.may.exchange ? [undefined] : parts)
            found.push(given({ variant: "registers", subgroups, columns, exchanged, parts: count }));
  for (const side of [8, 16] as const)
    for (const count of parts) found.push(given({ variant: "tiled", side, parts: count }));
  return [...new Map(found.map((choice) => [nameOf(choice), choice])).values()];
}

/** A choice without the fields that this op has not. */
function given(choice: Record<string, unknown>): Choice {
  return Object.fromEntries(Object.entries(choice).filter(([, value]) => value !== undefined)) as unknown as Choice;
}

function nameOf(choice: Choice): string {
  const entries = Object.entries(choice).filter(([key]) => key !== "variant");
  const words = entries.map(([key, value]) => (typeof value === "boolean" ? (value ? key : "") : `${key} ${value}`));
  return [choice.variant, ...words.filter(Boolean).sort()].join(", ");
}

/** A variant has to beat the model's by this factor before it is preferred: less is within what measurements err. */
const margin = 1.1;

/** Measures the variants of a task in turns; each must agree with the model's. */
export async function tuneTask(on: Bench, name: string, task: Task, runs = 5): Promise<TuneResult> {
  using here = openScope("tune");
  const inputs = task.inputs.map(({ shape, data }) => tensor(data, shape));
  const questions: Question[] = [];
  const truth = task.run(inputs, (question) => {
    questions.push(question);
    return question.model({ ...question.caps, tuning: [] });
  });
  const summary = { y: summarise(await here.wait(truth.read())) };
  const [{ op, shape, caps, model }] = questions;
  const chosen = model({ ...caps, tuning: [] });
  const without = model({ ...caps, tuning: [], subgroups: false, subgroupMinSize: 1 });
  const tried = variants(task, [chosen, without], caps).map((choice) => ({
    choice,
    row: {
      ...({ case: name, system: "holdfast", wait: "nap", variant: nameOf(choice) } as const),
      chosen: nameOf(choice) === nameOf(chosen),
      chosenWithoutSubgroups: nameOf(choice) === nameOf(without),
    },
  }));
  const works = tried.map(({ choice }) => ({
    submit() {
      dispose(task.run(inputs, () => choice));
      // Ops one by one wait for a read-back or a long queue.
      on.flush();
    },
    finish: on.finish,
  }));
  const verdicts: Verdict[] = [];
  for (const { choice } of tried) verdicts.push(await here.wait(judge(task, inputs, choice, summary)));
  const right = works.filter((_, i) => verdicts[i].checked);
  const timings = await here.wait(measureInTurns(right, { wait: "nap", runs, warmUps: 2 }));
  const measured = tried.map(({ choice, row }, i) => {
    const timing = timings[right.indexOf(works[i])];
    if (timing instanceof Error) return { choice, row: { ...row, checked: false, error: timing.message } };
    if (!timing) return { choice, row: { ...row, ...verdicts[i] } };
    const gflops = task.flops / costOf(on, timing) / 1e6;
    return { choice, timing, row: { ...row, ...timing, ...verdicts[i], gflops } };
  });
  const own = measured.find(({ row }) => row.chosen)?.timing;
  if (!own) return { rows: measured.map(({ row }) => row) };
  const relative = (timing: Timing | undefined) => (timing ? relativeCost(on, timing, own) : Infinity);
  const best = measured.reduce((a, b) => (relative(b.timing) < relative(a.timing) ? b : a));
  const choice = relative(best.timing) * margin < 1 ? (best.choice as object as TunedChoice["choice"]) : null;
  return {
    rows: measured.map(({ row }) => row),
    tuned: { op, shape: shape as TunedChoice["shape"], choice },
  };
}

/** A variant's cost over the model's. On software the larger of the ratios in CPU time, which other work on the machine hardly
 *  moves but which hides that a kernel keeps only one processor busy, and in wall time, which shows that. */
function relativeCost({ software }: Bench, timing: Timing, own: Timing): number {
  const wall = timing.minMs / own.minMs;
  return software && timing.workerCpuMs && own.workerCpuMs
    ? Math.max(wall, timing.workerCpuMs / own.workerCpuMs)
    : wall;
}

type Verdict = Pick<Row, "checked" | "disagreement" | "error">;

async function judge(
  task: Task,
  inputs: readonly Tensor[],
  choice: Choice,
  truth: { y: ReturnType<typeof summarise> },
): Promise<Verdict> {
  try {
    const y = task.run(inputs, () => choice);
    const disagreement = compare({ y: summarise(await y.read()) }, truth);
    y.dispose();
    return { checked: disagreement.relativeError <= tolerance, disagreement };
  } catch (error) {
    return { checked: false, error: error instanceof Error ? error.message : String(error) };
  }
}

/** Milliseconds on an idle machine; on software from the CPU time of its threads, which other work hardly moves. */
function costOf({ software, processors }: Bench, { minMs, workerCpuMs }: Timing): number {
  return software && workerCpuMs !== null ? workerCpuMs / processors : minMs;
}

/** The table of what was measured on an adapter. */
export function tableOf(adapter: AdapterIdentity, results: readonly TuneResult[], made: string): TuningTable {
  const { vendor, architecture, device, description } = adapter;
  return {
    adapter: { vendor, architecture, device, description },
    kernels: kernelsVersion(),
    made,
    choices: results.flatMap(({ tuned }) => tuned ?? []),
  };
}

/** Per task: the variants by speed, those that the model takes marked, and how far the model is from the best. */
export function formatTune(rows: readonly TuneRow[]): string {
  const names = [...new Set(rows.map((row) => row.case))];
  const lines = names.flatMap((name) => {
    const of = rows.filter((row) => row.case === name).sort((a, b) => (b.gflops ?? 0) - (a.gflops ?? 0));
    return of.map((row) => [
      ...[row.case, row.variant, figure(row.gflops), figure(row.minMs), figure(row.workerCpuMs)],
      [
        row.chosen ? "chosen" : "",
        row.chosenWithoutSubgroups && !row.chosen ? "chosen without subgroups" : "",
        row.checked ? "" : (row.error ?? "WRONG"),
      ]
        .filter(Boolean)
        .join(" "),
    ]);
  });
  return table(["task", "variant", "GFLOP/s", "min ms", "worker CPU ms", "remark"], lines);
}
