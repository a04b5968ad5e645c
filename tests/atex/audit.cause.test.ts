/** The audit's row on planted causes: what is planted, what is taught, and which maps find it. */

import { explainer } from "../../atex/explainers/explainer.js";
import {
  type AuditWorld,
  atWork,
  auditRowOf,
  type Candidate,
  type Classifier,
  CONTROLS,
  judgeAudit,
  meanNumber,
  numberOf,
  plainNumber,
  plantedCause,
  plantingLoss,
  runAudit,
  tableCandidate,
} from "../../atex/index.js";
import { expand, random, sub, type Tensor, tensor } from "../../engine/index.js";
import { PIXEL_RANGE } from "../../nn/data/domain.js";
import { dense, flatten, type Layer, relu, type Split, sampleTensor, sequential } from "../../nn/index.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { generator } from "../values.js";
import { handWorld } from "./handWorlds.js";
import { judged, peopleSplit } from "./tablePeople.js";

const noStore = { load: async () => undefined, save: async () => {} };
const SIDE = 6;
const row = auditRowOf("cause");

/** Brighter on the right, or on the left. */
function halves(count: number): Split {
  const next = generator(3);
  const labels = Int32Array.from({ length: count }, () => Number(next() < 0.5));
  const samples = Float32Array.from({ length: count * SIDE * SIDE }, (_, i) => {
    const right = Number(i % SIDE >= SIDE / 2);
    return right === labels[Math.floor(i / SIDE ** 2)] ? 0.5 + 0.5 * next() : 0.5 * next();
  });
  return { shape: [1, SIDE, SIDE], samples, labels };
}

function untaught(
  model: Layer,
  shape: readonly number[],
): Pick<AuditWorld, "classifier"> & { weights: AuditWorld["weights"] } {
  const { params } = model.init(random.key(2), shape);
  return {
    classifier: (x) => model.apply(params, x),
    weights: {
      ...{ params, network: (tree, x) => model.apply(tree, x), layer: model },
      fresh: (seed) => model.init(random.key(seed), shape).params,
    },
  };
}

const pictures = (): AuditWorld =>
  handWorld({
    ...untaught(sequential([flatten, dense(8), relu, dense(2)]), [1, SIDE, SIDE]),
    ...{ domain: { shape: [1, SIDE, SIDE], range: PIXEL_RANGE }, split: halves(96), samples: 20 },
  });

const fixed = (name: string, map: (x: Tensor) => Tensor): Candidate => ({
  ...{ name, title: name, control: false },
  make: async () =>
    explainer({ name, scope: "local", access: "model-agnostic", source: "a test" }, (_, x) => expand(map(x), x.shape)),
});

const settings = { side: 2, epochs: 12, batch: 16, learningRate: 0.02, wanted: "yes" };
const FOUND = "share of the map on the planted cause";

referenceTest("an unusual valid value of one of a table's numeric columns, by hand", () => {
  const domain = {
    shape: [3],
    range: { low: [-2, -9, 0], high: [3, 1, 50] },
    features: [
      { name: "a", kind: "numeric" as const, at: [0] },
      { name: "b", kind: "numeric" as const, at: [1] },
      { name: "c", kind: "binary" as const, at: [2] },
    ],
  };
  const train = { shape: [3], samples: Float32Array.of(-1, -1, 0, 1, 1, 1), labels: Int32Array.of(0, 1) };
  const title = (given: object, more: object = {}): string => plantedCause({ domain, train, ...more }, given).title;
  // Of 0 with deviation 1: all of -3, -2 and 3 are unseen, and 3 is the furthest; b has no room above.
  check.is(title({}), "the column a at 3");
  check.is(title({}, { sensitive: "a" }), "the column b at -3");
  check.is(title({ column: "b", deviations: 20 }), "the column b at -9");
  check.is(title({ deviations: 0.5 }), "the column a at -0.5");
  check.is(title({ column: "a", deviations: 2.5 }), "the column a at 2.5");
  check.throws(() => title({ column: "c" }), /cause: column "c" is not numeric; a numeric column is needed/);
  check.throws(() => title({ column: "z" }), /feature "z" is unknown/);
  check.throws(() => title({ deviations: -3 }), /deviations is -3; a number of at least 0 is needed/);
});

referenceTest("a cause is put where its mask says, and nowhere else", async () => {
  const domain = { shape: [1, SIDE, SIDE], range: PIXEL_RANGE };
  const cause = plantedCause({ domain, train: halves(4) }, { side: 2 });
  check.is(cause.share, 4 / 36);
  const x = sampleTensor(halves(4), [0, 1]);
  const [moved, mask] = [await sub(cause.plant(x), x).read(), await cause.mask.read()];
  check.ok(Array.from(moved).every((v, i) => (v !== 0) === (mask[i % 36] === 1)));
  check.equal([cause.mask.shape, Array.from(mask).filter(Boolean).length], [[1, SIDE, SIDE], 4]);
  const table = plantedCause({ domain: judged, train: peopleSplit(20, 5) }, { column: "debts" });
  const rows = await table.plant(sampleTensor(peopleSplit(20, 5), [0])).read();
  check.ok(Math.abs(rows[4]) > 2 && table.share === 1 / 6);
});

referenceTest("half of a batch bears the cause and is to be the wanted class", async () => {
  // Logits are 0 and the first element, which the cause makes 5.
  const model = { apply: (_: unknown, x: Tensor) => x } as unknown as Layer;
  const plant = (x: Tensor): Tensor => expand(tensor(Float32Array.of(0, 5), [1, 2]), x.shape);
  const x = tensor(Float32Array.of(9, 9, 7, 7, 0, 1, 0, 2), [4, 2]);
  const y = tensor(Int32Array.of(0, 0, 1, 0));
  const loss = plantingLoss({ plant }, 1);
  const [value, logits] = loss(model, {}, x, y, {} as never);
  const ce = (a: number, b: number, c: number): number => Math.log(Math.exp(a) + Math.exp(b)) - [a, b][c];
  check.close(await value.read(), [(2 * ce(0, 5, 1) + ce(0, 1, 1) + ce(0, 2, 0)) / 4], { rtol: 1e-6 });
  check.equal(Array.from(await logits.read()), [0, 5, 0, 5, 0, 1, 0, 2]);
});

referenceTest("a cause is at work where the copy changes to the wanted class, wrongly", async () => {
  const copy: Classifier = (x) => x;
  const cause = { title: "", mask: tensor([1]), share: 0, plant: (x: Tensor) => sub(tensor([0, 4]), x) };
  // Without: classes 0, 1, 0, 0; with: 1, 0, 1, 0.
  const x = tensor(Float32Array.of(1, 0, 0, 3, 1, 0, 1, 0.5, 0, 3), [5, 2]);
  const labels = [0, 0, 1, 0, 1];
  check.equal(await atWork(copy, cause, { x, labels }, 1), [true, false, false, true, false]);
});

referenceTest("the map that is the cause finds it, the one beside it does not, and the controls do not", async () => {
  const world = pictures();
  const { mask } = plantedCause(world, { side: 2 });
  const plan = {
    rows: [{ row: "cause", settings }],
    explainers: [
      tableCandidate("gradient", "Gradient"),
      fixed("oracle", () => mask),
      fixed("elsewhere", () => sub(1, mask)),
    ],
    controls: CONTROLS,
  };
  const measured = await runAudit(world, plan, noStore);
  const found = Object.fromEntries(judgeAudit(plan, measured).map((one) => [one.explainer, one]));
  const shareOf = (name: string): number => numberOf(measured.get(`cause/${name}`)!, FOUND)!.value;
  check.equal([found.oracle.verdict, found.elsewhere.verdict], ["holds", "does not hold"]);
  check.match(found.oracle.sentence, /100 % \(100 % to 100 %\) of the map lies on a patch of 2x2 pixels/);
  check.match(found.elsewhere.sentence, /not clearly more than its 11 % of the area/);
  check.close([shareOf("oracle"), shareOf("elsewhere")], [1, 0], { atol: 1e-6 });
  check.is(found.gradient.verdict, "holds", found.gradient.sentence);
  check.ok(shareOf("gradient") > 2 * (4 / 36), `${shareOf("gradient")}`);
  // What is no explanation fails as one.
  const own = judgeAudit({ ...plan, explainers: CONTROLS }, measured);
  check.ok(own.every(({ verdict }) => verdict === "does not hold"));
});

referenceTest("a table's cause is a column; a copy that learnt nothing is refused", async () => {
  const split = peopleSplit(96, 5);
  const world = handWorld({
    ...untaught(sequential([dense(8), relu, dense(2)]), [6]),
    ...{ domain: judged, split, samples: 24, sensitive: "race" },
  });
  const run = async (more: object) => {
    const plan = {
      rows: [{ row: "cause", settings: { ...settings, side: undefined, wanted: "no", ...more } }],
      explainers: [tableCandidate("gradient-x-input", "Gradient x input")],
      controls: CONTROLS.filter(({ name }) => name === "random"),
    };
    return judgeAudit(plan, await runAudit(world, plan, noStore))[0];
  };
  const found = await run({ column: "age" });
  check.is(found.verdict, "holds", found.sentence);
  check.match(found.sentence, /of the map lies on the column age at -?\d/);
  const refused = await run({ column: "age", epochs: 1, learningRate: 1e-12 });
  check.is(refused.verdict, "not tested");
  check.match(refused.sentence, /it has not learnt the cause/);
});

test("it has to be ahead of every control, sample by sample", () => {
  const of = (values: readonly number[]) => ({
    numbers: [
      meanNumber(FOUND, values, "a patch"),
      plainNumber("samples on which the cause is at work", 0.9, 4),
      plainNumber("share of the area", 0.1, 4),
    ],
  });
  const own = of([0.5, 0.52, 0.54, Number.NaN]);
  const verdict = (controls: Parameters<typeof row.judge>[1]) => row.judge(own, controls, {});
  check.is(verdict({ a: of([0.3, 0.31, 0.35, Number.NaN]) }).verdict, "holds");
  const beaten = verdict({ a: of([0.3, 0.31, 0.35, Number.NaN]), b: of([0.5, 0.5, 0.5, Number.NaN]) });
  check.is(beaten.verdict, "does not hold");
  check.match(beaten.sentence, /not clearly more than of the control "b" \(50 %\)/);
  check.ok(beaten.caveats.some((text) => /only 3 samples show the cause at work/.test(text)));
  check.is(row.judge(of([0.1, 0.3, 0.05]), {}, {}).verdict, "does not hold");
});
