/** A graph as a list of steps whose operators are known, checked and trimmed to what its outputs need. */
import { DataError } from "../data/error.js";
import { readAttributes } from "./attributes.js";
import { type ExternalFiles, readTensor } from "./initialiser.js";
import { expandFunctions, type PlacedNode, plainDomain } from "./local-functions.js";
import type { Operator } from "./operator.js";
import { findOperator, isQuantised } from "./operators/table.js";
import type { GraphProto, ModelProto } from "./proto.js";
import type { HostValue } from "./value.js";

export interface Step {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly row: Operator;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly opset: number;
  /** `Conv "features.0"`, for messages. */
  readonly title: string;
  /** What its ops are labelled with. */
  readonly label: string;
  /** Names of outer values that graphs inside the node use. */
  readonly captures: readonly string[];
}

export interface Program {
  /** Inputs without those that initialisers fill. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly constants: ReadonlyMap<string, HostValue>;
  readonly steps: readonly Step[];
}

export interface Compiled {
  readonly main: Program;
  /** Graphs inside nodes. */
  readonly inner: ReadonlyMap<GraphProto, Program>;
}

/** Operator sets up to this one were looked at when the table was written. */
export const LATEST_OPSET = 25;

/** The model as programs. `outputs` names the values that are wanted, by default the graph's first output.
 *  @throws DataError naming every node that is not supported, or what is wrong with the graph. */
export function compileModel(model: ModelProto, external: ExternalFiles, outputs?: readonly string[]): Compiled {
  const graph = model.graph ?? fail("the model has no graph; is the file whole?");
  const compiler = new Compiler(model, external);
  const first = graph.output[0]?.name ?? fail("the graph has no output; one is needed");
  const main = compiler.program(graph, outputs ?? [first], new Set());
  if (compiler.unsupported.length > 0)
    throw new DataError(
      `onnx: ${compiler.unsupported.length} node${compiler.unsupported.length > 1 ? "s are" : " is"} not supported: ${compiler.unsupported.join("; ")}; export the model without ${compiler.unsupported.length > 1 ? "them" : "it"}`,
    );
  return { main, inner: compiler.inner };
}

function fail(sentence: string): never {
  throw new DataError(`onnx: ${sentence}`);
}

/** A name for a message. */
export const shorten = (name: string): string => JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name);

/** Text of a file on one line. */
export const printable = (text: string, length = 60): string =>
  text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ").slice(0, length);

class Compiler {
  readonly unsupported: string[] = [];
  readonly inner = new Map<GraphProto, Program>();
  #steps = 0;

  constructor(
    readonly model: ModelProto,
    readonly external: ExternalFiles,
  ) {}

  program(graph: GraphProto, outputs: readonly string[], outside: ReadonlySet<string>): Program {
    if (graph.sparse_initializer.length > 0) fail("the graph has sparse initialisers; dense ones are read");
    const constants = new Map<string, HostValue>();
    for (const proto of graph.initializer) {
      const name = proto.name ?? "";
      if (name === "" || constants.has(name)) fail(`an initialiser is named ${shorten(name)} twice or not at all`);
      constants.set(name, readTensor(proto, this.external));
    }
    const inputs = graph.input.map(({ name = "" }) => name).filter((name) => !constants.has(name));
    const nodes = needed(expandFunctions(graph.node, this.model), outputs);
    const known = new Set([...outside, ...constants.keys(), ...inputs]);
    const own = new Set([...constants.keys(), ...inputs]);
    const steps: Step[] = [];
    for (const placed of nodes) {
      const { input, output } = placed.node;
      for (const name of input)
        if (name !== "" && !known.has(name))
          fail(`node ${titleOf(placed)} reads ${shorten(name)}, which nothing before it makes`);
      const step = this.#step(placed, known);
      for (const name of output) {
        if (name === "") continue;
        if (own.has(name)) fail(`node ${titleOf(placed)} makes ${shorten(name)}, which exists already`);
        own.add(name);
        known.add(name);
      }
      if (step) steps.push(step);
    }
    for (const name of outputs) if (!known.has(name)) fail(`the output ${shorten(name)} is made by no node`);
    return { inputs, outputs, constants, steps };
  }

  #step(placed: PlacedNode, known: ReadonlySet<string>): Step | undefined {
    const { node, opsets } = placed;
    const domain = plainDomain(node.domain);
    const opset = opsets.get(domain);
    const title = titleOf(placed);
    if (opset === undefined)
      return this.#refuse(title, domain, "none", "the model imports no operator set of its domain");
    const row = domain === "" && opset > LATEST_OPSET ? undefined : findOperator(domain, node.op_type ?? "", opset);
    if (!row)
      return this.#refuse(
        title,
        domain,
        opset,
        isQuantised(node.op_type ?? "") ? "quantised networks are not read, the float network is needed" : "",
      );
    if (++this.#steps > 2 ** 17) fail("the model has more than 2^17 nodes");
    let attributes: Record<string, unknown>;
    try {
      attributes = readAttributes(node.attribute, row.attributes);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      return this.#refuse(title, domain, opset, error.message);
    }
    const captures = new Set<string>();
    for (const { g } of node.attribute) if (g) this.#graph(g, known, captures);
    return {
      inputs: node.input,
      outputs: node.output,
      row,
      attributes,
      opset,
      title,
      label: labelOf(node.name || node.output.find((name) => name !== "") || row.name),
      captures: [...captures],
    };
  }

  /** Compiles a graph inside a node; its free names are added to `captures`. */
  #graph(graph: GraphProto, known: ReadonlySet<string>, captures: Set<string>): void {
    const program = this.program(
      graph,
      graph.output.map(({ name = "" }) => name),
      known,
    );
    this.inner.set(graph, program);
    const own = new Set([...program.inputs, ...program.constants.keys()]);
    for (const { outputs } of program.steps) for (const name of outputs) own.add(name);
    const used = program.steps.flatMap(({ inputs, captures: deeper }) => [...inputs, ...deeper]);
    for (const name of [...used, ...program.outputs]) if (name !== "" && !own.has(name)) captures.add(name);
  }

  #refuse(title: string, domain: string, opset: number | string, reason: string): undefined {
    const where = domain === "" ? `opset ${opset}` : `${printable(domain)} opset ${opset}`;
    this.unsupported.push(`${title} (${where}${reason ? `: ${printable(reason, 300)}` : ""})`);
  }
}

/** Only the nodes that the outputs need. Nodes that lie inside graphs may use any outer name. */
function needed(nodes: readonly PlacedNode[], outputs: readonly string[]): PlacedNode[] {
  const wanted = new Set(outputs);
  const kept: PlacedNode[] = [];
  for (const placed of [...nodes].reverse()) {
    if (!placed.node.output.some((name) => wanted.has(name))) continue;
    kept.push(placed);
    for (const name of placed.node.input) wanted.add(name);
    for (const { g } of placed.node.attribute) if (g) namesIn(g, wanted);
  }
  return kept.reverse();
}

function namesIn(graph: GraphProto, into: Set<string>): void {
  for (const { input, attribute } of graph.node) {
    for (const name of input) into.add(name);
    for (const { g } of attribute) if (g) namesIn(g, into);
  }
  for (const { name = "" } of graph.output) into.add(name);
}

function titleOf({ node }: PlacedNode): string {
  const name = node.name || node.output.find((output) => output !== "");
  const op = printable(node.op_type ?? "?");
  return name ? `${op} ${shorten(name)}` : op;
}

/** A node's name as `label` takes it. */
export function labelOf(name: string): string {
  const plain = name.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ").replace(/^[.\s]+|[.\s]+$/g, "");
  return plain === "" ? "node" : plain;
}
