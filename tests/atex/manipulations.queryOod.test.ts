/** The test of an explainer's queries: anomalies worked out by hand, and scaffolds that it notices. */
import {
  auroc,
  conditionalAnomaly,
  detectorEntryOf,
  ruleClassifier,
  ruleOf,
  type Score,
  scaffolded,
  unsummarised,
} from "../../atex/index.js";
import { add, argmax, cos, mul, reshape, slice } from "../../engine/index.js";
import { sampleTensor } from "../../nn/index.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { peopleWorld } from "./tablePeople.js";

const reference = { rows: [0, 1, 2, 10], answers: [1, 0, 0.5, 0.5, 0, 1, 0.2, 0.8] };

test("an answer is as anomalous as it is unlike those for the nearest rows", () => {
  // Near 0.4 are 0 and 1, whose mean answer is [0.75, 0.25]; near 9 are 10 and 2, [0.1, 0.9].
  const asked = { rows: [0.4, 9], answers: [0.25, 0.75, 0.1, 0.9] };
  check.close(conditionalAnomaly(asked, reference, { width: 1, k: 2 }), [0.5, 0], { atol: 1e-12 });
  check.close(conditionalAnomaly(asked, reference, { width: 1, k: 1 }), [0.75, 0.1], { atol: 1e-12 });
});

test("a reference row is not its own neighbour", () => {
  check.close(conditionalAnomaly(reference, reference, { width: 1, k: 1, itself: true }), [0.5, 0.5, 0.5, 0.2], {
    atol: 1e-12,
  });
  check.throws(
    () => conditionalAnomaly(reference, reference, { width: 1, k: 4, itself: true }),
    /4 neighbours among 3/,
  );
  check.throws(() => conditionalAnomaly(reference, reference, { width: 1, k: 1.5 }), /1\.5 neighbours among 4/);
});

for (const explainer of ["lime", "kernel-shap"])
  referenceTest(`a scaffold against ${explainer} looks more suspicious than the biased model in it`, async () => {
    const plain = peopleWorld();
    // What stands for missing features lies between the values that real rows have, as centres of clusters do.
    const background = add(plain.explaining.background, 0.3);
    const world = { ...plain, explainer: unsummarised({ ...plain.explaining, background }) };
    const x = sampleTensor(world.test, world.samples);
    const rule = (name: string) => ruleClassifier(ruleOf([name], world.train, world.domain, 2));
    // Years are multiples of 2/3 in real rows.
    const onGrid: Score = (rows) =>
      reshape(cos(mul(slice(rows, [0, 0], [rows.shape[0], 1]), 3 * Math.PI)), [rows.shape[0]]);
    const honest = rule("race");
    const scaffold = scaffolded(honest, rule("left-handed"), onGrid, 0.999);
    const { suspicion } = detectorEntryOf("query-ood");
    const of = (classifier: typeof honest): Promise<ArrayLike<number>> =>
      suspicion!({ classifier, x }, { world, explainer, classes: argmax(honest(x), 1) });
    const [before, after] = [Array.from(await of(honest)), Array.from(await of(scaffold))];
    check.ok(auroc(before, after) > 0.7, `AUROC ${auroc(before, after)}`);
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
    check.ok(mean(after) > mean(before) + 0.05, `${mean(after)} after ${mean(before)}`);
    check.ok([...before, ...after].every((v) => v >= -1 && v <= 1));
  });
