/** Kernel calls of the reductions: a pure function of shape and adapter. */
import { reduceArgKernel, reduceKernel } from "../../shaders/gen/kernels.js";
import { type Capabilities, call, gridFor, type Launch, type LaunchContext, type Operand } from "../lower.js";
import { type Shape, sizeOf } from "../shape.js";

/** What is combined; the numbers are those of shaders/lib/combine.wgsl. */
export const combination = { sum: 0, max: 1, min: 2, prod: 3 } as const;
export type Combination = keyof typeof combination;

/** x[outer, reduced, inner], reduced over the middle. */
export interface Triple {
  readonly outer: number;
  readonly reduced: number;
  readonly inner: number;
}

/** Reduces x over `axes`: one pass per run of neighbouring axes, the innermost first. */
export function reduceCalls(
  { inputs: [x], output, caps, temp }: LaunchContext,
  axes: readonly number[],
  op: Combination,
): Launch[] {
  const triples = passes(x.shape, axes);
  const calls: Launch[] = [];
  let from = x;
  triples.forEach((t, i) => {
    const to = i === triples.length - 1 ? output : temp([t.outer * t.inner]);
    calls.push(...passCalls(from, to, t, op, caps, temp));
    from = to;
  });
  return calls;
}

/** The passes of a reduction; sides of 1 belong to no axis. */
export function passes(shape: Shape, axes: readonly number[]): Triple[] {
  /** Runs of neighbouring axes of one kind. */
  const runs: { size: number; reduced: boolean }[] = [];
  shape.forEach((size, axis) => {
    if (size === 1) return;
    const reduced = axes.includes(axis);
    const last = runs.at(-1);
    if (last?.reduced === reduced) last.size *= size;
    else runs.push({ size, reduced });
  });
  const triples: Triple[] = [];
  let inner = 1;
  for (let i = runs.length - 1; i >= 0; i--) {
    if (runs[i].reduced)
      triples.push({ outer: sizeOf(runs.slice(0, i).map((r) => r.size)), reduced: runs[i].size, inner });
    else inner *= runs[i].size;
  }
  return triples.length > 0 ? triples : [{ outer: 1, reduced: 1, inner }];
}

function passCalls(
  x: Operand,
  y: Operand,
  { outer, reduced, inner }: Triple,
  op: Combination,
  caps: Capabilities,
  temp: LaunchContext["temp"],
): Launch[] {
  const parts = partsOf({ outer, reduced, inner }, caps);
  if (parts === 1) return [stageCall(x, y, { outer, reduced, inner }, 1, op, caps)];
  const partial = temp([outer, parts, inner]);
  return [
    stageCall(x, partial, { outer, reduced, inner }, parts, op, caps),
    ...passCalls(partial, y, { outer, reduced: parts, inner }, op, caps, temp),
  ];
}

/** y = Σ over the first axis of `partial` [parts, size of y]: ends a sum that was split over workgroups. */
export function sumPartsCall(partial: Operand, y: Operand, parts: number, caps: Capabilities): Launch {
  return stageCall(partial, y, { outer: 1, reduced: parts, inner: sizeOf(y.shape) }, 1, "sum", caps);
}

/** Elements an invocation reduces at least, where there is a choice: on software as many as cost less than a launch. */
const shortest = { software: 512, gpu: 64 };
/** Elements of which a software adapter makes four results at a time. */
const fourResults = 2 ** 15;
/** Parts that take turns in a stretch: as wide as a software adapter's vectors, and as a GPU's cache line in quads. */
const run = 8;

/** Into how many parts to split, so that a few long reductions still fill the adapter. */
export function partsOf({ outer, reduced, inner }: Triple, caps: Capabilities): number {
  const wanted = caps.software ? 256 : 65_536;
  const least = caps.software ? shortest.software : shortest.gpu;
  const parts = Math.min(Math.floor(wanted / (outer * inner)), Math.floor(reduced / least));
  if (parts >= run) return parts - (parts % run);
  return parts >= 4 ? 4 : 1;
}

function stageCall(
  x: Operand,
  y: Operand,
  { outer, reduced, inner }: Triple,
  parts: number,
  op: Combination,
  caps: Capabilities,
): Launch {
  const row = reduced * inner;
  const results = outer * parts * inner;
  // Four numbers that lie together: of one result where inner is 1, else of four.
  const together = row % 4 === 0 && (inner === 1 || inner % 4 === 0);
  // Four results take four epilogues, and a software adapter longer to compile them than they save.
  const quads = together && (inner === 1 || !caps.software || outer * row >= fourResults);
  const merge = quads && inner === 1;
  const width = quads ? 4 : 1;
  const count = merge ? results : results / width;
  const side = merge ? 1 : inner / width;
  const step = side * (inner === 1 ? Math.min(parts, run) : 1);
  const stretch = Math.ceil(row / width / (parts * side)) * step;
  return call(reduceKernel, {
    bind: { x, y },
    params: { count, row: row / width, stride: parts * side, step, stretch },
    spec: { OP: combination[op], QUADS: quads, MERGE: merge },
    grid: gridFor(reduceKernel, count, caps.maxWorkgroupsPerDimension),
    flops: outer * row,
  });
}

/** argmax (`largest`) or argmin along one axis. */
export function argCalls(
  { inputs: [x], output: y, caps, temp }: LaunchContext,
  axis: number,
  largest: boolean,
): Launch[] {
  const outer = sizeOf(x.shape.slice(0, axis));
  const reduced = x.shape[axis];
  const inner = sizeOf(x.shape.slice(axis + 1));
  const stage = (to: Operand, parts: number, positions?: Operand, candidates = 0): Launch =>
    call(reduceArgKernel, {
      bind: positions ? { x, y: to, positions } : { x, y: to },
      params: { count: outer * parts * inner, reduced, inner, parts, candidates },
      spec: { LARGEST: largest, CANDIDATES: positions !== undefined },
      grid: gridFor(reduceArgKernel, outer * parts * inner, caps.maxWorkgroupsPerDimension),
    });
  const stages: Launch[] = [];
  let positions: Operand | undefined;
  let left = reduced;
  for (let parts = left; parts > 1; left = parts) {
    parts = partsOf({ outer, reduced: left, inner }, caps);
    const to: Operand = parts === 1 ? y : temp([outer, parts, inner], "i32");
    stages.push(stage(to, parts, positions, positions ? left : 0));
    positions = to;
  }
  return stages.length > 0 ? stages : [stage(y, 1)];
}
