/** Every variant of matrix product and convolution on this adapter, beside the one that engine/ops/choose.ts takes: where it
 *  chooses badly, its model of the adapter is to be corrected. */
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
import { compare, summarise, tolerance } from "./agreement.js";
import type { Bench } from "./holdfast.js";
import { convInputs, type HostTensor, matmulInputs } from "./inputs.js";
import { measure } from "./measure.js";
import { figure, type Row, table } from "./report.js";

/** A measured variant. */
export interface TuneRow extends Row {
  /** The variant with its parameters. */
  readonly variant: string;
  /** Whether it is the one the engine takes. */
  readonly chosen: boolean;
  readonly gflops?: number;
}

type Choice = MatmulChoice | InputChoice | FilterChoice;

/** Something to run in any variant. */
export interface Task {
  readonly inputs: readonly HostTensor[];
  readonly flops: number;
  /** Whether variants may split the reduction, exchange rows and columns, fold. */
  readonly may: { readonly split?: boolean; readonly exchange?: boolean; readonly fold?: boolean };
  /** Runs it; `decide` is asked once with the engine's own choice and says what is taken. */
  run(inputs: readonly Tensor[], decide: (engine: Choice, caps: Capabilities) => Choice): Tensor;
}

/** A matrix product. */
export function product(a: HostTensor, b: HostTensor, attrs: { transA: boolean; transB: boolean }): Task {
  const [m, depth] = attrs.transA ? [a.shape[1], a.shape[0]] : a.shape;
  const n = attrs.transB ? b.shape[0] : b.shape[1];
  return {
    inputs: [a, b],
    flops: 2 * m * n * depth,
    may: { exchange: true, split: true },
    run: (inputs, decide) =>
      launched(matmulSpec, inputs, attrs, (ctx, at) =>
        matmulCalls(ctx, at, (shape, caps) => decide(chooseMatmul(shape, caps), caps) as MatmulChoice),
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
  if (part === "forward")
    return {
      ...{ inputs: [x, w], flops, may: {} },
      run: (inputs, decide) =>
        launched(conv2dSpec, inputs, attrs, (ctx, at) =>
          conv2dCalls(ctx, at, (shape: ConvShape, caps) => decide(chooseConv2d(shape, caps), caps) as never),
        ),
    };
  if (part === "input")
    return {
      ...{ inputs: [g, w], flops, may: { fold: true } },
      run: (inputs, decide) =>
        launched(conv2dInputSpec, inputs, attrs, (ctx, at) =>
          conv2dInputCalls(ctx, at, (shape, caps) => decide(chooseConv2dInput(shape, caps), caps) as InputChoice),
        ),
    };
  return {
    ...{ inputs: [x, g], flops, may: { split: true } },
    run: (inputs, decide) =>
      launched(conv2dFilterSpec, inputs, attrs, (ctx, at) =>
        conv2dFilterCalls(ctx, at, (shape, caps) => decide(chooseConv2dFilter(shape, caps), caps) as FilterChoice),
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

/** The variants worth trying on an adapter. */
function variants(task: Task, engine: Choice, caps: Capabilities): Choice[] {
  const found: Choice[] = [engine];
  if (!caps.software || task.flops <= longestPlain) found.push({ variant: "plain" });
  if (task.may.fold) found.push({ variant: "fold" });
  const parts = task.may.split ? ("parts" in engine ? [1, 4, 16, engine.parts] : [1, 4, 16]) : [undefined];
  const exchanges = task.may.exchange ? [false, true] : [undefined];
  if (caps.software)
    for (const subgroups of caps.subgroups && caps.subgroupMinSize >= 8 ? [true, false] : [false])
      for (const columns of subgroups ? [8, 12, 24, 32, 48, 64] : [8, 12, 24, 32])
        for (const exchanged of exchanges)
          for (const count of task.may.exchange ? [undefined] : parts)
            found.push({ variant: "registers", subgroups, columns, exchanged, parts: count } as Choice);
  for (const side of [8, 16] as const)
    for (const count of parts) found.push({ variant: "tiled", side, parts: count } as Choice);
  return [...new Map(found.map((choice) => [nameOf(choice), choice])).values()];
}

function nameOf(choice: Choice): string {
  const entries = Object.entries(choice).filter(([key, value]) => key !== "variant" && value !== undefined);
  const words = entries.map(([key, value]) => (typeof value === "boolean" ? (value ? key : "") : `${key} ${value}`));
  return [choice.variant, ...words.filter(Boolean).sort()].join(", ");
}

/** Measures the variants of tasks, by name; each must agree with the engine's own choice. */
export async function tune(
  on: Bench,
  tasks: Readonly<Record<string, () => Task>>,
  { runs = 5, onRow }: { readonly runs?: number; readonly onRow?: (row: TuneRow) => void } = {},
): Promise<TuneRow[]> {
  const rows: TuneRow[] = [];
  for (const [name, build] of Object.entries(tasks)) {
    using _ = openScope("tune");
    const task = build();
    const inputs = task.inputs.map(({ shape, data }) => tensor(data, shape));
    const asked: { engine: Choice; caps: Capabilities }[] = [];
    const truth = task.run(inputs, (engine, caps) => {
      asked.push({ engine, caps });
      return engine;
    });
    const summary = { y: summarise(await truth.read()) };
    const [{ engine, caps }] = asked;
    for (const choice of variants(task, engine, caps)) {
      const row = await measureVariant(on, name, task, inputs, choice, summary, runs);
      rows.push({ ...row, chosen: nameOf(choice) === nameOf(engine) });
      onRow?.(rows[rows.length - 1]);
    }
  }
  return rows;
}

async function measureVariant(
  on: Bench,
  name: string,
  task: Task,
  inputs: readonly Tensor[],
  choice: Choice,
  truth: { y: ReturnType<typeof summarise> },
  runs: number,
): Promise<Omit<TuneRow, "chosen">> {
  const row = { case: name, system: "holdfast", wait: "nap", variant: nameOf(choice) } as const;
  try {
    const y = task.run(inputs, () => choice);
    const disagreement = compare({ y: summarise(await y.read()) }, truth);
    y.dispose();
    const checked = disagreement.relativeError <= tolerance;
    const submit = () => {
      dispose(task.run(inputs, () => choice));
      // Ops one by one wait for a read-back or a long queue.
      on.flush();
    };
    const timing = await measure({ submit, finish: on.finish }, { wait: "nap", runs });
    const gflops = task.flops / costOf(on, timing) / 1e6;
    return { ...row, ...timing, checked, disagreement, gflops };
  } catch (error) {
    return { ...row, checked: false, error: String((error as Error).message ?? error) };
  }
}

/** Milliseconds on an idle machine; on software from the CPU time of its threads, which other work hardly moves. */
function costOf(
  { software, processors }: Bench,
  { minMs, workerCpuMs }: { minMs: number; workerCpuMs: number | null },
) {
  return software && workerCpuMs !== null ? workerCpuMs / processors : minMs;
}

/** Per task: the engine's choice, the best variant, and the others by speed. */
export function formatTune(rows: readonly TuneRow[]): string {
  const names = [...new Set(rows.map((row) => row.case))];
  const lines = names.flatMap((name) => {
    const of = rows.filter((row) => row.case === name).sort((a, b) => (b.gflops ?? 0) - (a.gflops ?? 0));
    return of.map((row) => [
      ...[row.case, row.variant, figure(row.gflops), figure(row.minMs), figure(row.workerCpuMs)],
      [row.chosen ? "chosen" : "", row.checked ? "" : (row.error ?? "WRONG")].filter(Boolean).join(" "),
    ]);
  });
  return table(["task", "variant", "GFLOP/s", "min ms", "worker CPU ms", "remark"], lines);
}
