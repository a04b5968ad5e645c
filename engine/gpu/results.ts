/** Where the results of a captured program lie: in the storage of arguments that were given up, or in buffers of their own. */
import { wholeAccess } from "../graph/access.js";
import { isSame } from "../graph/kernel.js";
import { besidesOp, readBy, readByOp, type Step } from "../graph/schedule.js";
import type { Operand } from "../lower.js";
import { isContiguous, sameShape } from "../shape.js";
import type { Graph, GraphNode } from "../trace.js";
import { PlannedBuffer, type ProgramInput } from "./planned.js";

/** Outputs of fused kernels that may overwrite the donated input they take over while they are computed: the kernel reads
 *  the input in the order of its own loop and nothing reads it later. */
export function overwrites(
  graph: Graph,
  steps: readonly Step[],
  takers: readonly (ProgramInput | undefined)[],
): Map<GraphNode, ProgramInput> {
  const written = new Set<GraphNode>(steps.flatMap((s) => (s.kind === "fused" ? s.kernel.outputs : besidesOp(s))));
  const storedIn = (node: GraphNode): GraphNode => {
    let below = node;
    while (below.kind === "op" && below.op.view && !written.has(below)) below = below.inputs[0];
    return below;
  };
  const lastReader = new Map<GraphNode, Step | undefined>();
  for (const step of steps) for (const x of readBy(step)) lastReader.set(storedIn(x), step);
  for (const y of graph.outputs) lastReader.set(storedIn(y), undefined);
  const found = new Map<GraphNode, ProgramInput>();
  for (const [j, y] of graph.outputs.entries()) {
    const taker = takers[j];
    const reader = taker && lastReader.get(taker.node);
    const kernel = reader?.kind === "op" ? reader.epilogue : reader?.kernel;
    if (!kernel) continue;
    const { leaves, outputs, loops } = kernel;
    const reads = leaves.filter(({ node }) => node === taker!.node);
    const whole = wholeAccess(loops);
    // The op before an epilogue reads in an order of its own.
    if (reader!.kind === "op" && readByOp(reader!).some((x) => storedIn(x) === taker!.node)) continue;
    if ((outputs as readonly GraphNode[]).includes(y) && reads.every(({ access }) => isSame(access, whole)))
      found.set(y, taker!);
  }
  return found;
}

/** For each output, the donated input whose storage it takes over: itself if it is one; else, of the same shape and dtype,
 *  the one whose path ends most alike (a parameter, its moment, the step count), and among equals the last that is free,
 *  since what a step reports comes before what it updates. */
export function matchDonations({ inputs, outputs, outputPaths }: Graph): (number | undefined)[] {
  const match = outputs.map((): number | undefined => undefined);
  const free = new Set(inputs.keys());
  const pairs: { i: number; j: number; score: number }[] = [];
  for (const [i, x] of inputs.entries())
    for (const [j, y] of outputs.entries()) {
      if (!x.donated || x.dtype !== y.dtype || !sameShape(x.shape, y.shape)) continue;
      pairs.push({ i, j, score: x === y ? Number.POSITIVE_INFINITY : commonEnd(x.path, outputPaths[j]) });
    }
  pairs.sort((p, q) => q.score - p.score || q.j - p.j || q.i - p.i);
  for (const { i, j } of pairs) if (match[j] === undefined && free.delete(i)) match[j] = i;
  return match;
}

/** How many keys two paths have in common, counted from the end. */
function commonEnd(a: string, b: string): number {
  const [p, q] = [a.split(".").reverse(), b.split(".").reverse()];
  const differ = p.findIndex((key, i) => key !== q[i]);
  return differ < 0 ? p.length : differ;
}

/** Outputs are copied by range, handed out, or taken over as whole buffers; what is none of these is first copied to a buffer
 *  of its own. No input takes over what is `fixed`. */
export function outputSources(
  results: readonly Operand[],
  inputs: readonly ProgramInput[],
  fixed: ReadonlySet<unknown>,
  takers: readonly (ProgramInput | undefined)[],
  copyOf: (operand: Operand) => Operand,
): Operand[] {
  const givenUp = new Set<unknown>(inputs.filter(({ node }) => node.donated).map(({ buffer }) => buffer));
  const claimed = new Set<unknown>([...inputs.map(({ buffer }) => buffer), ...fixed]);
  return results.map((operand, j) => {
    const { buffer, shape } = operand;
    const taker = takers[j];
    if (!taker) return isDense(operand) && !givenUp.has(buffer) ? operand : copyOf(operand);
    if (!isContiguous(shape, operand)) return copyOf(operand);
    if (buffer === taker.buffer) return operand;
    if (!(buffer instanceof PlannedBuffer) || claimed.has(buffer)) return copyOf(operand);
    claimed.add(buffer);
    return operand;
  });
}

/** Row-major without gaps, from wherever it begins. */
export function isDense({ shape, strides }: Operand): boolean {
  return isContiguous(shape, { strides, offset: 0 });
}
