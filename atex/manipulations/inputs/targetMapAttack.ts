/** An input changed until its explanation is a picture of somebody's choice, while the network's output stays. Source: Dombrowski et
 *  al. 2019, sec. 2 and appendix. */

import {
  add,
  callerScope,
  capture,
  dispose,
  grad,
  mean,
  mul,
  neg,
  ShapeError,
  scope,
  softmax,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
} from "../../../engine/index.js";
import {
  aCount,
  aNumber,
  aNumberOfAtLeast0,
  anObject,
  aTensor,
  required,
  tupleOf,
  wordOf,
} from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { cosineDecay, type FeatureRange } from "../../../nn/index.js";
import { aRange } from "../../../nn/kinds.js";
import { adamStep } from "../../attacks/rules.js";
import { smoothed, surrogateOf } from "../../attacks/surrogate.js";
import { type Explainer, saliencyMap } from "../../explainers/explainer.js";
import { anExplainer } from "../../kinds.js";
import { relativeImportance } from "../../metrics/importance.js";
import { type Classifier, classScore } from "../../score.js";
import { clipTo } from "../../subject.js";

/** How inputs are moved until their maps show a picture. Weights and sharpness are those of Dombrowski et al. 2019 unless told
 *  otherwise. */
export interface TargetMapOptions {
  readonly explainer: Explainer;
  /** Valid values, which no input leaves. There is no ball. */
  readonly range: FeatureRange;
  /** Steps of Adam, at least one for each stage. The paper takes 1500. */
  readonly iterations: number;
  /** Of Adam on the input, above 0, in units of the samples. The paper takes 2e-4. */
  readonly learningRate: number;
  /** How the rate falls over the iterations; default not at all, as in the paper. */
  readonly decay?: "none" | "cosine";
  /** Weight of the map's error where maps have 224 · 224 elements; default 1e11. Errors of maps of sum 1 fall with the square of the number
   *  of elements, which is made up for. */
  readonly mapWeight?: number;
  /** Weight of the error of the probabilities; default 1e6. */
  readonly outputWeight?: number;
  /** Sharpness of the softplus in the place of relu, first and last; default 10 and 100. */
  readonly betas?: readonly [number, number];
  /** Parts of equal length with one sharpness each, growing geometrically: at each a new step is captured; default 5. */
  readonly stages?: number;
}

const TARGET_MAP_OPTIONS: KindsOf<TargetMapOptions> = {
  explainer: required(anExplainer),
  range: required(aRange),
  iterations: required(aNumber),
  learningRate: required(aNumber),
  decay: wordOf("cosine", "none"),
  mapWeight: aNumberOfAtLeast0,
  outputWeight: aNumberOfAtLeast0,
  betas: tupleOf(aNumber, 2, "numbers"),
  stages: aCount,
};

/** Which samples are moved, and what they shall show. */
export interface TargetMapTarget {
  /** x [n,...] → logits [n,C], whose probabilities shall stay. */
  readonly classifier: Classifier;
  /** [n, ...] */
  readonly x: Tensor;
  /** Maps to be shown, [n,h,w] or [n,d]; only shares of their sum count. */
  readonly target: Tensor;
  /** Explained classes, i32 [n]. */
  readonly classes: Tensor;
  /** Told before each stage. */
  readonly say?: (text: string) => void;
}

/** Elements of the maps for which the paper states its weights. */
const PAPER_ELEMENTS = 224 * 224;

/** β of each stage, growing geometrically from the first to the last. @throws RangeError unless they are positive. */
export function growingBetas(ends: readonly [number, number], stages: number): number[] {
  requireArguments("growingBetas", { ends: [ends, tupleOf(aNumber, 2, "numbers")], stages: [stages, aCount] });
  const [first, last] = ends;
  if (!(first > 0 && last > 0))
    throw new RangeError(`growingBetas: ${first} to ${last} given; positive numbers are needed`);
  return Array.from({ length: stages }, (_, i) => first * (last / first) ** (stages === 1 ? 1 : i / (stages - 1)));
}

interface Carried {
  at: Tensor;
  memory: Tensor[];
  iteration: Tensor;
}

const TARGET_MAP_LOSS_OPTIONS: KindsOf<Pick<TargetMapOptions, "mapWeight" | "outputWeight">> = {
  mapWeight: aNumberOfAtLeast0,
  outputWeight: aNumberOfAtLeast0,
};

/** w1 · mean (h(x') − h_t)² + w2 · mean (p(x') − p(x))² per sample, maps of sum 1 and p the softmax. maps and target [n,d] of sum 1, logits
 *  and probabilities [n,C] → [n]. Source: Dombrowski et al. 2019, eq. 1. */
export function targetMapLoss(
  said: { readonly map: Tensor; readonly logits: Tensor },
  wanted: { readonly map: Tensor; readonly probabilities: Tensor },
  options: Pick<TargetMapOptions, "mapWeight" | "outputWeight"> = {},
): Tensor {
  requireArguments("targetMapLoss", {
    said: [said, anObject("an object", { map: aTensor, logits: aTensor })],
    wanted: [wanted, anObject("an object", { map: aTensor, probabilities: aTensor })],
  });
  const { map, logits } = said;
  const { mapWeight = 1e11, outputWeight = 1e6 } = checkedOptions("targetMapLoss", options, TARGET_MAP_LOSS_OPTIONS);
  const scaled = mapWeight * (map.shape[1] / PAPER_ELEMENTS) ** 2;
  const ofMap = mul(mean(square(sub(map, wanted.map)), 1), scaled);
  return add(ofMap, mul(mean(square(sub(softmax(logits), wanted.probabilities)), 1), outputWeight));
}

/** Minimises `targetMapLoss` by Adam on the input, through networks with softplus in the place of relu whose sharpness grows; the last
 *  input counts, as in the authors' code. Returns inputs [n, ...]. @throws RangeError for settings that are none, ShapeError for a target
 *  of another size. */
export function targetMapAttack(options: TargetMapOptions): (target: TargetMapTarget) => Promise<Tensor> {
  checkedOptions("targetMapAttack", options, TARGET_MAP_OPTIONS);
  const { explainer, range, iterations, learningRate, decay = "none", betas = [10, 100], stages = 5 } = options;
  const all = growingBetas(betas, stages);
  if (!Number.isInteger(iterations) || iterations < stages || !(learningRate > 0))
    throw new RangeError(
      `targetMapAttack: ${iterations} iterations, learning rate ${learningRate} given; at least one for each of ${stages} stages and a positive rate are needed`,
    );
  const rule = adamStep(decay === "cosine" ? 1 : learningRate);
  const factor = decay === "cosine" ? cosineDecay(learningRate, iterations) : undefined;
  return async ({ classifier, x, target, classes, say = () => {} }) => {
    const here = callerScope();
    const wanted = scope(() => ({
      map: relativeImportance(target),
      probabilities: softmax(classifier(x)),
    }));
    const elements = x.rank === 4 ? x.shape[2] * x.shape[3] : x.size / x.shape[0];
    if (wanted.map.shape[0] !== x.shape[0] || wanted.map.shape[1] !== elements)
      throw new ShapeError(
        `targetMapAttack: the target is [${target.shape}], x is [${x.shape}]; a map with ${elements} elements for each sample is needed`,
      );
    // A network without relu needs no other in its place, and no stages.
    const kinks = surrogateOf(classifier, x.shape.slice(1)) !== undefined;
    const networks = kinks
      ? all.map((beta) => ({ beta, network: smoothed(classifier, beta) }))
      : [{ beta: 0, network: classifier }];
    const weights = { mapWeight: options.mapWeight, outputWeight: options.outputWeight };
    let c: Carried = scope(() => ({ at: add(x, 0), memory: rule.init(x), iteration: tensor(0) }));
    for (const [i, { beta, network }] of networks.entries()) {
      say(kinks ? `softplus of sharpness ${beta.toFixed(0)}` : "the network as it is");
      const steps = share(iterations, networks.length, i);
      const score = classScore(network, classes);
      const slope = grad((z: Tensor) => {
        const map = relativeImportance(saliencyMap(explainer(score, z)));
        return sum(targetMapLoss({ map, logits: network(z) }, wanted, weights));
      });
      const step = capture(
        function targetMapStep({ at, memory, iteration }: Carried): Carried {
          const [change, next] = rule.step(neg(slope(at)), memory, iteration);
          return {
            at: clipTo(range, add(at, factor ? mul(change, factor(iteration)) : change)),
            memory: next,
            iteration: add(iteration, 1),
          };
        },
        { donate: [0] },
      );
      for (let k = 0; k < steps; k++) c = step(c);
      await here.wait(c.iteration.read());
      step.dispose();
    }
    dispose([c.memory, c.iteration, wanted.map, wanted.probabilities]);
    return c.at;
  };
}

/** Part i of `total` in `parts` nearly equal parts. */
function share(total: number, parts: number, i: number): number {
  return Math.round(((i + 1) * total) / parts) - Math.round((i * total) / parts);
}
