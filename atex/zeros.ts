/** Activations that networks write with other ops: max(x, 0), min(relu(x), 6). */
import { constant, expand, type Substitutes, type Tensor } from "../engine/index.js";

type Attrs = Parameters<Substitutes[string]>[1];

/** Ops that note the value of tensors that the program says are one number, for `withOps`. */
export function notingConstants(values: WeakMap<Tensor, number>): Substitutes {
  return {
    constant(_, attrs: Attrs) {
      const { value, dtype } = attrs as { value: number; dtype: Tensor["dtype"] };
      const made = constant(value, dtype);
      values.set(made, value);
      return made;
    },
    expand([x], attrs: Attrs) {
      const wide = expand(x, (attrs as { shape: readonly number[] }).shape);
      const value = values.get(x);
      if (value !== undefined) values.set(wide, value);
      return wide;
    },
  };
}

/** Whether a clamp is relu or relu6. */
export function isClampedRelu(attrs: unknown): boolean {
  const { low, high } = attrs as { low: number; high: number };
  return low === 0 && (high === 6 || high === Number.POSITIVE_INFINITY);
}
