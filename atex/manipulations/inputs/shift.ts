/** All inputs moved by a constant that the network takes off again: it computes the same, and some explanations say something else. */

import { add, callerScope, max, mul, scope, sub, type Tensor, tensor } from "../../../engine/index.js";
import { aTensor, required } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../../engine/options.js";
import { sampleTensor, shiftedRange } from "../../../nn/index.js";
import { number, oneOf, setting, size, text } from "../../../nn/schema.js";
import { type Quantity, select } from "../../experiments/aggregate.js";
import { type Claim, reached } from "../../experiments/verdicts.js";
import { EXPLAINER_TABLE } from "../../explainers/table.js";
import { aClassifier, anExplaining, anyNumbers } from "../../kinds.js";
import { rows } from "../../metrics/metric.js";
import { absorbShift, attributionGap } from "../../sanity/invariance.js";
import type { Classifier } from "../../score.js";
import { type ExplainingOptions, explainerMaker } from "../explaining.js";
import { type ManipulationWorld, manipulationEntry, type Pair, type Side, type Statistic } from "../manipulation.js";

/** Which samples of which network are shifted, and by what. */
export interface ShiftOptions {
  readonly classifier: Classifier;
  /** [n, ...shape] */
  readonly x: Tensor;
  /** What is added to every input: the shape of a sample. */
  readonly shift: Tensor;
  /** Its numbers, flattened. */
  readonly values: readonly number[];
  /** How explainers are made for inputs as they were. */
  readonly explaining: ExplainingOptions;
}

const SHIFT_OPTIONS: KindsOf<ShiftOptions> = {
  classifier: required(aClassifier),
  x: required(aTensor),
  shift: required(aTensor),
  values: required(anyNumbers),
  explaining: required(anExplaining),
};

/** Shifted samples with the network that takes the shift off, x ↦ f(x − shift), by the bias of its first layer where it has one.
 *  Predictions are the same up to rounding. Explainers get the range and the background of shifted inputs, which is what somebody sees
 *  who was only ever given these; a baseline of zero stays zero. Source: Kindermans et al. 2019, sec. 2 and 3. */
export function shiftedSide(options: ShiftOptions): Side {
  const { classifier, x, shift, values, explaining } = checkedOptions("shiftedSide", options, SHIFT_OPTIONS);
  const { domain, background } = explaining;
  return {
    classifier: absorbShift(classifier, shift),
    x: add(x, shift),
    explainer: explainerMaker({
      ...explaining,
      domain: { ...domain, range: shiftedRange(domain.range, values) },
      background: add(background, shift),
    }),
  };
}

const options = {
  amount: setting(
    number(),
    -1,
    "added to every element of the inputs, in units of the samples; may leave their valid range",
  ),
  pattern: setting(
    oneOf("constant", "sample"),
    "constant",
    "the amount everywhere, or that many times another sample, whose picture then shows in explanations",
  ),
  explainer: setting(text, "gradient-x-input", "the one whose held-out samples are looked at as well"),
  least: setting(size, 0.1, "relative change of an explanation from which on it counts as moved"),
} as const;

const GAP = "largest relative change";

/** What all inputs are moved by, and its numbers. */
async function shiftOf(
  pattern: "constant" | "sample",
  amount: number,
  { domain: { shape }, test, samples, others }: ManipulationWorld,
): Promise<readonly [Tensor, number[]]> {
  const here = callerScope();
  if (pattern === "constant") {
    const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => amount);
    return [tensor(Float32Array.from(values), shape), values];
  }
  const chosen = others[0] ?? test.labels.findIndex((_, i) => !samples.includes(i));
  if (chosen < 0) throw new RangeError("shift: all test samples are shifted; one more is needed to shift them by");
  const values = Array.from(await here.wait(sampleTensor(test, [chosen]).read()), (v) => Math.fround(amount * v));
  return [tensor(Float32Array.from(values), shape), values];
}

const statistic = (least: number): Statistic => ({
  name: GAP,
  interval: { low: least },
  of: ({ clean, manipulated }) => scope(() => attributionGap(clean, manipulated)).read(),
});

export const shiftEntry = manipulationEntry({
  name: "input-shift",
  title: "inputs moved by a constant that the first bias takes off",
  help: "move all inputs and the first bias against each other: nothing changes but some explanations",
  words:
    "A constant is added to all inputs, and the bias of the first layer takes it off again, as if images had been stored with another black. " +
    "The network computes the same numbers. An explanation that moves has told about how inputs are encoded and not about the network. " +
    "Shifted inputs may lie outside of the range that inputs had: the shifted network's valid range is shifted as well. Explainers are told " +
    "that range and are given shifted backgrounds.",
  source: "Kindermans et al. 2019",
  changes: "inputs",
  takes: "images and tables",
  options,
  async run({ amount, pattern, explainer, least }, world) {
    const here = callerScope();
    const { classifier, explaining, test, samples, others } = world;
    const [shift, values] = await here.wait(shiftOf(pattern, amount, world));
    const pairOf = (chosen: readonly number[]): Pair => {
      const x = sampleTensor(test, chosen);
      return {
        clean: { classifier, x },
        manipulated: shiftedSide({ classifier, x, shift, values, explaining }),
      };
    };
    const madeFor = pairOf(samples);
    const moved = await here.wait(largestLogitChange(madeFor));
    return {
      ...{ explainer, madeFor, statistic: statistic(least) },
      heldOut: others.length > 0 ? pairOf(others) : undefined,
      cost: {},
      measurements: [{ metric: "largest change of a logit", value: moved, count: samples.length }],
      tensors: { shift },
    };
  },
  claims({ all }): readonly Claim[] {
    const moved = (law: boolean, metric: string): { label: string; quantity: Quantity | undefined }[] =>
      EXPLAINER_TABLE.filter(({ laws }) => laws.inputInvariance === law).flatMap(({ name }) =>
        select(all, { metric, conditions: { explainer: name, samples: "made for" } }).map((quantity) => ({
          label: name,
          quantity,
        })),
      );
    return [
      reached(
        "Explainers that compare with zero (gradient x input, integrated gradients from black, LRP, DeepLIFT) move with a shift that the network does not see, in nearly all samples (Kindermans et al. 2019, sec. 3)",
        moved(false, "fooled"),
        { least: 0.9 },
      ),
      reached(
        "The gradient, and what is made of it without a reference of its own, does not move (Kindermans et al. 2019, sec. 3.1 and 3.2)",
        moved(true, "statistic"),
        { most: 0.01 },
      ),
    ];
  },
});

/** Between the two sides, over all samples and classes: what rounding leaves. */
async function largestLogitChange({ clean, manipulated }: Pair): Promise<number> {
  const change = scope(() => {
    const apart = sub(manipulated.classifier(manipulated.x), clean.classifier(clean.x));
    return max(rows(mul(apart, apart)));
  });
  return Math.sqrt((await change.read())[0]);
}
