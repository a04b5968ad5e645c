/** Fusion, without a GPU: fused kernels are run on the host by their index maps and expressions, and compared with the
 *  graph run op by op. */
import fc from "fast-check";
import { withExecutor } from "../../engine/executor.js";
import type { Kernels } from "../../engine/graph/budget.js";
import { fuse } from "../../engine/graph/fuse.js";
import type { FusedKernel } from "../../engine/graph/kernel.js";
import { readBy, type Step } from "../../engine/graph/schedule.js";
import { simplify } from "../../engine/graph/simplify.js";
import type { HostTensor, OpSpec } from "../../engine/op.js";
import { apply } from "../../engine/op.js";
import { add, mul, neg, sub } from "../../engine/ops/arithmetic.js";
import { forEachOffset, hostTensor } from "../../engine/ops/host.js";
import { expand, reshape } from "../../engine/ops/movement.js";
import { sum } from "../../engine/ops/reduce.js";
import { ReferenceExecutor } from "../../engine/reference.js";
import { sizeOf } from "../../engine/shape.js";
import { Tensor } from "../../engine/tensor.js";
import { type Graph, type GraphNode, inputNode, type OpNode, opsOf, Tracer } from "../../engine/trace.js";
import { check, test } from "../harness.js";
import { drawFrom, generator } from "../values.js";
import { grow } from "./grow.js";

/** The same elements by a kernel of its own. */
const opaqueSpec: OpSpec<null> = {
  name: "opaque",
  shape: ([x]) => x,
  reference: ([x], _, y) => y.data.set(x.data),
  launch: () => [],
  vjp: null,
  samples: () => [],
  failures: () => [],
};
const opaque = (x: Tensor): Tensor => apply(opaqueSpec, [x], null);

function trace(f: (...xs: Tensor[]) => Tensor[], shapes: readonly (readonly number[])[]): Graph {
  const tracer = new Tracer(new ReferenceExecutor());
  const inputs = shapes.map((shape, i) => inputNode({ shape, dtype: "f32" }, String(i), false));
  const outputs = withExecutor(tracer, () => f(...inputs.map((node) => new Tensor(tracer, node, "input"))));
  return simplify({
    inputs,
    outputs: outputs.map((y) => y.valueOn(tracer, "test") as GraphNode),
    outputPaths: outputs.map((_, i) => String(i)),
  });
}

/** Constants are written in f32; everything else is float64. */
const TOLERANCE = { rtol: 1e-6, atol: 1e-6 };

type Memory = Map<GraphNode, HostTensor>;

function runOp(node: OpNode, memory: Memory): HostTensor {
  const y = hostTensor(node);
  node.op.reference(
    node.inputs.map((x) => memory.get(x)!),
    node.attrs as never,
    y,
  );
  return y;
}

/** The WGSL of arithmetic is JavaScript but for the suffixes of its numbers. */
function runKernel({ loops, leaves, graph, outputs }: FusedKernel, memory: Memory): void {
  const names = graph.steps.map((_, i) => `v${leaves.length + i}`);
  const body = graph.steps.map((step, i) => {
    const text = step.expression(step.args.map((a) => `v${a}`)).replace(/(\d)f\b/g, "$1");
    return `const ${names[i]} = ${text};`;
  });
  const compute = new Function(
    ...leaves.map((_, i) => `v${i}`),
    `${body.join(" ")} return [${graph.results.map((r) => `v${r}`).join()}];`,
  ) as (...xs: number[]) => number[];
  const targets = outputs.map((y) => hostTensor(y));
  const data = leaves.map(({ node }) => {
    const found = memory.get(node);
    if (!found) throw new Error(`${node.id} is read before it is written`);
    return found.data;
  });
  if (sizeOf(loops) > 0)
    forEachOffset(
      loops,
      leaves.map(({ access }) => access.strides),
      (i, offsets) => {
        const results = compute(...leaves.map(({ access }, k) => data[k][access.offset + offsets[k]]));
        for (const [j, y] of targets.entries()) y.data[i] = results[j];
      },
    );
  for (const [j, y] of outputs.entries()) memory.set(y, targets[j]);
}

function runSteps(steps: readonly Step[], memory: Memory): void {
  for (const step of steps) {
    if (step.kind === "fused") runKernel(step.kernel, memory);
    else {
      if (step.prologue) runKernel(step.prologue, memory);
      memory.set(step.node, runOp(step.node, memory));
      if (step.epilogue) runKernel(step.epilogue, memory);
    }
  }
}

function inputsOf(graph: Graph): Memory {
  const random = generator(5);
  return new Map(
    graph.inputs.map((node) => {
      const x = hostTensor(node);
      return [node, { ...x, data: (x.data as Float64Array).map(() => random() * 2 - 1) }];
    }),
  );
}

function compare(graph: Graph, steps: readonly Step[]): void {
  const expected = inputsOf(graph);
  for (const node of opsOf(graph.outputs)) expected.set(node, runOp(node, expected));
  const actual = inputsOf(graph);
  runSteps(steps, actual);
  for (const y of graph.outputs) {
    const found = actual.get(y);
    check.ok(found !== undefined, `output ${y.id} is not in memory`);
    check.close([...found!.data], [...expected.get(y)!.data], TOLERANCE);
  }
}

/** Eight bindings, and an epilogue for every opaque op; prologues too where a test wants them, stored or not. */
const kernels: Kernels = {
  maxBuffers: 8,
  epilogue: ({ op }) => (op.name === "opaque" ? { bindings: 1, maxCost: () => 100 } : undefined),
  prologue: () => false,
};
const withPrologues: Kernels = { ...kernels, prologue: ({ op }) => op.name === "opaque" };
const withPassingPrologues: Kernels = { ...kernels, prologue: ({ op }, isStored) => op.name === "opaque" && !isStored };

const kernelsOf = (steps: readonly Step[]): FusedKernel[] =>
  steps.flatMap((s) => (s.kind === "fused" ? [s.kernel] : []));
const namesOf = (steps: readonly Step[]): string[] =>
  steps.flatMap((s) => {
    if (s.kind === "fused") return [s.kernel.graph.name];
    if (s.node.op.view) return [];
    return [[s.prologue?.graph.name, s.node.op.name, s.epilogue?.graph.name].filter(Boolean).join("+")];
  });

test("fused kernels compute what the graph computes", () => {
  let fused = 0;
  const prologues = { stored: 0, passing: 0 };
  fc.assert(
    fc.property(fc.gen(), (g) => {
      const int = (low: number, high: number): number => g(fc.integer, { min: low, max: high });
      const d = drawFrom(int);
      const shapes = [[4, 6], [6], [2, 1, 6], []].slice(0, d.int(1, 4));
      const graph = trace((...xs) => {
        const all = [...xs];
        for (let i = d.int(1, d.boolean() ? 14 : 60); i > 0; i--) all.push(grow(all, int, opaque));
        return all.slice(-d.int(1, 8));
      }, shapes);
      const steps = fuse(graph, [kernels, withPassingPrologues, withPrologues][d.int(0, 2)]);
      for (const kernel of kernelsOf(steps)) {
        const bound = new Set<GraphNode>([...kernel.leaves.map(({ node }) => node), ...kernel.outputs]);
        check.ok(bound.size <= 8, `${bound.size} tensors bound`);
        if (kernel.graph.steps.length > 1) fused++;
      }
      const read = new Set<GraphNode>([...graph.outputs, ...steps.flatMap(readBy)]);
      for (const step of steps) {
        if (step.kind !== "op") continue;
        if (step.prologue) prologues[read.has(step.prologue.outputs[0]) ? "stored" : "passing"]++;
        if (!step.epilogue) continue;
        const { leaves, outputs } = step.epilogue;
        const bound = new Set<GraphNode>([...leaves.map(({ node }) => node), ...outputs]);
        if (!read.has(step.node)) bound.delete(step.node);
        // With what the op itself reads.
        check.ok(bound.size + 1 <= 8, `${bound.size + 1} tensors bound with an epilogue`);
      }
      compare(graph, steps);
    }),
    { numRuns: 600 },
  );
  check.ok(fused > 200, `only ${fused} kernels with more than one op`);
  for (const [kind, count] of Object.entries(prologues)) check.ok(count > 10, `only ${count} ${kind} prologues`);
});

test("a chain of pointwise ops and views is one kernel", () => {
  const graph = trace((x, b) => [neg(mul(reshape(add(x, b), [2, 2, 6]), 2))], [[4, 6], [6]]);
  const steps = fuse(graph, kernels);
  check.equal(namesOf(steps), ["add_mul_neg"]);
  compare(graph, steps);
});

test("what an op reads is made where it is read, and stored if anything else reads it too", () => {
  const made = trace((x, b) => [opaque(mul(add(x, b), x))], [[4, 6], [6]]);
  check.equal(namesOf(fuse(made, withPrologues)), ["add_mul+opaque"]);
  check.equal(namesOf(fuse(made, kernels)), ["add_mul", "opaque"]);
  compare(made, fuse(made, withPrologues));
  const result = (x: Tensor): Tensor[] => {
    const y = neg(x);
    return [opaque(y), y];
  };
  const output = trace(result, [[4]]);
  check.equal(namesOf(fuse(output, withPassingPrologues)), ["neg", "opaque"]);
  check.equal(namesOf(fuse(output, withPrologues)), ["neg+opaque"]);
  compare(output, fuse(output, withPrologues));
  const others = (x: Tensor): Tensor[] => {
    const y = neg(x);
    return [opaque(reshape(y, [3, 2])), opaque(y)];
  };
  const first = trace(others, [[2, 3]]);
  check.equal(namesOf(fuse(first, withPrologues)), ["neg+opaque", "opaque"]);
  compare(first, fuse(first, withPrologues));
  // An op that waits for another reader cannot make what that reads.
  const waiting = trace(
    (x) => {
      const [other, own] = others(x);
      return [mul(own, reshape(other, [2, 3]))];
    },
    [[2, 3]],
  );
  check.equal(namesOf(fuse(waiting, withPrologues)), ["neg", "opaque", "opaque+mul"]);
  compare(waiting, fuse(waiting, withPrologues));
  const twice = (x: Tensor): Tensor[] => {
    const y = neg(x);
    return [mul(opaque(y), y)];
  };
  const read = trace(twice, [[4]]);
  check.equal(namesOf(fuse(read, withPrologues)), ["neg", "opaque+mul"]);
  compare(read, fuse(read, withPrologues));
  const both = trace((x, b) => [mul(opaque(add(x, b)), b)], [[4, 6], [6]]);
  check.equal(namesOf(fuse(both, withPrologues)), ["add+opaque+mul"]);
  compare(both, fuse(both, withPrologues));
});

test("average pooling after a pointwise op is one kernel with four taps", () => {
  const graph = trace((z, b) => [mul(sum(reshape(mul(add(z, b), add(z, b)), [2, 3, 2, 2, 3, 2]), [3, 5]), 0.25)], [[2, 3, 4, 6], [3, 1, 1]]); // biome-ignore format: one line
  const steps = fuse(graph, kernels);
  check.is(kernelsOf(steps).length, 1);
  check.is(steps.length, 1);
  compare(graph, steps);
});

test("its gradient spreads without a copy, the loops split where the window is", () => {
  const graph = trace(
    (g, z) => [mul(reshape(expand(reshape(mul(g, 0.25), [2, 2, 1, 3, 1]), [2, 2, 2, 3, 2]), [2, 4, 6]), z)],
    [
      [2, 2, 3],
      [2, 4, 6],
    ],
  );
  const [step] = fuse(graph, kernels);
  check.ok(step.kind === "fused", "fused");
  if (step.kind === "fused") check.equal(step.kernel.loops, [2, 2, 2, 3, 2]);
  compare(graph, [step]);
});

test("an update with its states is one kernel with three outputs", () => {
  const graph = trace(
    (p, m, v, g) => {
      const m1 = add(mul(m, 0.9), mul(g, 0.1));
      const v1 = add(mul(v, 0.99), mul(mul(g, g), 0.01));
      return [sub(p, mul(m1, v1)), m1, v1];
    },
    [
      [4, 6],
      [4, 6],
      [4, 6],
      [4, 6],
    ],
  );
  const steps = fuse(graph, kernels);
  check.is(steps.length, 1);
  check.is(kernelsOf(steps)[0].outputs.length, 3);
  compare(graph, steps);
});

test("kernels that wait for each other are not joined", () => {
  const graph = trace(
    (x) => {
      const y = mul(x, x);
      return [mul(y, opaque(y)), y];
    },
    [[4, 6]],
  );
  const steps = fuse(graph, kernels);
  check.equal(namesOf(steps), ["mul", "opaque+mul"]);
  compare(graph, steps);
});

test("what many places need is computed once, what is cheap is computed again", () => {
  const graph = trace(
    (x) => {
      const cheap = neg(x);
      return [opaque(add(cheap, x)), opaque(mul(cheap, x))];
    },
    [[4, 6]],
  );
  const steps = fuse(graph, kernels);
  check.equal(namesOf(steps).sort(), ["neg_add", "neg_mul", "opaque", "opaque"]);
  compare(graph, steps);
});
