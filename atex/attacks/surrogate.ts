import {
  add,
  clamp,
  maximum,
  minimum,
  mul,
  type Substitutes,
  shapeOf,
  softplus,
  sub,
  type Tensor,
  withOps,
  zeros,
} from "../../engine/index.js";
import { aFunction, aNumber, aPositiveNumber, aShape, maybe } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { aClassifier } from "../kinds.js";
import type { Classifier, Score } from "../score.js";
import { isClampedRelu, notingConstants } from "../zeros.js";

/** The default sharpness is the one that left least of the maps after 20 steps on the authors' network (5 to 60 tried). */
const BETA = 20;

/** The same network with softplus of sharpness beta in place of relu, whose maps have slopes that an attack can follow: relu,
 *  leakyRelu (slope · x and the rest of a softplus), relu6 (a difference of two), maximum(x, 0), minimum(relu(x), c), wherever they are inside. The
 *  rest stays to the bit. Source: Dombrowski et al. 2019, sec. 3.3. @throws RangeError for beta <= 0. */
export function smoothed<F extends Classifier | Score>(network: F, beta = BETA): F {
  requireArguments("smoothed", { network: [network, aFunction], beta: [beta, aNumber] });
  if (!(beta > 0)) throw new RangeError(`smoothed: beta ${beta} given; a positive number is needed`);
  const smooth = (x: Tensor): Tensor =>
    withOps(
      withoutKinks((z) => softplus(z, beta)),
      () => network(x),
    );
  return smooth as F;
}

/** Whether a network has a relu that `smoothed` would replace, found by tracing it on one sample of `shape`, without computing. */
export function hasKinks(classifier: Classifier, shape: readonly number[]): boolean {
  requireArguments("hasKinks", { classifier: [classifier, aClassifier], shape: [shape, aShape] });
  let found = false;
  const noted = withoutKinks((z) => {
    found = true;
    return z;
  });
  shapeOf(() => {
    const sample = zeros([1, ...shape]);
    return withOps(noted, () => classifier(sample));
  });
  return found;
}

/** What attacks on a network's maps go through: the smoothed network; undefined for one without relu, which needs none. `shape`
 *  is that of a sample. */
export function surrogateOf(classifier: Classifier, shape: readonly number[], beta = BETA): Classifier | undefined {
  requireArguments("surrogateOf", {
    classifier: [classifier, aClassifier],
    shape: [shape, aShape],
    beta: [beta, aPositiveNumber],
  });
  return hasKinks(classifier, shape) ? smoothed(classifier, beta) : undefined;
}

/** How much blunter the second way of `surrogatesOf` is. */
const BLUNTER = 2;

/** The same network with every softplus so many times blunter, whose maps change more slowly. @throws RangeError unless times > 0. */
export function blunted(classifier: Classifier, times = BLUNTER): Classifier {
  requireArguments("blunted", { classifier: [classifier, aClassifier], times: [times, aNumber] });
  if (!(times > 0)) throw new RangeError(`blunted: ${times} times given; a positive number is needed`);
  const softer: Substitutes = {
    softplus: ([z], attrs) => softplus(z, (attrs as { beta: number }).beta / times),
  };
  return (x) => withOps(softer, () => classifier(x));
}

/** The ways that an ensemble goes in turn: `first`, undefined for the network itself, and the same with every softplus blunter, where
 *  it has any. Gradients that one of them hides another may show. */
export function surrogatesOf(
  classifier: Classifier,
  shape: readonly number[],
  first = surrogateOf(classifier, shape),
): readonly (Classifier | undefined)[] {
  requireArguments("surrogatesOf", {
    classifier: [classifier, aClassifier],
    shape: [shape, aShape],
    first: [first, maybe(aClassifier)],
  });
  const climbed = first ?? classifier;
  let found = false;
  shapeOf(() => {
    const sample = zeros([1, ...shape]);
    const noted: Substitutes = {
      softplus: ([z]) => {
        found = true;
        return z;
      },
    };
    return withOps(noted, () => climbed(sample));
  });
  return found ? [first, blunted(climbed)] : [first];
}

/** Ops with `smooth` in the place of relu. */
function withoutKinks(smooth: (z: Tensor) => Tensor): Substitutes {
  const constants = new WeakMap<Tensor, number>();
  /** By what was made in the place of a relu, its argument. */
  const behind = new WeakMap<Tensor, Tensor>();
  const smoothRelu = (z: Tensor): Tensor => {
    const y = smooth(z);
    behind.set(y, z);
    return y;
  };
  const upTo = (z: Tensor, high: number): Tensor => sub(smooth(z), smooth(sub(z, high)));
  return {
    ...notingConstants(constants),
    relu: ([z]) => smoothRelu(z),
    leakyRelu: ([z], attrs) => {
      const { slope } = attrs as { slope: number };
      return add(mul(z, slope), mul(smooth(z), 1 - slope));
    },
    clamp: ([z], attrs) => {
      const { low, high } = attrs as { low: number; high: number };
      if (!isClampedRelu(attrs)) return clamp(z, low, high);
      return Number.isFinite(high) ? upTo(z, high) : smoothRelu(z);
    },
    maximum: ([a, b]) => {
      const [z, zero] = constants.get(b) === 0 ? [a, b] : [b, a];
      if (constants.get(zero) !== 0) return maximum(a, b);
      // Adding a larger zero gives the result its shape.
      return zero.rank === 0 ? smoothRelu(z) : add(smooth(z), zero);
    },
    minimum: ([a, b]) => {
      const [y, limit] = constants.has(b) ? [a, b] : [b, a];
      const [z, high] = [behind.get(y), constants.get(limit)];
      return z && high !== undefined && high > 0 && limit.size <= y.size ? upTo(z, high) : minimum(a, b);
    },
  };
}
