/** Loops of the float64 reference: plain, in index order, with strides. */
import type { HostArray } from "../executor.js";
import type { TensorSpec } from "../lower.js";
import type { HostTensor } from "../op.js";
import { broadcastStrides, contiguousStrides, sizeOf } from "../shape.js";

/** A zero-filled host tensor: Float64Array for floats. */
export function hostTensor(spec: TensorSpec): HostTensor {
  return { shape: spec.shape, dtype: spec.dtype, data: hostArray(spec) };
}

function hostArray({ shape, dtype }: TensorSpec): HostArray {
  const n = sizeOf(shape);
  if (dtype === "i32") return new Int32Array(n);
  return dtype === "u32" ? new Uint32Array(n) : new Float64Array(n);
}

/** Calls `visit(i, offsets)` for each element of `shape` in row-major order, with each operand's offset by its strides. */
export function forEachOffset(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
  visit: (index: number, offsets: Int32Array | number[]) => void,
): void {
  const n = sizeOf(shape);
  const offsets = new Array<number>(strides.length).fill(0);
  const at = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < n; i++) {
    visit(i, offsets);
    for (let d = shape.length - 1; d >= 0; d--) {
      at[d]++;
      for (let k = 0; k < strides.length; k++) offsets[k] += strides[k][d];
      if (at[d] < shape[d]) break;
      for (let k = 0; k < strides.length; k++) offsets[k] -= strides[k][d] * shape[d];
      at[d] = 0;
    }
  }
}

/** Applies a scalar function with NumPy broadcasting. */
export function mapBroadcast(
  inputs: readonly HostTensor[],
  output: HostTensor,
  f: (...args: number[]) => number,
): void {
  const strides = inputs.map((x) => broadcastStrides(x.shape, contiguousStrides(x.shape), output.shape));
  const args = new Array<number>(inputs.length);
  forEachOffset(output.shape, strides, (i, offsets) => {
    for (let k = 0; k < inputs.length; k++) args[k] = inputs[k].data[offsets[k]];
    output.data[i] = f(...args);
  });
}
