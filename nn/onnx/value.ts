/**
 * What flows along the edges of an ONNX graph. Booleans and integers are whole numbers in f32 tensors, exact to 2^24 on a GPU and to
 * 2^53 on the host; their element type goes along. Values on the host are known before the network runs, as shapes are.
 */
import { type Tensor, tensor } from "../../engine/index.js";
import { DataError } from "../data/error.js";
import type { ElementType } from "./element-types.js";

/** Elements at hand, row-major. */
export interface HostValue {
  readonly kind: "host";
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** A tensor on the executor. */
export interface DeviceValue {
  readonly kind: "device";
  readonly type: ElementType;
  readonly tensor: Tensor;
}

/** A sequence. */
export interface ListValue {
  readonly kind: "list";
  readonly items: readonly ArrayValue[];
}

/** An optional value that is empty. */
export interface EmptyValue {
  readonly kind: "empty";
}

export type ArrayValue = HostValue | DeviceValue;
export type Value = ArrayValue | ListValue | EmptyValue;

/** Elements of one tensor that are worked out on the host. */
const MAX_HOST_ELEMENTS = 2 ** 22;

export function hostValue(type: ElementType, shape: readonly number[], data: ArrayLike<number>): HostValue {
  return {
    kind: "host",
    type,
    shape,
    data: data instanceof Float32Array || data instanceof Float64Array ? data : Float64Array.from(data),
  };
}

/** A list of whole numbers, as shapes are. */
export function hostList(numbers: readonly number[]): HostValue {
  return hostValue("int64", [numbers.length], numbers);
}

export function deviceValue(type: ElementType, tensor: Tensor): DeviceValue {
  return { kind: "device", type, tensor };
}

export function isArray(value: Value): value is ArrayValue {
  return value.kind === "host" || value.kind === "device";
}

export function shapeOfValue(value: ArrayValue): readonly number[] {
  return value.kind === "host" ? value.shape : value.tensor.shape;
}

/** The value as a tensor of the current executor. */
export function toTensor(value: ArrayValue): Tensor {
  return value.kind === "device" ? value.tensor : tensor(value.data, value.shape, "f32");
}

/** @throws DataError for a shape that a broken file made up. */
export function requireModest(shape: readonly number[]): void {
  const size = shape.reduce((a, b) => a * b, 1);
  if (shape.length > 8 || shape.some((side) => !Number.isInteger(side) || side < 0) || size > 2 ** 28)
    throw new DataError(`a tensor of shape [${shape.slice(0, 9)}]; at most 8 sides and 2^28 elements are made`);
}

/** @throws DataError for constants that are too many to be worked out on the host. */
export function requireSmall(shape: readonly number[]): void {
  const size = shape.reduce((a, b) => a * b, 1);
  if (!(size <= MAX_HOST_ELEMENTS))
    throw new DataError(`constants of shape [${shape.slice(0, 9)}]; at most ${MAX_HOST_ELEMENTS} elements are folded`);
}
