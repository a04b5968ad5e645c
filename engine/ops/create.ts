/** Tensors from nothing: constants, ranges, identities. */

import { arangeKernel } from "../../shaders/gen/kernels.js";
import { ShapeError } from "../errors.js";
import { aFiniteNumber, aNatural, aNumber, anyNumber, requireTensor } from "../kinds.js";
import { call, type DType, gridFor } from "../lower.js";
import { apply, type OpSpec } from "../op.js";
import { requireArguments, requireDtype, shown } from "../options.js";
import { checkShape, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { constant } from "./arithmetic.js";
import { equal } from "./compare.js";
import { expand, reshape } from "./movement.js";

/** A tensor of one value; takes no memory of its own. */
export function full(shape: Shape, value: number, dtype: DType = "f32"): Tensor {
  return filled("full", shape, value, dtype);
}

function filled(op: string, shape: Shape, value: number, dtype: DType): Tensor {
  checkShape(op, shape);
  requireDtype(op, dtype);
  return expand(constant(value, dtype), shape);
}

/** Zeros of a shape; f32 unless told otherwise. @throws TypeError for a shape that is none. */
export function zeros(shape: Shape, dtype: DType = "f32"): Tensor {
  return filled("zeros", shape, 0, dtype);
}

/** Ones of a shape; f32 unless told otherwise. @throws TypeError for a shape that is none. */
export function ones(shape: Shape, dtype: DType = "f32"): Tensor {
  return filled("ones", shape, 1, dtype);
}

/** Zeros of the shape and type of x. */
export function zerosLike(x: Tensor): Tensor {
  requireTensor("zerosLike", x);
  return full(x.shape, 0, x.dtype);
}

/** Ones of the shape and type of x. */
export function onesLike(x: Tensor): Tensor {
  requireTensor("onesLike", x);
  return full(x.shape, 1, x.dtype);
}

interface RangeAttrs {
  readonly start: number;
  readonly step: number;
  readonly count: number;
  readonly dtype: DType;
}

/** start, start + step, ... up to but without `stop`: [⌈(stop − start)/step⌉], f32 unless `dtype` says otherwise. `arange(n)` is
 *  0, 1, ... n − 1. @throws ShapeError for a step of 0, or integers that are none. */
export function arange(stop: number): Tensor;
export function arange(start: number, stop: number, step?: number, dtype?: DType): Tensor;
export function arange(first: number, second?: number, step = 1, dtype: DType = "f32"): Tensor {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  requireArguments("arange", { start: [start, aFiniteNumber], stop: [stop, aNumber], step: [step, aNumber] });
  requireDtype("arange", dtype);
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (!Number.isFinite(count) || step === 0)
    throw new ShapeError(
      `arange: from ${start} to ${stop} by ${step} is endless; a finite range and a step are needed`,
    );
  if (dtype !== "f32" && !(Number.isInteger(start) && Number.isInteger(step)))
    throw new ShapeError(`arange: from ${start} by ${step} are not integers; ${dtype} needs them; use "f32"`);
  return apply(rangeSpec, [], { start, step, count, dtype });
}

/** `count` numbers at even distances from `start` to `stop`, both included: f32 [count]. */
export function linspace(start: number, stop: number, count: number): Tensor {
  requireArguments("linspace", {
    start: [start, aFiniteNumber],
    stop: [stop, aFiniteNumber],
    count: [count, anyNumber],
  });
  return apply(rangeSpec, [], { start, step: count > 1 ? (stop - start) / (count - 1) : 0, count, dtype: "f32" });
}

export const rangeSpec: OpSpec<RangeAttrs> = {
  name: "arange",
  shape: (_, { count, dtype }) => {
    if (!Number.isInteger(count) || count < 0 || count >= 2 ** 32)
      throw new ShapeError(`arange: ${shown(count)} numbers wanted; a count from 0 to 2^32 - 1 is needed`);
    return { shape: [count], dtype };
  },
  reference: (_, { start, step }, y) => {
    for (let i = 0; i < y.data.length; i++) y.data[i] = start + i * step;
  },
  vjp: null,
  launch: ({ output: y, caps }, { start, step, count, dtype }) => [
    call(arangeKernel, {
      bind: { y },
      params: { count, float: [start, step], integer: dtype === "f32" ? [0, 0] : [start | 0, step | 0] },
      spec: { SIGNED: dtype === "i32", UNSIGNED: dtype === "u32" },
      grid: gridFor(arangeKernel, Math.ceil(count / 4), caps.maxWorkgroupsPerDimension),
    }),
  ],
  samples: () => [
    { inputs: [], call: () => arange(0, 7) },
    { inputs: [], call: () => arange(5), note: "up to" },
    { inputs: [], call: () => arange(5, -4.5, -0.75) },
    { inputs: [], call: () => arange(-3, 300, 2, "i32") },
    { inputs: [], call: () => arange(2 ** 31 - 2, 2 ** 31 + 3, 1, "u32") },
    { inputs: [], call: () => arange(2, 2) },
    { inputs: [], call: () => linspace(-1, 2, 10) },
    { inputs: [], call: () => linspace(3, 4, 1) },
  ],
  failures: () => [
    { inputs: [], call: () => arange(0, 5, 0), message: /arange: from 0 to 5 by 0 is endless/ },
    { inputs: [], call: () => arange(0, 5, 0.5, "i32"), message: /arange: from 0 by 0.5 are not integers/ },
    { inputs: [], call: () => linspace(0, 1, -1), message: /arange: -1 numbers wanted/ },
  ],
};

/** The identity matrix [n,n], or a larger diagonal of ones in [n,columns]. */
export function eye(n: number, columns = n): Tensor {
  requireArguments("eye", { n: [n, aNatural], columns: [columns, aNatural] });
  return equal(reshape(arange(0, n, 1, "i32"), [n, 1]), arange(0, columns, 1, "i32"));
}

/** 1 at the label, else 0: labels i32 [...] → f32 [..., classes]. A label outside [0, classes) gives zeros.
 *  @throws ShapeError unless the labels are i32. */
export function oneHot(labels: Tensor, classes: number): Tensor {
  requireTensor("oneHot", labels);
  requireArguments("oneHot", { classes: [classes, aNatural] });
  return equal(reshape(labels, [...labels.shape, 1]), arange(0, classes, 1, "i32"));
}
