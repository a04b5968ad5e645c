/** A node of one operator set with its input and its result, worked out by hand. */
import { FLOAT, INT64, type NodeSpec, type single } from "./encode.js";

export interface Case {
  readonly op: string;
  readonly opset: number;
  readonly x: readonly number[];
  /** Without the batch, which is 1 and comes first. */
  readonly sides: readonly number[];
  readonly y: readonly number[];
  readonly shape: readonly number[];
  readonly attributes?: NodeSpec["attributes"];
  readonly more?: Parameters<typeof single>[4];
}

export const count = (n: number, start = 1): number[] => Array.from({ length: n }, (_, i) => start + i);
export const ints = (...values: number[]) => ({ ints: values });
export const int = (value: number) => ({ int: value });
export const float = (value: number) => ({ float: value });
export const text = (value: string) => ({ text: value });
export const list = (name: string, values: readonly number[]) => [name, [values.length], values, INT64] as const;
export const scalar = (name: string, value: number, type = FLOAT) => [name, [], [value], type] as const;
