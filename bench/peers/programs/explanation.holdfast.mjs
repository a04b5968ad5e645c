import { add, init, matmul, softplus, tensor } from "holdfast";
import { attackExplanation, linf, signStep, topKSuppression } from "holdfast/attack";
import { gradient } from "holdfast/explain";
import { EPS, image, network, STEP, STEPS } from "./numbers.mjs";

/** How little of an image's most important pixels an attack on its explanation leaves; the others have nothing like it. */
export default async function run() {
  await init();
  const of = ([values, shape]) => tensor(values, shape);
  const [w1, b1, w2, b2] = network(64, 32, 10).map(of);
  const classifier = (x) => add(matmul(softplus(add(matmul(x, w1), b1)), w2), b2);
  const options = { explainer: gradient, objective: topKSuppression(8), ball: linf(EPS), rule: signStep(STEP) };
  return attackExplanation({ ...options, steps: STEPS })({ classifier, x: of(image) }).after.item();
}
