/** Functions that a model brings along, put in the place of the nodes that call them. */
import { DataError } from "../data/error.js";
import type { AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetProto } from "./proto.js";

/** A node with the operator sets that count where it stands. */
export interface PlacedNode {
  readonly node: NodeProto;
  readonly opsets: ReadonlyMap<string, number>;
}

const MAX_DEPTH = 16;
const MAX_NODES = 2 ** 17;

/** The nodes with every call of a local function replaced by its body. @throws DataError for functions that call each other without end. */
export function expandFunctions(nodes: readonly NodeProto[], model: ModelProto): PlacedNode[] {
  const functions = new Map(model.functions.map((f) => [keyOf(f.domain, f.name), f]));
  const out: PlacedNode[] = [];
  let calls = 0;
  const visit = (list: readonly NodeProto[], opsets: ReadonlyMap<string, number>, depth: number): void => {
    if (depth > MAX_DEPTH) throw new DataError(`onnx: functions call each other more than ${MAX_DEPTH} deep`);
    for (const node of list) {
      const body = functions.get(keyOf(node.domain, node.op_type));
      if (!body) out.push({ node, opsets });
      else visit(inline(body, node, `call${calls++}`), opsetsOf(body.opset_import), depth + 1);
      if (out.length > MAX_NODES)
        throw new DataError(`onnx: more than ${MAX_NODES} nodes after functions are expanded`);
    }
  };
  visit(nodes, opsetsOf(model.opset_import), 0);
  return out;
}

/** ONNX's own domain has two names. */
export function plainDomain(domain: string | undefined): string {
  return domain === undefined || domain === "ai.onnx" ? "" : domain;
}

function keyOf(domain: string | undefined, name: string | undefined): string {
  return `${plainDomain(domain)}::${name ?? ""}`;
}

function opsetsOf(imports: readonly OperatorSetProto[]): Map<string, number> {
  return new Map(imports.map(({ domain, version = 1 }) => [plainDomain(domain), version]));
}

function inline(body: FunctionProto, call: NodeProto, prefix: string): NodeProto[] {
  const title = call.name || call.output[0] || prefix;
  const names = new Map<string, string>([["", ""]]);
  for (const [i, name] of body.input.entries()) names.set(name, call.input[i] ?? "");
  for (const [i, name] of body.output.entries()) if (call.output[i]) names.set(name, call.output[i]);
  const rename = (name: string): string => names.get(name) ?? `${title}/${prefix}/${name}`;
  const given = new Map([...body.attribute_proto, ...call.attribute].map((a) => [a.name ?? "", a]));
  const attribute = (a: AttributeProto): AttributeProto[] => {
    if (a.ref_attr_name) {
      const value = given.get(a.ref_attr_name);
      return value ? [{ ...value, name: a.name }] : [];
    }
    return [a.g ? { ...a, g: inGraph(a.g) } : a];
  };
  const inNode = (node: NodeProto): NodeProto => ({
    ...node,
    name: `${title}/${node.name || node.op_type}`,
    input: node.input.map(rename),
    output: node.output.map(rename),
    attribute: node.attribute.flatMap(attribute),
  });
  const inGraph = (graph: GraphProto): GraphProto => ({
    ...graph,
    node: graph.node.map(inNode),
    initializer: graph.initializer.map((t) => ({ ...t, name: rename(t.name ?? "") })),
    input: graph.input.map((v) => ({ ...v, name: rename(v.name ?? "") })),
    output: graph.output.map((v) => ({ ...v, name: rename(v.name ?? "") })),
  });
  return body.node.map(inNode);
}
