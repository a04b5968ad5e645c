/** Which words count? A network over sequences says whether there are more words 1 than words 3. One learns: `embedding`, attention over
 *  tokens, training on arrays, and an explanation of what each place of a sequence says for the decision. */
import { argmax, gather, init, random, scope, shutdown, sum, type Tensor, tensor } from "holdfast";
import { classScore, gradientTimesInput } from "holdfast/atex";
import * as nn from "holdfast/nn";

await init();
const [WORDS, LENGTH, COUNT] = [5, 6, 400];
const noise = (i: number): number => Math.abs((Math.sin(i * 12.9898) * 43758.5453) % 1);
const samples = Float32Array.from({ length: COUNT * LENGTH }, (_, i) => Math.floor(noise(i) * WORDS));
const rows = Array.from({ length: COUNT }, (_, i) => samples.subarray(i * LENGTH, (i + 1) * LENGTH));
const count = (row: Float32Array, word: number): number => row.filter((w) => w === word).length;
const labels = rows.map((row) => Number(count(row, 1) > count(row, 3)));
const data = nn.fromArrays({ shape: [LENGTH], classes: ["no", "yes"], train: { samples, labels }, testShare: 0.1 });

const rest = nn.sequential([nn.positions, nn.residual(nn.attention(2)), nn.averageTokens, nn.dense(2)]);
const model = nn.sequential([nn.embedding(WORDS, 8), rest]);
const optimiser = nn.adam({ lr: 0.01 });
const start = nn.initialState(
  scope(() => model.init(random.key(0), [LENGTH]).params),
  optimiser,
);
const trained = await nn.train(model, start, nn.residentData(data.train), { optimiser, epochs: 12, batchSize: 40 });
console.log("accuracy", await nn.evaluate(model, trained.params, nn.residentData(data.test)));

// No gradient flows to a word, which is a number; it flows to its vector.
const words = tensor(Int32Array.of(0, 1, 1, 3, 2, 0), [1, LENGTH]);
const vectors = gather(trained.params[0].weight, words); // [1, 6, 8]
const classifier = (v: Tensor): Tensor => rest.apply(trained.params[1], v);
const decided = argmax(classifier(vectors), 1);
const relevance = sum(gradientTimesInput(classScore(classifier, decided), vectors), 2);
console.log(
  "decided",
  data.classes[await decided.item()],
  "by places",
  ...[...(await relevance.read())].map((v) => v.toFixed(2)),
);
shutdown();
