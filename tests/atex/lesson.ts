/** What the tests of ATEX train on: two small networks, four images and their directions, as numbers and as tensors. */
import { type Tensor, tensor } from "../../engine/index.js";
import * as by from "./mlp.js";

export const student = by.mlp(1);
export const teacher = by.mlp(2);
export const x = by
  .mlp(50)
  .w1.slice(0, 4)
  .map((row) => row.map((v) => 0.5 + 0.2 * v));
export const phi = by.mlp(51).w1.slice(0, 4);
export const n = x.length;

export const images = (rows: by.Matrix): Tensor => tensor(rows.flat(), [rows.length, ...by.image]);
export const classifier = (m: by.Mlp): ((z: Tensor) => Tensor) => {
  const params = by.parameters(m);
  return (z) => by.model.apply(params, z);
};
export const rowsOf = (values: ArrayLike<number>, length = by.pixels): by.Matrix =>
  Array.from({ length: values.length / length }, (_, i) => Array.from(values).slice(i * length, (i + 1) * length));

export const indices = (count: number): Tensor => tensor(Int32Array.from({ length: count }, (_, i) => i));
export const maxAbs = (v: by.Vector): number => Math.max(...v.map(Math.abs));
