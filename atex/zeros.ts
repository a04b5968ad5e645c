/** Activations that networks write with other ops: max(x, 0). */
import { constant, expand, type Substitutes, type Tensor } from "../engine/index.js";

type Attrs = Parameters<Substitutes[string]>[1];

/** Ops that leave a note of the tensors that are 0 because the program says so, for `withOps`. */
export function notingZeros(zeros: WeakSet<Tensor>): Substitutes {
  return {
    constant(_, attrs: Attrs) {
      const { value, dtype } = attrs as { value: number; dtype: Tensor["dtype"] };
      const made = constant(value, dtype);
      if (value === 0) zeros.add(made);
      return made;
    },
    expand([x], attrs: Attrs) {
      const wide = expand(x, (attrs as { shape: readonly number[] }).shape);
      if (zeros.has(x)) zeros.add(wide);
      return wide;
    },
  };
}

/** Whether a clamp is relu or relu6. */
export function isClampedRelu(attrs: unknown): boolean {
  const { low, high } = attrs as { low: number; high: number };
  return low === 0 && (high === 6 || high === Number.POSITIVE_INFINITY);
}
