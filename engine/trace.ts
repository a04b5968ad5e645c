/** The tracer: an executor that computes nothing and writes down what it is asked for, as a graph of single assignments.
 *  Rules of differentiation are ops, so gradients of any order are traced like everything else. */
import { CaptureError } from "./errors.js";
import type { Executor, HostArray, MemoryReport, Value } from "./executor.js";
import type { TensorSpec } from "./lower.js";
import type { OpSpec } from "./op.js";

interface NodeBase extends Value {
  /** Creation order; a node's id is larger than its inputs', which makes it a topological order. */
  readonly id: number;
}
/** An argument of the captured function. */
export interface InputNode extends NodeBase {
  readonly kind: "input";
  /** For people: `0.layers.1.weight`. */
  readonly path: string;
  /** The caller gives the tensor up: its storage may be overwritten. */
  readonly donated: boolean;
}
/** A tensor the function closed over or made from host data; `value` belongs to the target executor. */
export interface ConstantNode extends NodeBase {
  readonly kind: "constant";
  readonly value: Value;
}
export interface OpNode extends NodeBase {
  readonly kind: "op";
  readonly op: OpSpec<never>;
  readonly inputs: readonly GraphNode[];
  readonly attrs: unknown;
}
export type GraphNode = InputNode | ConstantNode | OpNode;

/** What a captured function computes. Nodes hold their inputs, so what no output needs is not part of the graph. */
export interface Graph {
  readonly inputs: readonly InputNode[];
  readonly outputs: readonly GraphNode[];
  /** Where each output lies in the function's result: `1.layers.0.weight`. */
  readonly outputPaths: readonly string[];
}

let nextId = 1;

export function inputNode({ shape, dtype }: TensorSpec, path: string, donated: boolean): InputNode {
  return { kind: "input", id: nextId++, shape, dtype, path, donated };
}

export function opNode(
  op: OpSpec<never>,
  inputs: readonly GraphNode[],
  attrs: unknown,
  { shape, dtype }: TensorSpec,
): OpNode {
  return { kind: "op", id: nextId++, shape, dtype, op, inputs, attrs };
}

/** The nodes the outputs depend on, inputs before what uses them. */
export function nodesOf(outputs: readonly GraphNode[]): GraphNode[] {
  const seen = new Set<GraphNode>(outputs);
  for (const node of seen) if (node.kind === "op") for (const x of node.inputs) seen.add(x);
  return [...seen].sort((a, b) => a.id - b.id);
}

/** Only the op nodes of `nodesOf`: what has to be computed. */
export function opsOf(outputs: readonly GraphNode[]): OpNode[] {
  return nodesOf(outputs).filter((node) => node.kind === "op");
}

/** Rebuilds a graph bottom-up; `visit` gets each op node with its inputs already rebuilt. */
export function rewrite(graph: Graph, visit: (node: OpNode, inputs: readonly GraphNode[]) => GraphNode): Graph {
  const next = new Map<GraphNode, GraphNode>();
  for (const node of nodesOf(graph.outputs))
    next.set(
      node,
      node.kind === "op"
        ? visit(
            node,
            node.inputs.map((x) => next.get(x)!),
          )
        : node,
    );
  return { ...graph, outputs: graph.outputs.map((y) => next.get(y)!) };
}

/** `node` on rebuilt inputs. Always a new node: ids are the order of the program, and those of nodes that were left as they are
 *  would come before all that are rebuilt. */
export function withInputs(node: OpNode, inputs: readonly GraphNode[]): OpNode {
  return opNode(node.op, inputs, node.attrs, node);
}

export class Tracer implements Executor {
  readonly kind = "trace";
  readonly description = "a graph being captured";
  /** Ops asked for, whether or not an output needs them. */
  opCount = 0;
  readonly #constants = new Map<Value, ConstantNode>();

  constructor(readonly target: Executor) {}

  upload(data: HostArray, spec: TensorSpec): Value {
    return this.constant(this.target.upload(data, spec));
  }

  run(op: OpSpec<never>, inputs: readonly Value[], attrs: unknown, output: TensorSpec): Value {
    this.opCount++;
    return opNode(op, inputs as readonly GraphNode[], attrs, output);
  }

  importValue(value: Value, from: Executor): Value | undefined {
    if (from !== this.target) return undefined;
    const known = this.#constants.get(value);
    if (known) return known;
    this.target.retain(value);
    return this.constant(value);
  }

  async read(): Promise<HostArray> {
    throw new CaptureError("read: a captured function cannot look at values; return the tensor and read it outside");
  }

  // Nodes are garbage-collected; only constants hold memory, until `releaseConstants`.
  retain(): void {}
  release(): void {}
  memory(): MemoryReport {
    return this.target.memory();
  }

  releaseConstants(): void {
    for (const value of this.#constants.keys()) this.target.release(value);
    this.#constants.clear();
  }

  /** A node for a value of the target executor, whose ownership it takes over. */
  constant(value: Value): ConstantNode {
    const node: ConstantNode = { kind: "constant", id: nextId++, shape: value.shape, dtype: value.dtype, value };
    this.#constants.set(value, node);
    return node;
  }
}
