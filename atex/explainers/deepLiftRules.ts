/**
 * DeepLIFT's multipliers, step by step: what a step gives each input for what came back to its output, such that the sum over
 * inputs of multiplier · difference from the reference is that of the output. Steps come in pairs, as they ran on x and as they
 * ran on the reference.
 */

import {
  add,
  ceil,
  customVjp,
  describe,
  div,
  equal,
  floor,
  greater,
  greaterEqual,
  less,
  lessEqual,
  logSoftmax,
  mul,
  neg,
  notEqual,
  poolIndices,
  reshape,
  round,
  type Step,
  type Substitutes,
  sign,
  step,
  sub,
  sum,
  type Tensor,
  where,
} from "../../engine/index.js";
import { RefusalError } from "../refusal.js";
import { expSecant, jumpSecant, kinkSecant, logSumExpShares, secant } from "./secants.js";

/** A step on x and the same step on the reference. */
export interface StepPair {
  readonly at: Step;
  readonly ref: Step;
}
type Parts = readonly (Tensor | null)[];
type PairRule = (g: Tensor, pair: StepPair, choices: Choices) => Parts;

const mean = (a: Tensor, b: Tensor): Tensor => mul(add(a, b), 0.5);

/** Which tensor the windows of max pooling were chosen by, by the tensor of positions. */
export type Choices = WeakMap<Tensor, Tensor>;

/** Piecewise constant functions: they have no gradient, and yet their values differ. */
const UNARY_JUMPS = { sign, step, floor, ceil, round } as const;
const COMPARISONS = { equal, notEqual, less, lessEqual, greater, greaterEqual } as const;

/** Ops as DeepLIFT has to see them: those that jump are recorded although they have no gradient, and max pooling leaves a note of
 *  what it looked at. */
export function visibleJumps(choices: Choices): Substitutes {
  const visible = ([name, call]: [string, (...xs: [Tensor, Tensor]) => Tensor]): [string, Substitutes[string]] => {
    const op = (...xs: Tensor[]): Tensor => call(...(xs as [Tensor, Tensor]));
    const recorded = customVjp(op, (_, { inputs }) => inputs.map(() => null), name);
    return [name, (inputs) => (inputs.every((x) => x.dtype === "f32") ? recorded : op)(...inputs)];
  };
  return {
    ...Object.fromEntries(Object.entries({ ...UNARY_JUMPS, ...COMPARISONS }).map(visible)),
    poolIndices([x], attrs) {
      const { window, stride, padding } = attrs as { window: Pair; stride: Pair; padding: readonly number[] };
      const [top, bottom, left, right] = padding;
      const chosen = poolIndices(x, {
        size: window,
        stride,
        padding: [
          [top, bottom],
          [left, right],
        ],
      });
      choices.set(chosen, x);
      return chosen;
    },
  };
}
type Pair = readonly [number, number];

/** The rescale rule (Shrikumar et al. 2017, sec. 3.2 and 3.5) for any step, exact where it gives an answer.
 *  @throws RefusalError naming the step for which there is none. */
export function rescale(g: Tensor, pair: StepPair, choices: Choices): Parts {
  const { at, ref } = pair;
  refuseHeld(pair, choices);
  const special = RULES[at.op];
  if (special) return special(g, pair, choices);
  if (at.routes) return at.vjp(g);
  const moving = at.depends.flatMap((d, i) => (d ? [i] : []));
  if (moving.every((i) => at.linearIn.includes(i))) {
    if (moving.length === 1) return at.vjp(g);
    // Δ(a b) = Δa (b + b₀)/2 + (a + a₀)/2 Δb
    if (moving.length === 2)
      return at.vjp(
        g,
        at.inputs.map((x, i) => (at.depends[i] ? mean(x, ref.inputs[i]) : x)),
      );
  }
  if (at.pointwise && moving.length === 1) {
    const [i] = moving;
    return at.inputs.map((x, j) => (j === i ? mul(g, secant(at, x, ref.inputs[i])) : null));
  }
  throw new RefusalError(
    `deepLift: there is no rule for ${placeOf(at)} of ${moving.map((i) => describe(at.inputs[i])).join(" and ")}; compose it of other ops`,
  );
}

/** "relu" or "relu at block1". */
export function placeOf({ op, label }: Step): string {
  return label === "" ? op : `${op} at ${label}`;
}

/** What changes with x and is not followed would be missing from the sum. Positions of max pooling are part of its rule. */
function refuseHeld({ at }: StepPair, choices: Choices): void {
  const held = at.varies.findIndex((varies, i) => varies && !at.depends[i]);
  if (held < 0 || (at.op === "gatherPool" && held === 1 && choices.get(at.inputs[1]) === at.inputs[0])) return;
  throw new RefusalError(
    `deepLift: ${placeOf(at)} uses ${describe(at.inputs[held])}, which changes with x by a way that has no multiplier ` +
      "(sorting, the position of the largest, stopGradient); take that out of the score",
  );
}

const ordinary: PairRule = (g, { at }) => at.vjp(g);

/** A function of a − b that jumps. */
const comparison: PairRule = (g, { at, ref }) => {
  const run = sub(sub(...two(at)), sub(...two(ref)));
  const part = mul(g, jumpSecant(sub(at.output, ref.output), run));
  return kept(at, [() => part, () => neg(part)]);
};
const jump: PairRule = (g, { at, ref }) => [
  mul(g, jumpSecant(sub(at.output, ref.output), sub(at.inputs[0], ref.inputs[0]))),
];

/** max(a, b) = b + relu(a − b), and min(a, b) = a − relu(a − b). */
const pairExtreme =
  (largest: boolean): PairRule =>
  (g, { at, ref }) => {
    const share = kinkSecant(sub(...two(at)), sub(...two(ref)));
    const parts = [() => mul(g, share), () => mul(g, sub(1, share))];
    return kept(at, largest ? parts : parts.reverse());
  };

/** The difference of the extremes goes to the element that is the extreme on the side that wins: there it is at most the
 *  element's own difference. */
const reduction =
  (largest: boolean): PairRule =>
  (g, { at, ref }) => {
    const [[x], [x0]] = [at.inputs, ref.inputs];
    const { axes } = at.attrs as { axes: readonly number[] };
    const shape = x.shape.map((side, i) => (axes.includes(i) ? 1 : side));
    const [y, y0, above] = [at.output, ref.output, g].map((t) => reshape(t, shape));
    const chosen = (input: Tensor, extreme: Tensor): Tensor => {
      const attained = equal(input, extreme);
      return div(attained, sum(attained, axes, { keepDims: true }));
    };
    const [share, share0] = [chosen(x, y), chosen(x0, y0)];
    const wins = largest ? greaterEqual(y, y0) : lessEqual(y, y0);
    const landing = where(wins, share, share0);
    const both = mul(notEqual(share, 0), notEqual(share0, 0));
    const apart = jumpSecant(mul(sub(y, y0), landing), sub(x, x0));
    return [mul(above, where(both, landing, apart))];
  };

/** Max pooling: as `reduction`, window by window. */
const pooling: PairRule = (g, { at, ref }) => {
  const same = equal(at.inputs[1], ref.inputs[1]);
  const rise = mul(mul(g, sub(1, same)), sub(at.output, ref.output));
  const wins = greater(at.output, ref.output);
  const landed = add(at.vjp(where(wins, rise, 0))[0]!, ref.vjp(where(wins, 0, rise))[0]!);
  const apart = jumpSecant(landed, sub(at.inputs[0], ref.inputs[0]));
  return [add(at.vjp(mul(g, same))[0]!, apart), null];
};

const division: PairRule = (g, { at, ref }) => {
  const [[a, b], [a0, b0]] = [two(at), two(ref)];
  const over = mul(b, b0);
  return kept(at, [
    // (1/b + 1/b₀)/2, and Δ(1/b) = −Δb / (b b₀)
    () => (at.depends[1] ? mul(g, div(mean(b, b0), over)) : div(g, b)),
    () => neg(mul(g, div(mean(a, a0), over))),
  ]);
};

/** y = b + s (a − b), s 0 or 1. */
const choice: PairRule = (g, pair) => {
  const { at, ref } = pair;
  if (!at.depends[0]) return at.vjp(g);
  const [[mask, a, b], [mask0, a0, b0]] = [at.inputs, ref.inputs];
  const [s, s0] = [notEqual(mask, 0), notEqual(mask0, 0)];
  const share = mean(s, s0);
  const turned = notEqual(s, s0);
  const turn = jumpSecant(sub(s, s0), sub(mask, mask0));
  return kept(at, [
    // The side not chosen may be anything.
    () => where(turned, mul(mul(g, sub(mean(a, a0), mean(b, b0))), turn), 0),
    () => where(share, mul(g, share), 0),
    () => where(less(share, 1), mul(g, sub(1, share)), 0),
  ]);
};

/** log y = x − log Σ exp(x). */
const logSoftmaxRule: PairRule = (g, { at, ref }) => {
  const { axis } = at.attrs as { axis: number };
  const shares = logSumExpShares(at.inputs[0], ref.inputs[0], axis);
  return [sub(g, mul(shares, sum(g, axis, { keepDims: true })))];
};

/** y = exp(log y). */
const softmaxRule: PairRule = (g, pair, choices) => {
  const { axis } = pair.at.attrs as { axis: number };
  const logs = [pair.at, pair.ref].map(({ inputs: [x] }) => logSoftmax(x, axis));
  return logSoftmaxRule(mul(g, expSecant(logs[0], logs[1])), pair, choices);
};

const RULES: Readonly<Record<string, PairRule>> = {
  add: ordinary,
  sub: ordinary,
  div: division,
  where: choice,
  maximum: pairExtreme(true),
  minimum: pairExtreme(false),
  max: reduction(true),
  min: reduction(false),
  gatherPool: pooling,
  softmax: softmaxRule,
  logSoftmax: logSoftmaxRule,
  ...Object.fromEntries(Object.keys(UNARY_JUMPS).map((name) => [name, jump])),
  ...Object.fromEntries(Object.keys(COMPARISONS).map((name) => [name, comparison])),
};

function two({ inputs }: Step): [Tensor, Tensor] {
  return [inputs[0], inputs[1]];
}

/** Parts of the inputs that depend on x. */
function kept(at: Step, parts: readonly (() => Tensor)[]): Parts {
  return parts.map((part, i) => (at.depends[i] ? part() : null));
}
