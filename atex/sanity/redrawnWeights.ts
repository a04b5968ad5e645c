/** Randomised weights for any function made of ops, whether or not it is a model with parameters. */

import {
  inspect,
  mean,
  mul,
  random,
  type Substitutes,
  scope,
  sqrt,
  square,
  type Tensor,
  withOps,
} from "../../engine/index.js";
import { aKey, aTensor } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { aClassifier } from "../kinds.js";
import { RefusalError } from "../refusal.js";
import type { Classifier } from "../score.js";

/** Ops with weights. */
const WEIGHTED = ["matmul", "conv2d", "conv2dInput"] as const;

/** The same function with each weight operand drawn anew: of every matrix product and convolution between its argument and its result, the
 *  operand that does not change with the argument, from a normal distribution of mean 0 with the mean square of the weights. (The weights in
 *  another order would keep their mean, which in trained networks with relu is often negative, and nothing would pass.) Biases and scales stay
 *  as they are. The same key gives the same network at every call. Undefined for a function without such an op. `sample` [1, ...] is what the
 *  function is tried on; it has to run the same ops for every batch. Source: Adebayo et al. 2018, sec. 3 (randomised weights). */
export function redrawnWeights(classifier: Classifier, sample: Tensor, key: Tensor): Classifier | undefined {
  requireArguments("redrawnWeights", {
    classifier: [classifier, aClassifier],
    sample: [sample, aTensor],
    key: [key, aKey],
  });
  const operands = weightOperands(classifier, sample);
  if (operands.every((at) => at === undefined)) return undefined;
  return (x) => {
    let call = 0;
    const result = withWeightedOps((inputs, run) => {
      const number = call++;
      const at = operands[number];
      if (at === undefined) return run(inputs);
      return run(inputs.map((t, i) => (i === at ? drawn(t, random.fold(key, number)) : t)));
    }, classifier)(x);
    if (call !== operands.length)
      throw new RefusalError(
        `redrawnWeights: the function ran ${call} matrix products and convolutions, and ${operands.length} on the sample it was tried on; it has to run the same each time`,
      );
    return result;
  };
}

/** Which operand of each op with weights, in the order in which they run, is the weights; undefined where none is. */
function weightOperands(classifier: Classifier, sample: Tensor): (number | undefined)[] {
  return scope(() => {
    const outputs: Tensor[] = [];
    const noted = withWeightedOps((inputs, run) => {
      const y = run(inputs);
      outputs.push(y);
      return y;
    }, classifier);
    return inspect(noted, sample, ({ steps }) => {
      const found = new Map(steps.map(({ output, varies }) => [output, varies]));
      return outputs.map((y) => {
        const varies = found.get(y);
        const at = varies?.indexOf(false) ?? -1;
        return at < 0 ? undefined : at;
      });
    });
  });
}

type Stand = (inputs: readonly Tensor[], run: (inputs: readonly Tensor[]) => Tensor) => Tensor;

function withWeightedOps(stand: Stand, classifier: Classifier): Classifier {
  const table: Substitutes = Object.fromEntries(
    WEIGHTED.map((op) => [
      op,
      (inputs: readonly Tensor[], _: unknown, run: (i: readonly Tensor[]) => Tensor) => stand(inputs, run),
    ]),
  );
  return (x) => withOps(table, () => classifier(x));
}

function drawn(weights: Tensor, key: Tensor): Tensor {
  return mul(random.normal(key, weights.shape), sqrt(mean(square(weights))));
}
