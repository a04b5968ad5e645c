/** Wrong arguments of about forty kinds. */

import { withExecutor } from "../../engine/executor.js";
import { ReferenceExecutor, type Tensor, tensor } from "../../engine/index.js";

export interface Wrong {
  readonly name: string;
  /** Made anew for each call. */
  readonly make: () => unknown;
}

const row = (name: string, make: () => unknown): Wrong => ({ name, make });

function freed(): Tensor {
  const t = tensor([[1, 2]]);
  t.dispose();
  return t;
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function ring(): unknown[] {
  const list: unknown[] = [];
  list.push(list);
  return list;
}

export const WRONG: readonly Wrong[] = [
  row("undefined", () => undefined),
  row("null", () => null),
  row("NaN", () => Number.NaN),
  row("Infinity", () => Number.POSITIVE_INFINITY),
  row("-1", () => -1),
  row("0.5", () => 0.5),
  row("1e300", () => 1e300),
  row('""', () => ""),
  row('"x"', () => "x"),
  row('"12"', () => "12"),
  row("true", () => true),
  row("[]", () => []),
  row("nested lists", () => [[1, [2]], "a"]),
  row("a list of texts", () => ["1", "2"]),
  row("a list of itself", ring),
  row("{}", () => ({})),
  row("an object with a strange field", () => ({ nonsense: 1 })),
  row("Float32Array", () => new Float32Array(2)),
  row("Uint8Array", () => new Uint8Array(0)),
  row("BigInt64Array", () => new BigInt64Array(2)),
  row("DataView", () => new DataView(new ArrayBuffer(8))),
  row("a function", () => () => undefined),
  row("an async function", () => async () => undefined),
  row("a class", () => class Thing {}),
  row("a symbol", () => Symbol("s")),
  row("a bigint", () => 3n),
  row("a Date", () => new Date(0)),
  row("a Map", () => new Map()),
  row("a Set", () => new Set([1])),
  row("a promise", () => Promise.resolve(1)),
  row("a RegExp", () => /x/),
  row("a proxy of a tensor", () => new Proxy(tensor([[1, 2]]), {})),
  row("a revoked proxy", revoked),
  row("a freed tensor", freed),
  row("a tensor of another executor", () => withExecutor(new ReferenceExecutor(), () => tensor([[1, 2]]))),
  row("an i32 tensor", () => tensor(Int32Array.of(1, 2))),
  row("a u32 tensor", () => tensor(Uint32Array.of(1, 2, 3))),
  row("an f16 tensor", () => tensor([[1, 2]], [1, 2], "f16")),
  row("a number as tensor", () => tensor(2)),
  row("a tensor of rank 5", () => tensor(new Float32Array(6), [1, 2, 1, 3, 1])),
];

const TENSORS = ["an i32 tensor", "a u32 tensor", "an f16 tensor", "a number as tensor", "a tensor of rank 5"];
const FUNCTIONS = ["a function", "an async function", "a class"];
const LISTS = ["[]", "nested lists", "a list of texts", "a list of itself"];

/** The wrong kinds that may come to nothing bad where `valid` is right, since they are of its kind: a list for a list. They may be refused. */
export function akin(valid: unknown): readonly string[] {
  if (typeof valid === "function") return FUNCTIONS;
  if (typeof valid === "string") return ['""', '"x"', '"12"'];
  if (typeof valid === "number") return Number.isInteger(valid) ? ["1e300"] : ["-1", "0.5", "1e300", "Infinity"];
  if (typeof valid === "boolean") return ["true"];
  if (typeof valid !== "object" || valid === null) return [];
  if (Array.isArray(valid)) return ["[]"];
  if (ArrayBuffer.isView(valid)) return ["Float32Array", "Uint8Array", "[]"];
  if (valid instanceof Map) return ["a Map"];
  if ("valueOn" in valid) return TENSORS;
  return [];
}

/** Everything that may be a tree of tensors. */
export const TREES: readonly string[] = [
  ...LISTS,
  ...TENSORS,
  "{}",
  "an object with a strange field",
  "a freed tensor",
  "a tensor of another executor",
];

/** Messages of the language itself, and those for faults of the library. */
const RAW =
  /Cannot (read|set|destructure|convert|mix|access|perform|create|assign|delete|redefine|use 'in')|is not (a function|iterable|an object|a constructor|defined|extensible|valid JSON at)|Invalid (array|typed array|date|regular|time|string|count|code|DataView)|Maximum call stack|private (member|field|name)|undefined \(|object null|Reduce of empty|must be called|called on|incompatible receiver|internal|out of memory|The "[^"]*" argument|Expected property name|is not a non-empty/i;
const HELPS =
  /\b(need|needs|needed|there (is|are)|did you mean|at most|at least|must|again|return it|supported|possible|exist|do not|does not|cannot|has none?|sides are|write|synchronous|it has|save|check|were expected|differentiated|init\(\) a|those that are|whole|choose|no layer of kind|take|give|wanted|use|end|ends|expects?|belongs?|is no|are no|unknown)\b/;

/** What is wrong with an error, or nothing. */
export function complaint(error: unknown): string | undefined {
  if (!(error instanceof Error)) return `threw ${typeof error}, no Error`;
  const { message } = error;
  if (error instanceof SyntaxError) return `raw: ${message}`;
  // What was given is a class, and says so itself.
  if (/^Class constructor \w+ cannot be invoked/.test(message)) return undefined;
  if (RAW.test(message)) return `raw: ${error.name}: ${message}`;
  if (!/^.+?: .+/s.test(message) && !/^a tree|^trees differ|^an? /.test(message))
    return `does not say who speaks: ${message}`;
  if (!HELPS.test(message)) return `does not say what is needed: ${message}`;
  if (message.length > 700) return `is ${message.length} characters long: ${message.slice(0, 80)}...`;
  return undefined;
}
