/** How a pointwise op is written: one row with the float64 function, the WGSL expression and the rule. */
import { describe, ShapeError } from "../errors.js";
import type { DType, TensorSpec } from "../lower.js";
import type { OpSpec } from "../op.js";
import { broadcastShapes } from "../shape.js";
import { mapBroadcast } from "./host.js";

export interface PointwiseRow<A> extends Pick<OpSpec<A>, "name" | "vjp" | "samples"> {
  readonly arity: number;
  /** The definition on float64 (or exact integers). */
  scalar(args: readonly number[], attrs: A): number;
  /** The same on i32 and u32, where float64 would round before the result is cut to 32 bits. */
  integer?(args: readonly number[]): number;
  expression(args: readonly string[], attrs: A): string;
  /** Allowed input dtypes; default f32 only. All inputs share one. */
  readonly dtypes?: readonly DType[];
  /** Result dtype from the inputs' common one; default the same. */
  result?(dtype: DType, attrs: A): DType;
  readonly linearIn?: readonly number[];
  readonly smoothOrder?: number;
  readonly tolerance?: OpSpec<A>["tolerance"];
  readonly draw?: OpSpec<A>["draw"];
  readonly failures?: OpSpec<A>["failures"];
}

/** A pointwise op with NumPy broadcasting from its row. */
export function definePointwise<A>(row: PointwiseRow<A>): OpSpec<A> {
  const dtypes = row.dtypes ?? ["f32"];
  return {
    ...row,
    shape(inputs, attrs) {
      const dtype = commonDtype(row.name, inputs, dtypes);
      return { shape: broadcastShapes(row.name, inputs), dtype: row.result ? row.result(dtype, attrs) : dtype };
    },
    reference(inputs, attrs, output) {
      const { integer } = row;
      if (integer && output.dtype !== "f32") mapBroadcast(inputs, output, (...args) => integer(args));
      else mapBroadcast(inputs, output, (...args) => row.scalar(args, attrs));
    },
    failures: row.failures ?? (() => []),
  };
}

function commonDtype(op: string, inputs: readonly TensorSpec[], allowed: readonly DType[]): DType {
  const dtype = inputs[0].dtype;
  for (const x of inputs)
    if (x.dtype !== dtype || !allowed.includes(x.dtype))
      throw new ShapeError(
        `${op}: ${inputs.map(describe).join(" and ")} given; ${allowed.join(" or ")} is needed` +
          `${inputs.length > 1 ? ", the same for all" : ""}; convert with cast()`,
      );
  return dtype;
}
