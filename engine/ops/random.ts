/** Random bits as ops: pure functions of a key, which is a tensor, so that a captured step can split and carry keys. */
import { randomBitsKernel, randomFoldKernel } from "../../shaders/gen/kernels.js";
import { describe, ShapeError } from "../errors.js";
import { call, gridFor, type Operand, type TensorSpec } from "../lower.js";
import { apply, type OpSpec } from "../op.js";
import { mulHigh, philox } from "../philox.js";
import { checkShape, type Shape, sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { definePointwise } from "./define.js";

/** The last counter word keeps the streams of one key apart. */
const domains = { bits: 0, split: 1, fold: 2 } as const;

interface BitsAttrs {
  readonly shape: Shape;
  readonly domain: number;
}

/** Uniform 32-bit words: key u32[2] → u32 [...shape]. Element i is word i mod 4 of Philox(counter [⌊i/4⌋, 0, 0, 0], key): the
 *  same bits on every adapter. */
export function randomBits(key: Tensor, shape: Shape): Tensor {
  checkShape("randomBits", shape);
  return apply(randomBitsSpec, [key], { shape, domain: domains.bits });
}
/** Keys as the rows of u32 [n,2], unrelated to each other and to what `randomBits` gives for `key`. */
export function splitKey(key: Tensor, n: number): Tensor {
  return apply(randomBitsSpec, [key], { shape: [n, 2], domain: domains.split });
}
export const randomBitsSpec: OpSpec<BitsAttrs> = {
  name: "randomBits",
  shape: ([key], { shape }) => {
    requireKey("randomBits", key);
    checkShape("randomBits", shape);
    return { shape, dtype: "u32" };
  },
  reference: ([key], { domain }, y) => {
    for (let i = 0; i < y.data.length; i += 4) {
      const words = philox([i / 4, 0, 0, domain], [key.data[0], key.data[1]]);
      for (let j = 0; j < Math.min(4, y.data.length - i); j++) y.data[i + j] = words[j];
    }
  },
  vjp: null,
  strided: true,
  launch: ({ inputs: [key], output: y, caps }, { domain }) => {
    const count = sizeOf(y.shape);
    return [
      call(randomBitsKernel, {
        bind: { key, y },
        params: { count, domain, key_at: keyAt(key) },
        grid: gridFor(randomBitsKernel, Math.ceil(count / 4), caps.maxWorkgroupsPerDimension),
      }),
    ];
  },
  samples: () => [
    { inputs: [{ shape: [2], dtype: "u32", high: 2 ** 32 - 1 }], call: (key) => randomBits(key, [3, 5]) },
    { inputs: [{ shape: [2], dtype: "u32" }], call: (key) => splitKey(key, 3) },
    { inputs: [{ shape: [2], dtype: "u32" }], call: (key) => randomBits(key, []) },
    { inputs: [{ shape: [2], dtype: "u32" }], call: (key) => randomBits(key, [0, 3]) },
  ],
  draw: (d) => {
    const shape = d.shape({ maxSide: 6 });
    return { inputs: [{ shape: [2], dtype: "u32", high: 2 ** 32 - 1 }], call: (key) => randomBits(key, shape) };
  },
  failures: () => [
    {
      inputs: [{ shape: [2] }],
      call: (key) => randomBits(key, [3]),
      message: /randomBits: the key is f32\[2\]; u32\[2\] is needed/,
    },
  ],
};

/** A new key from a key and a number: key u32[2], data u32[] → u32[2]. Different data give unrelated keys. */
export function foldKey(key: Tensor, data: Tensor): Tensor {
  return apply(foldKeySpec, [key, data], null);
}
export const foldKeySpec: OpSpec<null> = {
  name: "foldKey",
  shape: ([key, data]) => {
    requireKey("foldKey", key);
    if (data.dtype !== "u32" || sizeOf(data.shape) !== 1)
      throw new ShapeError(`foldKey: the data are ${describe(data)}; one u32 is needed; convert with cast()`);
    return { shape: [2], dtype: "u32" };
  },
  reference: ([key, data], _, y) => {
    const words = philox([data.data[0], 0, 0, domains.fold], [key.data[0], key.data[1]]);
    y.data.set(words.slice(0, 2));
  },
  vjp: null,
  strided: true,
  launch: ({ inputs: [key, data], output: y }) => [
    call(randomFoldKernel, {
      bind: { key, data, y },
      params: { domain: domains.fold, data_at: data.offset, key_at: keyAt(key) },
      grid: [1, 1, 1],
    }),
  ],
  samples: () => [
    {
      inputs: [
        { shape: [2], dtype: "u32", high: 2 ** 32 - 1 },
        { shape: [], dtype: "u32" },
      ],
      call: foldKey,
    },
    {
      inputs: [
        { shape: [2], dtype: "u32" },
        { shape: [1], dtype: "u32", high: 2 ** 32 - 1 },
      ],
      call: foldKey,
    },
  ],
  failures: () => [
    {
      inputs: [{ shape: [2], dtype: "u32" }, { shape: [] }],
      call: foldKey,
      message: /foldKey: the data are f32\[\]; one u32 is needed/,
    },
  ],
};

function requireKey(op: string, key: TensorSpec): void {
  if (key.dtype !== "u32" || key.shape.length !== 1 || key.shape[0] !== 2)
    throw new ShapeError(`${op}: the key is ${describe(key)}; u32[2] is needed; make one with random.key(seed)`);
}
function keyAt({ offset, strides }: Operand): [number, number] {
  return [offset, offset + strides[0]];
}

const word = { dtype: "u32", high: 2 ** 32 - 1 } as const;

/** Words to numbers on [0, 1): the upper 24 bits times 2⁻²⁴, exactly. */
export function unitFromBits(bits: Tensor): Tensor {
  return apply(unitFromBitsSpec, [bits], null);
}
export const unitFromBitsSpec = definePointwise<null>({
  name: "unitFromBits",
  arity: 1,
  dtypes: ["u32"],
  result: () => "f32",
  scalar: ([x]) => (x >>> 8) * 2 ** -24,
  expression: ([x]) => `(f32(${x} >> 8u) * 5.9604644775390625e-8f)`,
  vjp: null,
  samples: () => [{ inputs: [{ shape: [4, 5], ...word }], call: unitFromBits }],
  failures: () => [{ inputs: [{ shape: [2] }], call: unitFromBits, message: /unitFromBits: f32\[2\] given; u32/ }],
});

/** Words to odd multiples of 2⁻²⁴ on (−1, 1), exactly: never 0 or ±1. */
export function symmetricFromBits(bits: Tensor): Tensor {
  return apply(symmetricFromBitsSpec, [bits], null);
}
export const symmetricFromBitsSpec = definePointwise<null>({
  name: "symmetricFromBits",
  arity: 1,
  dtypes: ["u32"],
  result: () => "f32",
  scalar: ([x]) => (2 * (x >>> 8) + 1 - 2 ** 24) * 2 ** -24,
  expression: ([x]) => `(f32(i32(${x} >> 8u) * 2i - 16777215i) * 5.9604644775390625e-8f)`,
  vjp: null,
  samples: () => [{ inputs: [{ shape: [4, 5], ...word }], call: symmetricFromBits }],
  failures: () => [
    { inputs: [{ shape: [2] }], call: symmetricFromBits, message: /symmetricFromBits: f32\[2\] given; u32/ },
  ],
});

/** 1 where the upper 24 bits of a word are below p·2²⁴, else 0: P(1) = p to 2⁻²⁵. */
export function bernoulliFromBits(bits: Tensor, p: number): Tensor {
  return apply(bernoulliFromBitsSpec, [bits], { threshold: Math.round(p * 2 ** 24) });
}
export const bernoulliFromBitsSpec = definePointwise<{ readonly threshold: number }>({
  name: "bernoulliFromBits",
  arity: 1,
  dtypes: ["u32"],
  result: () => "f32",
  scalar: ([x], { threshold }) => (x >>> 8 < threshold ? 1 : 0),
  expression: ([x], { threshold }) => `select(0f, 1f, (${x} >> 8u) < ${threshold}u)`,
  vjp: null,
  samples: () => [
    { inputs: [{ shape: [4, 5], ...word }], call: (bits) => bernoulliFromBits(bits, 0.3) },
    { inputs: [{ shape: [9], ...word }], call: (bits) => bernoulliFromBits(bits, 1) },
  ],
  failures: () => [
    { inputs: [{ shape: [2] }], call: (bits) => bernoulliFromBits(bits, 0.5), message: /bernoulliFromBits: f32\[2\]/ },
  ],
});

/** low + ⌊word·span / 2³²⌋ as i32: no value is likelier than another by more than span / 2³². */
export function integerFromBits(bits: Tensor, low: number, span: number): Tensor {
  return apply(integerFromBitsSpec, [bits], { low, span });
}
export const integerFromBitsSpec = definePointwise<{ readonly low: number; readonly span: number }>({
  name: "integerFromBits",
  arity: 1,
  dtypes: ["u32"],
  result: () => "i32",
  scalar: ([x], { low, span }) => low + mulHigh(x, span),
  expression: ([x], { low, span }) => `(bitcast<i32>(mulHigh(${x}, ${span}u) + ${low >>> 0}u))`,
  vjp: null,
  samples: () => [
    { inputs: [{ shape: [4, 5], ...word }], call: (bits) => integerFromBits(bits, -3, 10) },
    { inputs: [{ shape: [40], ...word }], call: (bits) => integerFromBits(bits, -(2 ** 31), 2 ** 32 - 1) },
  ],
  failures: () => [
    { inputs: [{ shape: [2] }], call: (bits) => integerFromBits(bits, 0, 5), message: /integerFromBits: f32\[2\]/ },
  ],
});
