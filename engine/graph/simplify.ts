/** Passes over a captured graph that need no knowledge of a device. Nodes that no output needs are gone by construction. */
import { constantSpec, divSpec, mulSpec, multiplyNoNanSpec, negSpec } from "../ops/arithmetic.js";
import { expandSpec, identitySpec, reshapeSpec } from "../ops/movement.js";
import { sameShape } from "../shape.js";
import { type Graph, type GraphNode, type OpNode, opNode, rewrite, withInputs } from "../trace.js";

/** Ops are pure, so two nodes with the same op, attributes and inputs are one. Bit-exact. */
export function shareCommon(graph: Graph): Graph {
  const known = new Map<string, GraphNode>();
  return rewrite(graph, (node, inputs) => {
    const key = `${identityOf(node.op)}(${inputs.map((x) => x.id).join(",")})${keyOf(node.attrs)}`;
    const same = known.get(key);
    if (same) return same;
    const next = withInputs(node, inputs);
    known.set(key, next);
    return next;
  });
}

/** Removes what changes nothing: identities, chains of reshapes and expands, multiplication and division by one, double
 *  negation. Values are the same to the bit, but a kernel may be given another layout. */
export function simplify(graph: Graph): Graph {
  return rewrite(graph, (node, inputs) => reduceNode(withInputs(node, inputs)));
}

function reduceNode(node: OpNode): GraphNode {
  const op: unknown = node.op;
  const [a, b] = node.inputs;
  if (op === identitySpec) return a;
  if (op === reshapeSpec || op === expandSpec) {
    // reshape(reshape(x)) and expand(expand(x)) need only the last shape.
    const from = asOp(a, op)?.inputs[0] ?? a;
    if (sameShape(from.shape, node.shape)) return from;
    return from === a ? node : opNode(node.op, [from], node.attrs, node);
  }
  const isProduct = op === mulSpec || op === multiplyNoNanSpec;
  if (isProduct && isOne(a) && sameShape(b.shape, node.shape)) return b;
  if ((isProduct || op === divSpec) && isOne(b) && sameShape(a.shape, node.shape)) return a;
  if (op === negSpec) return asOp(a, negSpec)?.inputs[0] ?? node;
  return node;
}

/** `node` if it is an op of this kind. */
function asOp(node: GraphNode, op: unknown): OpNode | undefined {
  return node.kind === "op" && node.op === op ? node : undefined;
}

const viewOf = (node: GraphNode): OpNode | undefined => asOp(node, expandSpec) ?? asOp(node, reshapeSpec);

/** Whether every element is the constant 1, looking through views that only repeat it. */
function isOne(node: GraphNode): boolean {
  let below = node;
  for (let view = viewOf(below); view; view = viewOf(below)) below = view.inputs[0];
  return (asOp(below, constantSpec)?.attrs as { value: number } | undefined)?.value === 1;
}

const identities = new WeakMap<object, number>();
let nextIdentity = 1;

function identityOf(object: object): number {
  const known = identities.get(object);
  if (known !== undefined) return known;
  identities.set(object, nextIdentity);
  return nextIdentity++;
}

/** A string equal for equal attributes: numbers, strings, lists and plain objects by value, the rest by identity. */
export function keyOf(attrs: unknown): string {
  if (Array.isArray(attrs)) return `[${attrs.map(keyOf).join(",")}]`;
  if (typeof attrs === "function") return `#${identityOf(attrs)}`;
  if (typeof attrs === "object" && attrs !== null) {
    if (Object.getPrototypeOf(attrs) !== Object.prototype) return `#${identityOf(attrs)}`;
    const fields = Object.entries(attrs).sort(([p], [q]) => (p < q ? -1 : 1));
    return `{${fields.map(([name, value]) => `${name}:${keyOf(value)}`).join(",")}}`;
  }
  if (typeof attrs === "string") return JSON.stringify(attrs);
  return Object.is(attrs, -0) ? "-0" : String(attrs);
}
