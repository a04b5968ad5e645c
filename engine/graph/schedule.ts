/** What a captured graph runs, step by step, and in which order. */
import { type Graph, type GraphNode, type OpNode, opsOf } from "../trace.js";
import type { FusedKernel } from "./kernel.js";

/** One entry of the schedule: an op by itself (a kernel of its own, or a view that costs nothing), or a fused kernel. An op may begin with
 *  a prologue, which makes its first input where it is read and stores it if other steps read it too, and end in an epilogue, which reads
 *  its result where it is stored. */
export type Step =
  | { readonly kind: "op"; readonly node: OpNode; readonly prologue?: FusedKernel; readonly epilogue?: FusedKernel }
  | { readonly kind: "fused"; readonly kernel: FusedKernel };

/** Every op by itself, in the order of the program. */
export function eachOp(graph: Graph): Step[] {
  return opsOf(graph.outputs).map((node) => ({ kind: "op", node }));
}

/** What a step puts into memory, if anything reads it there. */
export function producedBy(step: Step): readonly OpNode[] {
  return step.kind === "fused" ? step.kernel.outputs : [step.node, ...besidesOp(step)];
}

/** What an op's prologue and epilogue make. */
export function besidesOp({ prologue, epilogue }: Extract<Step, { kind: "op" }>): readonly OpNode[] {
  return [...(prologue?.outputs ?? []), ...(epilogue?.outputs ?? [])];
}

/** What has to be in memory before a step runs. */
export function readBy(step: Step): readonly GraphNode[] {
  if (step.kind === "fused") return step.kernel.leaves.map(({ node }) => node);
  const extra = step.epilogue?.leaves.map(({ node }) => node).filter((x) => x !== step.node) ?? [];
  return [...readByOp(step), ...extra];
}

/** What an op reads, or its prologue, in an order of its own. */
export function readByOp({ node, prologue }: Extract<Step, { kind: "op" }>): readonly GraphNode[] {
  return prologue ? [...prologue.leaves.map((leaf) => leaf.node), ...node.inputs.slice(1)] : node.inputs;
}

/** The steps after what they read, otherwise as the program had them. */
export function order(steps: ReadonlySet<Step>): Step[] {
  const producers = new Map([...steps].flatMap((step) => producedBy(step).map((node) => [node as GraphNode, step])));
  const before = new Map(
    [...steps].map((step) => [step, [...new Set(readBy(step).flatMap((x) => producers.get(x) ?? []))]]),
  );
  const place = new Map([...steps].map((step) => [step, placeOf(step)]));
  const first = schedule(before, place);
  // What an epilogue waits for moves forward with it.
  for (const step of first.toReversed())
    for (const producing of before.get(step)!) place.set(producing, Math.min(place.get(producing)!, place.get(step)!));
  return schedule(before, place);
}

/** Topological order; of the steps that are ready, the one with the first place comes next. */
function schedule(before: ReadonlyMap<Step, readonly Step[]>, place: ReadonlyMap<Step, number>): Step[] {
  const waitingFor = new Map<Step, number>();
  const after = new Map<Step, Step[]>([...before.keys()].map((step) => [step, []]));
  for (const [step, producing] of before) {
    waitingFor.set(step, producing.length);
    for (const p of producing) after.get(p)!.push(step);
  }
  /** Last place first. */
  const ready = [...before.keys()].filter((step) => waitingFor.get(step) === 0);
  ready.sort((a, b) => place.get(b)! - place.get(a)!);
  const out: Step[] = [];
  for (let step = ready.pop(); step; step = ready.pop()) {
    out.push(step);
    for (const next of after.get(step)!) {
      const left = waitingFor.get(next)! - 1;
      waitingFor.set(next, left);
      if (left > 0) continue;
      const at = ready.findIndex((other) => place.get(other)! < place.get(next)!);
      ready.splice(at < 0 ? ready.length : at, 0, next);
    }
  }
  if (out.length !== before.size) throw new Error("internal: captured steps wait for each other");
  return out;
}

/** Where the program had a step: an op with its epilogue where the op was, so that what it reads is soon free. */
export function placeOf(step: Step): number {
  return step.kind === "op" ? step.node.id : Math.max(...step.kernel.outputs.map((node) => node.id));
}
