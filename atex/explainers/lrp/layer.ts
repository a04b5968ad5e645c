/** A weighted layer as relevance sees it, and how relevance is shared among its inputs. */
import { add, div, less, mul, type Tensor, where } from "../../../engine/index.js";

/** A linear op of x and of weights that do not depend on the explained input, with the scaling and shifting that follows it:
 *  scale · f(x, weight) + offset. */
export interface Layer {
  readonly x: Tensor;
  readonly weight: Tensor;
  /** f(x, weight). */
  readonly output: Tensor;
  /** Both broadcast to the output. */
  readonly scale?: Tensor;
  readonly offset?: Tensor;
  /** Whether x has no negative element whatever the input. */
  readonly nonNegative: boolean;
  /** f with other operands. */
  apply(x: Tensor, weight: Tensor): Tensor;
  /** The adjoint of x ↦ f(x, weight). */
  transpose(g: Tensor, weight: Tensor): Tensor;
  /** Between what x lies, of its shape. @throws RefusalError where that is not known. */
  box(): Box;
}

export interface Box {
  readonly low: Tensor;
  readonly high: Tensor;
}

/** The summands times · f(x, weight) of an output, of which each element of x owns those it is a factor of. */
export interface Contribution {
  readonly x: Tensor;
  readonly weight: Tensor;
  /** On the outputs; default 1. */
  readonly times?: Tensor | number;
}

/** A part of the relevance, shared in proportion to contributions. */
export interface Share {
  readonly contributions: readonly Contribution[];
  /** Contribution of the bias, which keeps what falls to it. */
  readonly offset?: Tensor;
  readonly epsilon: number;
  /** How much of the relevance; default all. */
  readonly of?: number;
}

/** The product of two factors, of which either may be left out. */
export function times(a: Tensor, b: Tensor | number | undefined): Tensor;
export function times(a: Tensor | number | undefined, b: Tensor): Tensor;
export function times(a: Tensor | number | undefined, b: Tensor | number | undefined): Tensor | number | undefined {
  return a === undefined ? b : b === undefined ? a : mul(a, b);
}

/** z moved away from 0 by epsilon: z + epsilon above 0 and at 0, z − epsilon below. What is added counts as a constant, so that the
 *  derivative is finite everywhere. Source: Bach et al. 2015, eq. 58. */
export function stabilised(z: Tensor, epsilon: number): Tensor {
  return add(z, where(less(z, 0), -epsilon, epsilon));
}

/** What a layer's inputs get of the relevance of its outputs. */
export function shareOut(relevance: Tensor, layer: Layer, shares: readonly Share[]): Tensor {
  const outputs = new Pairs();
  const back = new Pairs();
  for (const { contributions, offset, epsilon, of = 1 } of shares) {
    const parts = contributions.map(({ x, weight, times: factor }) =>
      times(
        outputs.get(x, weight, () =>
          x === layer.x && weight === layer.weight ? layer.output : layer.apply(x, weight),
        ),
        factor,
      ),
    );
    const z = (offset ? [...parts, offset] : parts).reduce(add);
    const quotient = div(of === 1 ? relevance : mul(relevance, of), stabilised(z, epsilon));
    for (const { x, weight, times: factor } of contributions) back.add(x, weight, times(quotient, factor));
  }
  return back.list.map(([x, weight, g]) => mul(x, layer.transpose(g, weight))).reduce(add);
}

/** Tensors by pairs of operands: rules use the same product in several shares, and one adjoint serves them all. */
class Pairs {
  readonly list: [x: Tensor, weight: Tensor, value: Tensor][] = [];

  get(x: Tensor, weight: Tensor, make: () => Tensor): Tensor {
    return (this.#find(x, weight) ?? this.#push(x, weight, make()))[2];
  }

  add(x: Tensor, weight: Tensor, value: Tensor): void {
    const entry = this.#find(x, weight);
    if (entry) entry[2] = add(entry[2], value);
    else this.#push(x, weight, value);
  }

  #find(x: Tensor, weight: Tensor) {
    return this.list.find(([a, b]) => a === x && b === weight);
  }

  #push(x: Tensor, weight: Tensor, value: Tensor) {
    const entry: [Tensor, Tensor, Tensor] = [x, weight, value];
    this.list.push(entry);
    return entry;
  }
}
