/** What every op gives for NaN, infinities, zeros and the ends of the range: the page bench/results/special-values.md, from the op
 *  table and the float64 reference. Tests hold every executor to the same cases. */
import { withExecutor } from "../engine/executor.js";
import { ReferenceExecutor, scope, type Tensor, tensor } from "../engine/index.js";
import type { InputSpec, OpSpec, Sample } from "../engine/op.js";
import { mul } from "../engine/ops/arithmetic.js";
import { where } from "../engine/ops/binary.js";
import { cast } from "../engine/ops/cast.js";
import { logicalAnd, logicalNot, logicalOr } from "../engine/ops/compare.js";
import { table } from "../engine/ops/table.js";
import { sizeOf } from "../engine/shape.js";

export const LARGEST = 2 ** 128 - 2 ** 104;
export const SMALLEST = 2 ** -126;
export const SUBNORMAL = 2 ** -149;
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

/** The special numbers, in the order of the page's columns. */
export const specials: readonly number[] = [
  nan,
  inf,
  -inf,
  0,
  -0,
  LARGEST,
  -LARGEST,
  SMALLEST,
  -SMALLEST,
  SUBNORMAL,
  -SUBNORMAL,
];

/** Adapters may take a subnormal number for 0. */
export const flushed = (v: number): number => (Math.abs(v) < SMALLEST ? 0 * Math.sign(v) : v);

/** A pointwise op called on f32 tensors alone. */
export interface SpecialCase {
  readonly name: string;
  readonly arity: number;
  readonly call: (...xs: Tensor[]) => Tensor;
  /** Inputs for which the public description promises no more than a range. */
  readonly open?: (inputs: readonly number[]) => boolean;
}

/** Beyond 10⁴ sine and cosine are what the driver gives. */
const OPEN: Readonly<Record<string, SpecialCase["open"]>> = {
  sin: ([x]) => Math.abs(x) === LARGEST,
  cos: ([x]) => Math.abs(x) === LARGEST,
};

// biome-ignore lint/suspicious/noExplicitAny: attributes differ by op.
function casesOf(op: OpSpec<any>): SpecialCase[] {
  const isPlain = ({ inputs, note }: Sample, i: number): boolean =>
    inputs.length > 0 &&
    inputs.every(({ dtype = "f32" }) => dtype === "f32") &&
    (i === 0 || !["scalar", "empty", "broadcast", undefined].includes(note));
  return op
    .samples()
    .filter(isPlain)
    .map(({ inputs, call, note }) => ({
      name: note ? `${op.name}, ${note}` : op.name,
      arity: inputs.length,
      call,
      open: OPEN[op.name],
    }));
}

/** Every pointwise op of the table, and what masks are made with. */
export const specialCases: readonly SpecialCase[] = [
  ...table.filter((op) => op.expression && op.name !== "where").flatMap(casesOf),
  { name: "where, of a mask", arity: 1, call: (mask) => where(mask, 1, 2) },
  { name: "where, of values", arity: 2, call: (a, b) => where(tensor(1), a, b) },
  { name: "logicalNot", arity: 1, call: logicalNot },
  { name: "logicalAnd", arity: 2, call: logicalAnd },
  { name: "logicalOr", arity: 2, call: logicalOr },
];

/** Every combination of `values`, as a list for each operand; the last operand changes fastest. */
export function combinations(values: readonly number[], arity: number): number[][] {
  const n = values.length;
  return Array.from({ length: arity }, (_, k) =>
    Array.from({ length: n ** arity }, (_, i) => values[Math.floor(i / n ** (arity - 1 - k)) % n]),
  );
}

/** The case's results as f32, on the current executor. */
export function specialResults({ call }: SpecialCase, inputs: readonly (readonly number[])[]): Tensor {
  return mul(cast(call(...inputs.map((list) => tensor(Float64Array.from(list)))), "f32"), 1);
}

async function onReference(compute: () => Tensor): Promise<number[]> {
  const result = withExecutor(new ReferenceExecutor(), () => scope(compute));
  return [...(await result.read())].map(Math.fround);
}

/** What a result may be: the reference's, or what it is when subnormal numbers, given or made, are taken for 0. */
export async function allowedResults(
  special: SpecialCase,
  inputs: readonly (readonly number[])[],
): Promise<number[][]> {
  const exact = await onReference(() => specialResults(special, inputs));
  const ofZeros = await onReference(() =>
    specialResults(
      special,
      inputs.map((list) => list.map(flushed)),
    ),
  );
  return exact.map((value, i) => [value, flushed(value), ofZeros[i], flushed(ofZeros[i])]);
}

/** Where the answer is not NumPy's or PyTorch's, and why. */
export const differences: readonly {
  readonly op: string;
  readonly here: string;
  readonly there: string;
  readonly why: string;
}[] = [
  {
    op: "gelu, silu",
    here: "0 at −∞",
    there: "PyTorch: NaN",
    why: "the limit; one masked logit must not make a whole layer NaN",
  },
  {
    op: "multiplyNoNan",
    here: "0 where the second factor is 0",
    there: "NumPy has no such op; TensorFlow: the same",
    why: "derivative rules multiply by masks, and where no gradient flows the other factor may be infinite",
  },
  {
    op: "cast to i32 and u32",
    here: "cut to the range of the type; NaN becomes 0",
    there: "NumPy and PyTorch: undefined, depends on the processor",
    why: "one answer on every adapter; WGSL cuts to the range as well",
  },
  {
    op: "pow",
    here: "the gradient in the base is 0 where base and exponent are 0, and that in the exponent where the base is 0",
    there: "PyTorch: the same; JAX: NaN for some",
    why: "x⁰ does not change with x, nor 0ʸ with y > 0",
  },
  {
    op: "topK",
    here: "numbers come before NaN",
    there: "PyTorch: NaN is the largest",
    why: "as `sort`, which puts NaN last in both directions, so that the k best features are features",
  },
  {
    op: "averageRank, concordance",
    here: "NaN gets NaN and the others are ranked among themselves",
    there: "SciPy: by its option nan_policy",
    why: 'the same as SciPy\'s "omit"',
  },
  {
    op: "conv2d and its adjoints",
    here: "NaN or infinity in the weights may make results at the border NaN",
    there: "PyTorch: depends on the algorithm that it chooses",
    why: "kernels multiply the zeros of a padding, and 0 · ∞ is NaN; minimal filtering spreads one NaN over its tile, a Fourier transform over its plane",
  },
];

const shown = (value: number): string => {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  return String(Number(value.toPrecision(5)))
    .replace("-", "−")
    .replace("e-", "e−");
};

const headOf = (value: number): string => (Object.is(value, -0) ? "−0" : shown(value));

/** The sign of a zero is not promised. */
const cellOf = (values: readonly number[]): string =>
  [...new Set(values.map((value) => shown(value === 0 ? 0 : value)))].join(" or ");

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}

async function cellsOf(special: SpecialCase): Promise<string[]> {
  const inputs = combinations(specials, special.arity);
  const allowed = await allowedResults(special, inputs);
  return allowed.map((values, i) => (special.open?.(inputs.map((list) => list[i])) ? "not promised" : cellOf(values)));
}

/** Numbers for an input of a sample, spread over its range. */
function plainData({ shape, dtype = "f32", low, high }: InputSpec): Float64Array | Int32Array | Uint32Array {
  const n = sizeOf(shape);
  if (dtype !== "f32") {
    const [first, last] = [low ?? 0, high ?? 9];
    const values = Array.from({ length: n }, (_, i) => first + (i % (last - first + 1)));
    return dtype === "i32" ? Int32Array.from(values) : Uint32Array.from(values);
  }
  const [first, last] = [low ?? -2, high ?? 2];
  return Float64Array.from(
    { length: n },
    (_, i) => first + ((last - first) * (((i * 7 + 3) % (n + 1)) + 0.5)) / (n + 1),
  );
}

/** How many elements of the first sample's result are NaN or infinite when one element of an input is. */
// biome-ignore lint/suspicious/noExplicitAny: attributes differ by op.
async function rowsOf(op: OpSpec<any>): Promise<string[][]> {
  const sample = op
    .samples()
    .find(({ inputs }) => inputs.some(({ dtype = "f32", shape }) => dtype === "f32" && sizeOf(shape) > 0));
  if (!sample) return [];
  const rows: string[][] = [];
  for (const [k, { dtype = "f32", shape }] of sample.inputs.entries()) {
    if (dtype !== "f32" || sizeOf(shape) === 0) continue;
    const cells: string[] = [];
    for (const value of [nan, inf, -inf]) {
      const data = sample.inputs.map(plainData);
      data[k][data[k].length >> 1] = value;
      const results = await onReference(() =>
        mul(cast(sample.call(...data.map((d, j) => tensor(d, sample.inputs[j].shape))), "f32"), 1),
      );
      const count = (wanted: number): number => results.filter((v) => Object.is(v, wanted)).length;
      const parts = [nan, inf, -inf].flatMap((kind) => (count(kind) > 0 ? [`${count(kind)} ${shown(kind)}`] : []));
      cells.push(`${parts.join(", ") || "none"} of ${results.length}`);
    }
    rows.push([sample.inputs.length > 1 ? `${op.name}, operand ${k + 1}` : op.name, ...cells]);
  }
  return rows;
}

/** The page. */
export async function specialValuesPage(): Promise<string> {
  const one = specialCases.filter(({ arity }) => arity === 1);
  const two = specialCases.filter(({ arity }) => arity === 2);
  const heads = specials.map(headOf);
  const unary: string[][] = [];
  for (const special of one) unary.push([special.name, ...(await cellsOf(special))]);
  const binary: string[] = [];
  for (const special of two) {
    const cells = await cellsOf(special);
    const n = specials.length;
    const rows = heads.map((head, i) => [`**${head}**`, ...cells.slice(i * n, (i + 1) * n)]);
    binary.push(`### ${special.name}\n\n${markdown(["", ...heads], rows)}`);
  }
  const others: string[][] = [];
  for (const op of table.filter(({ expression }) => !expression)) others.push(...(await rowsOf(op)));
  return `${[
    "# Special values",
    "Written by `npm run bench -- special-values --save` from the table of ops: do not edit. The float64 reference, rounded to f32, is the " +
      "answer everywhere: on the GPU, eager and captured (`tests/engine/specialValues.test.ts`). NaN, infinities and the largest and " +
      "smallest numbers come as they are in IEEE 754 and NumPy; what differs is listed with its reason. Not promised are:",
    "- **subnormal numbers**, below 1.1755e−38: WGSL lets an adapter take them for 0, in operands and in results. Where that changes an " +
      'answer both stand here ("1.4013e−45 or 0");\n' +
      "- **the sign of a zero** in a result;\n" +
      '- digits beyond the tolerance of an op, and what is "not promised" below: sine and cosine beyond 10⁴.',
    "## What differs from NumPy and PyTorch",
    markdown(
      ["op", "here", "there", "why"],
      differences.map(({ op, here, there, why }) => [op, here, there, why]),
    ),
    "## Functions of one number",
    markdown(["op", ...heads], unary),
    "## Functions of two numbers",
    "Rows: the first operand, columns: the second.",
    ...binary,
    "## Other ops",
    "The op's first sample with one special element among others: how many elements of the result are NaN or infinite. An op that is not " +
      "listed takes integers or nothing.",
    markdown(["op", "with NaN", "with ∞", "with −∞"], others),
  ].join("\n\n")}\n`;
}
