/** DeepLIFT's second rule for an activation after a linear layer. */
import {
  add,
  greater,
  less,
  minimum,
  mul,
  relu,
  type Step,
  sameShape,
  sub,
  type Tensor,
  where,
} from "../../engine/index.js";
import type { StepPair } from "./deepLiftRules.js";
import { secant } from "./secants.js";

type Parts = readonly (Tensor | null)[];

/** A linear layer whose only use is an activation, after adding constants. */
interface Linear {
  readonly pair: StepPair;
  /** The input that depends on x, and the weights. */
  readonly input: number;
  readonly weight: number;
}

/**
 * The positive part P and the negative part Q of an activation's input difference, as its linear layer adds them up, get
 * multipliers of their own: the means of the secants with and without the other part,
 * m⁺ = ½ [S(z₀, z₀+P) + S(z₀+Q, z)] and m⁻ = ½ [S(z₀, z₀+Q) + S(z₀+P, z)]. The layer's inputs get them by the sign of weight
 * times difference. Gives nothing for other steps. Source: Shrikumar et al. 2017, sec. 3.5.3; the parts are those of the layer
 * directly below, as in sec. 3.5.1, and not carried through deeper ones.
 */
export function revealCancel(pairs: ReadonlyMap<Step, StepPair>): (g: Tensor, pair: StepPair) => Parts | undefined {
  const byOutput = new Map([...pairs.values()].map((pair) => [pair.at.output, pair]));
  const waiting = new Map<Step, readonly [Tensor, Tensor]>();
  return (g, pair) => {
    const { at, ref } = pair;
    const split = waiting.get(at);
    if (split) return throughLinear(linearOf(pair)!, split);
    const linear = at.pointwise && at.inputs.length === 1 ? below(at.inputs[0], byOutput) : undefined;
    if (!linear) return undefined;
    const [[z], [z0]] = [at.inputs, ref.inputs];
    const plus = positivePart(linear);
    const [withPlus, withMinus] = [add(z0, plus), sub(z, plus)];
    const half = (a: Tensor, b: Tensor): Tensor => mul(add(a, b), 0.5);
    const gPlus = mul(g, half(secant(at, withPlus, z0), secant(at, z, withMinus)));
    const gMinus = mul(g, half(secant(at, withMinus, z0), secant(at, z, withPlus)));
    waiting.set(linear.pair.at, [gPlus, gMinus]);
    // Constants between take nothing, and the layer takes the two parts instead of this.
    return [half(gPlus, gMinus)];
  };
}

/** The linear layer that ends in z, but for constants added to it. */
function below(z: Tensor, byOutput: ReadonlyMap<Tensor, StepPair>): Linear | undefined {
  const pair = byOutput.get(z);
  if (pair?.at.uses !== 1) return undefined;
  const linear = linearOf(pair);
  if (linear) return linear;
  const { op, inputs, varies, output } = pair.at;
  const moving = inputs.filter((_, i) => varies[i]);
  if (op !== "add" || moving.length !== 1 || !sameShape(moving[0].shape, output.shape)) return undefined;
  return below(moving[0], byOutput);
}

/** A matrix product or a convolution with constant weights. */
function linearOf(pair: StepPair): Linear | undefined {
  const { inputs, linearIn, depends, varies, pointwise } = pair.at;
  if (pointwise || inputs.length !== 2 || linearIn.length !== 2) return undefined;
  const input = depends.indexOf(true);
  const weight = 1 - input;
  return varies[weight] ? undefined : { pair, input, weight };
}

/** The layer's inputs with x and its weights replaced. */
function instead({ pair: { at }, input }: Linear, x: Tensor, weights: Tensor): Tensor[] {
  return at.inputs.map((_, i) => (i === input ? x : weights));
}

/** Σ of the products weight · difference that are positive. */
function positivePart(linear: Linear): Tensor {
  const { pair, input, weight } = linear;
  const difference = sub(pair.at.inputs[input], pair.ref.inputs[input]);
  const weights = pair.at.inputs[weight];
  return add(
    pair.at.apply(instead(linear, relu(difference), relu(weights))),
    pair.at.apply(instead(linear, minimum(difference, 0), minimum(weights, 0))),
  );
}

function throughLinear(linear: Linear, [gPlus, gMinus]: readonly [Tensor, Tensor]): Parts {
  const { pair, input, weight } = linear;
  const { at, ref } = pair;
  const [x, weights] = [at.inputs[input], at.inputs[weight]];
  const back = (g: Tensor, part: Tensor): Tensor => at.vjp(g, instead(linear, x, part))[input]!;
  const [positive, negative] = [relu(weights), minimum(weights, 0)];
  const rising = add(back(gPlus, positive), back(gMinus, negative));
  const falling = add(back(gMinus, positive), back(gPlus, negative));
  const difference = sub(x, ref.inputs[input]);
  const still = mul(add(rising, falling), 0.5);
  const part = where(greater(difference, 0), rising, where(less(difference, 0), falling, still));
  return at.inputs.map((_, i) => (i === input ? part : null));
}
