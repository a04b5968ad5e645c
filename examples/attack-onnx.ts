/** An explanation of an imported network under attack. One learns: a network to ONNX bytes and back, as other frameworks export them,
 *  and an attack that moves its explanation while the prediction stays. */
import { argmax, equal, init, mapTree, max, random, shutdown, type Tensor } from "holdfast";
import "holdfast/methods";
import * as atex from "holdfast/atex";
import { dense, exportOnnx, importOnnx, sequential, tanh } from "holdfast/nn";

await init();
// Stands for `readFile("net.onnx")`: the file that somebody else trained. Weights are drawn, which is enough to be attacked.
const layers = sequential([dense(24), tanh, dense(24), tanh, dense(3)]);
const params = mapTree(layers.init(random.key(5), [12]).params, (weights) => weights.mul(3));
const bytes = await exportOnnx(layers, params, [12], { metadata: { classes: '["a","b","c"]' } });

const net = await importOnnx(bytes, { logits: true });
console.log("operators", Object.keys(net.operators).join(" "), "parameters", net.parameterCount);

const x = random.uniform(random.key(6), [4, 12]);
const attack = atex.attackExplanation({
  explainer: atex.gradient,
  objective: atex.topKSuppression(3), // drain the three most important features
  ball: atex.linf(0.15),
  range: { low: 0, high: 1 },
  rule: atex.signStep(0.02),
  steps: 40,
});
const { images: attacked, classes, before, after } = attack({ classifier: net.classifier, x });

const map = (z: Tensor): Tensor => atex.saliencyMap(atex.gradient(atex.classScore(net.classifier, classes), z));
const common = atex.topKIntersection(3)(map(x), map(attacked));
console.log("largest change", await max(attacked.sub(x).abs()).item());
console.log("objective", await before.mean().item(), "->", await after.mean().item());
console.log("top 3 in common", await common.mean().item());
const same = equal(argmax(net.classifier(attacked), 1), classes);
console.log("predictions kept", await same.mean().item()); // always 1
shutdown();
