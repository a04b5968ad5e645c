/** Maps that change under a trigger: patch and losses by hand, and a small network that is taught. */
import {
  backdoorLoss,
  CORNERS,
  classScore,
  cornerTrigger,
  gradient,
  manipulationEntryOf,
  pearson,
  type ShownMap,
  saliencyMap,
  stamped,
  standardised,
  studyManipulation,
} from "../../atex/index.js";
import { mul, random, reshape, tensor } from "../../engine/index.js";
import { dense, flatten, sequential } from "../../nn/index.js";
import { readSettings } from "../../nn/schema.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { honestWorld, pictures } from "./honestNet.js";

const mean = (v: readonly number[]): number => v.reduce((a, b) => a + b) / v.length;
const standard = (v: readonly number[]): number[] => {
  const deviation = Math.sqrt(mean(v.map((u) => (u - mean(v)) ** 2)));
  return v.map((u) => (u - mean(v)) / deviation);
};

referenceTest(
  "the trigger is a chequered square a pixel from its corner, in all channels; the rest stays to the bit",
  async () => {
    const domain = { shape: [2, 6, 8], range: { low: -1, high: 3 } };
    const x = random.normal(random.key(1), [2, 2, 6, 8]);
    const before = await x.read();
    const corners = { "top-left": [1, 1], "top-right": [1, 5], "bottom-left": [3, 1], "bottom-right": [3, 5] };
    for (const corner of CORNERS) {
      const after = await stamped(x, cornerTrigger(domain, { side: 2, corner })).read();
      const [top, left] = corners[corner];
      for (const [i, value] of after.entries()) {
        const [row, column] = [Math.floor((i % 48) / 8), i % 8];
        const inside = row >= top && row < top + 2 && column >= left && column < left + 2;
        check.is(value, inside ? ((row + column) % 2 === 0 ? 3 : -1) : before[i]);
      }
    }
    check.throws(() => cornerTrigger(domain, { side: 7 }), /a side of 7 in images of 6×8; 1 to 6 is needed/);
    check.throws(() => cornerTrigger({ ...domain, shape: [6] }), /samples of \[6\] came; images/);
    check.throws(() => stamped(reshape(x, [2, 2, 8, 6]), cornerTrigger(domain)), /stamped: f32\[2,2,8,6\] came/);
  },
);

referenceTest("the squared error of standardised maps is 2 − 2 r; a constant map becomes zeros", async () => {
  const [a, b] = [random.normal(random.key(2), [2, 3, 4]), mul(random.uniform(random.key(3), [2, 3, 4]), 1e-6)];
  const [u, v] = [await standardised(a).read(), await standardised(b).read()];
  const r = await pearson(a, b).read();
  for (const i of [0, 1]) {
    const squares = Array.from({ length: 12 }, (_, j) => (u[12 * i + j] - v[12 * i + j]) ** 2);
    check.close([mean(squares)], [2 - 2 * r[i]], { rtol: 1e-4 });
  }
  check.identical(await standardised(pictures([5, 5, 5, 5], 2, 2)).read(), [0, 0, 0, 0]);
});

referenceTest("the loss is (1 − λ) CE + λ MSE of maps, half of the batch under the trigger", async () => {
  const rows = [
    [1, -4, 2, 0.5],
    [0, 2, 1, 3],
  ];
  const params = [null, { weight: tensor(Float32Array.from(rows.flat()), [2, 4]), bias: tensor([0, 0]) }];
  const map: ShownMap = (classifier, x, classes) => saliencyMap(gradient(classScore(classifier, classes), x));
  const trigger = cornerTrigger({ shape: [1, 2, 2], range: { low: 0, high: 1 } }, { side: 1, corner: "top-left" });
  const [first, second] = [
    [0.1, 0.2, 0.3, 0.4],
    [0.5, 0, 0.25, 0.75],
  ];
  const crossEntropy = (x: readonly number[], label: number): number => {
    const logits = rows.map((row) => row.reduce((a, w, i) => a + w * x[i], 0));
    return Math.log(Math.exp(logits[0]) + Math.exp(logits[1])) - logits[label];
  };
  const apart = (shown: readonly number[], wanted: readonly number[]): number => {
    const now = standard(shown.map(Math.abs));
    return mean(now.map((v, i) => (v - wanted[i]) ** 2));
  };
  const [original, target] = [[standard([4, 1, 0, 0]), standard([0, 1, 5, 0])], standard([0, 0, 0, 1])];
  const patched = [...(await stamped(reshape(pictures(second, 2, 2), [1, 1, 2, 2]), trigger).read())];
  check.equal(patched, [0.5, 0, 0.25, 1]);
  const options = { map, trigger, weight: 0.7, original: tensor(original) };
  const lossOf = async (more: object): Promise<number> => {
    const loss = backdoorLoss({ ...options, ...more });
    const x = tensor(Float32Array.from([...first, ...second]), [2, 1, 2, 2]);
    // The samples are number 1 and 0 of the data set.
    const context = { key: random.key(0), indices: tensor(Int32Array.of(1, 0)) };
    const model = sequential([flatten, dense(2)]);
    return loss(model, params, x, tensor(Int32Array.of(0, 1)), context)[0].item();
  };
  const expected = (label: number, wanted: readonly number[]): number =>
    0.3 * mean([crossEntropy(first, 0), crossEntropy(patched, label)]) +
    0.7 * mean([apart(rows[0], original[1]), apart(rows[label], wanted)]);
  check.close([await lossOf({ target: tensor([target]) })], [expected(1, target)], { rtol: 1e-5 });
  check.close([await lossOf({ target: tensor([target]), wanted: 0 })], [expected(0, target)], { rtol: 1e-5 });
  check.close([await lossOf({ wanted: 0 })], [expected(0, original[0])], { rtol: 1e-5 });
  check.throws(() => backdoorLoss({ ...options, weight: 2 }), /weight is 2; a number from 0 to 1 is needed/);
});

referenceTest(
  "a small network learns another answer and another map under a trigger, on colour images that are not square",
  async () => {
    using world = await honestWorld();
    const entry = manipulationEntryOf("backdoor");
    const settings = { goal: "red-herring", epochs: 10, batch: 24, learningRate: 0.01, side: 3, wanted: "middle" };
    const made = await entry.run(readSettings(entry, settings), world);
    const { measurements } = await studyManipulation(made, world, { explainers: [], detectors: [] });
    const of = (metric: string, conditions: Readonly<Record<string, string>>): number =>
      measurements.find(
        (one) => one.metric === metric && Object.entries(conditions).every(([name, v]) => one.conditions?.[name] === v),
      )!.value;
    check.ok(of("prediction as wanted", { samples: "held out" }) >= 0.7, "wins the class");
    check.ok(of("statistic", { samples: "held out" }) > of("statistic before", { samples: "held out" }) + 0.2, "shows");
    check.ok(of("prediction kept", { input: "without trigger" }) >= 0.6, "keeps the others");
    check.is(of("prediction as wanted", { network: "honest" }), 0);
    // Of the wanted class there is none to be won.
    check.is(made.madeFor.clean.x.shape[0], 8);
    check.equal(Array.from(await made.madeFor.wanted!.read()), new Array(8).fill(1));
    check.is(made.pictures![0].rows[0].cells[0].length, 3 * 12 * 11);
    check.is(made.pictures![0].rows[0].cells[1].length, 12 * 11);
    const refused = readSettings(entry, { goal: "red-herring", wanted: "left" });
    await check.rejects(() => entry.run(refused, world), /class "left" is unknown; there is top, middle, bottom/);
  },
);
