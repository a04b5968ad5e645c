/** The derivative rules of ops as formulas: each rule is traced on symbols, and the graph is written out. */
import { withExecutor } from "../../engine/executor.js";
import type { OpSpec, Sample } from "../../engine/op.js";
import type { MatmulAttrs } from "../../engine/ops/matmul.js";
import { ReferenceExecutor } from "../../engine/reference.js";
import { scope } from "../../engine/scope.js";
import { Tensor } from "../../engine/tensor.js";
import { type GraphNode, inputNode, type OpNode, opsOf, Tracer } from "../../engine/trace.js";

/** What an op's row says, for people. */
export interface OpRow {
  readonly name: string;
  /** The value of one element, where the op is pointwise. */
  readonly value?: string;
  readonly shapes: string;
  /** For each input its gradient, or "none". */
  readonly gradients: readonly string[];
}

const LETTERS = ["x", "w", "z", "v"];
/** For what is needed more than once; g is taken. */
const NAMES = [..."abcdefhijklmnopq"];
const INFIX: Readonly<Record<string, string>> = { add: "+", sub: "−", mul: "·", div: "/" };

// biome-ignore lint/suspicious/noExplicitAny: attributes differ by op.
export function opRow(op: OpSpec<any>): OpRow {
  const tracer = new Tracer(new ReferenceExecutor());
  try {
    return withExecutor(tracer, () => scope(() => traced(op, tracer)));
  } finally {
    tracer.releaseConstants();
  }
}

// biome-ignore lint/suspicious/noExplicitAny: attributes differ by op.
function traced(op: OpSpec<any>, tracer: Tracer): OpRow {
  const node = callOf(op, tracer);
  const names = node.inputs.length === 1 ? ["x"] : node.inputs.map((_, i) => LETTERS[i] ?? `x${i}`);
  const symbol = (like: GraphNode, name: string): Tensor => new Tensor(tracer, inputNode(like, name, false), name);
  const shapes = `${node.inputs.map((x) => `[${x.shape}]`).join(", ")} → [${node.shape}]`;
  const value = op.expression?.(names, node.attrs);
  const row = { name: op.name, shapes, ...(value !== undefined && { value: value.replace(/^\((.*)\)$/, "$1") }) };
  if (op.vjp === null) return { ...row, gradients: node.inputs.map(() => "none") };
  const inputs = node.inputs.map((x, i) => symbol(x, names[i]));
  const gradients = op
    .vjp(symbol(node, "g"), { inputs, output: symbol(node, "y"), attrs: node.attrs })
    .map((gradient) => (gradient === null ? "none" : written(gradient().valueOn(tracer, "docs") as GraphNode)));
  return { ...row, gradients };
}

/** The op's own node in the graph of its first sample that has one. */
// biome-ignore lint/suspicious/noExplicitAny: attributes differ by op.
function callOf(op: OpSpec<any>, tracer: Tracer): OpNode {
  const samples = [...op.samples()].sort(
    (a, b) => Number(a.differentiable === false) - Number(b.differentiable === false),
  );
  for (const sample of samples) {
    const found = opsOf([resultOf(sample, tracer)]).find((node) => node.op.name === op.name);
    if (found) return found;
  }
  throw new Error(`internal: no sample of ${op.name} runs it`);
}

function resultOf(sample: Sample, tracer: Tracer): GraphNode {
  const inputs = sample.inputs.map(
    ({ shape, dtype = "f32" }) => new Tensor(tracer, inputNode({ shape, dtype }, "input", false), "sample"),
  );
  return sample.call(...inputs).valueOn(tracer, "docs") as GraphNode;
}

/** A graph as a formula; what is needed more than once gets a name. */
function written(root: GraphNode): string {
  const uses = new Map<GraphNode, number>();
  const count = (node: GraphNode): void => {
    uses.set(node, (uses.get(node) ?? 0) + 1);
    if (uses.get(node) === 1 && node.kind === "op") node.inputs.forEach(count);
  };
  count(root);
  const named = new Map<GraphNode, string>();
  const lines: string[] = [];
  const text = (node: GraphNode, inside: boolean): string => {
    const known = named.get(node);
    if (known !== undefined) return known;
    if (node.kind === "input") return node.path;
    if (node.kind === "constant") return "data";
    const formula = formulaOf(node, (x) => text(x, true));
    if (uses.get(node)! < 2 || node.inputs.length === 0) return inside ? formula : bare(formula);
    const name = NAMES[named.size] ?? `a${named.size}`;
    lines.push(`${name} = ${bare(formula)}`);
    named.set(node, name);
    return name;
  };
  const last = text(root, false);
  return [...(named.get(root) === last ? [] : [last]), ...[...lines].reverse()].join(", ");
}

function formulaOf({ op, inputs, attrs }: OpNode, text: (x: GraphNode) => string): string {
  const args = inputs.map(text);
  if (op.name === "constant") return String(Number((attrs as { value: number }).value.toPrecision(4)));
  if (op.name === "matmul") {
    const { transA, transB } = attrs as MatmulAttrs;
    return `matmul(${bare(args[0])}${transA ? "ᵀ" : ""}, ${bare(args[1])}${transB ? "ᵀ" : ""})`;
  }
  // A difference with a negative number is how some rules add one.
  if (op.name === "sub" && args[1].startsWith("-")) return `(${args[0]} + ${args[1].slice(1)})`;
  if (op.name in INFIX) return `(${args.join(` ${INFIX[op.name]} `)})`;
  if (op.name === "neg") return `−${args[0]}`;
  // A shape that only serves broadcasting says nothing about the rule.
  if (["expand", "identity"].includes(op.name)) return args[0];
  return `${op.name}(${args.map(bare).join(", ")})`;
}

/** Without the brackets around the whole. */
function bare(formula: string): string {
  if (!formula.startsWith("(")) return formula;
  let depth = 0;
  for (const [i, c] of [...formula].entries()) {
    depth += Number(c === "(") - Number(c === ")");
    if (depth === 0) return i === [...formula].length - 1 ? formula.slice(1, -1) : formula;
  }
  return formula;
}
