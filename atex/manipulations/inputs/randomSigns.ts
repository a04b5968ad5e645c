/** The control of attacks on explanations: as much change, without an aim. */

import {
  add,
  argmax,
  capture,
  equal,
  greater,
  mul,
  random,
  reshape,
  scope,
  sign,
  type Tensor,
  where,
} from "../../../engine/index.js";
import { aNumber, anObject, aTensor, required } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../../engine/options.js";
import { aRange } from "../../../nn/kinds.js";
import type { AttackResult, AttackTarget, ExplanationAttackOptions } from "../../attacks/explanation.js";
import { anObjective } from "../../attacks/kinds.js";
import { aBall, anExplainer } from "../../kinds.js";
import { classScore } from "../../score.js";
import { intoNeighbourhood } from "../../subject.js";
import type { InputReach } from "./reach.js";

/** How large a random change may be, how often it is drawn, and by what it is judged. */
export interface RandomSignOptions extends Pick<ExplanationAttackOptions, "explainer" | "objective" | "range"> {
  /** Each element moves by its `most`, up or down, and not out of the ball; `reachOf` gives both. */
  readonly reach: Pick<InputReach, "ball" | "most">;
  /** Draws, at least 1; the best one of each sample that keeps its prediction counts. */
  readonly draws: number;
}

const RANDOM_SIGN_OPTIONS: KindsOf<RandomSignOptions> = {
  reach: required(anObject("an object", { ball: aBall, most: aTensor })),
  draws: required(aNumber),
  explainer: required(anExplainer),
  range: aRange,
  objective: required(anObjective),
};

interface Carried {
  images: Tensor;
  value: Tensor;
}

/** x ± reach with random signs, judged like the iterates of an attack: the best of several draws is kept, so that it has as many tries
 *  as an attack has steps. Source: Ghorbani, Abid, Zou 2019, sec. 2 ("random sign perturbation").
 *  @throws RangeError for fewer than one draw, TypeError without a key. */
export function randomSignNoise(options: RandomSignOptions): (target: AttackTarget) => AttackResult {
  checkedOptions("randomSignNoise", options, RANDOM_SIGN_OPTIONS);
  const { explainer, objective, range, reach, draws } = options;
  if (!Number.isInteger(draws) || draws < 1)
    throw new RangeError(`randomSignNoise: ${draws} draws given; at least 1 is needed`);
  return ({ classifier, x, key }) => {
    if (!key) throw new TypeError("randomSignNoise: no key given; random signs need one");
    return scope(() => {
      const classes = argmax(classifier(x), 1);
      const score = classScore(classifier, classes);
      const value = objective.against(explainer(score, x));
      const valueAt = (z: Tensor): Tensor => value(explainer(score, z));
      const { ball, most } = reach;
      const draw = capture(
        function randomSigns({ images, value: best }: Carried, k: Tensor): Carried {
          const z = intoNeighbourhood({ ball, range }, add(x, mul(sign(random.normal(k, x.shape)), most)), x);
          const now = valueAt(z);
          const wins = mul(greater(now, best), equal(argmax(classifier(z), 1), classes));
          const each = reshape(wins, [x.shape[0], ...x.shape.slice(1).map(() => 1)]);
          return { images: where(each, z, images), value: where(wins, now, best) };
        },
        { donate: [0] },
      );
      const before = valueAt(x);
      let best: Carried = { images: add(x, 0), value: add(before, 0) };
      for (let i = 0; i < draws; i++) best = draw(best, random.fold(key, i));
      draw.dispose();
      // No map is differentiated.
      return { images: best.images, classes, before, after: best.value, passes: 0 };
    }, "random signs");
  };
}
