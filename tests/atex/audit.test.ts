/** Audits: numbers, controls, the first rows, cells that are kept, and judgements from numbers alone. */
import {
  type AuditMeasurement,
  type AuditNumber,
  type AuditWorld,
  auditCells,
  auditRowOf,
  boundedNumber,
  CONTROLS,
  edgeMap,
  explainerMaker,
  judgeAudit,
  meanNumber,
  pairedDifference,
  runAudit,
  shareNumber,
  tableCandidate,
} from "../../atex/index.js";
import { argmax, random, sum, type Tensor, tensor } from "../../engine/index.js";
import { PIXEL_RANGE } from "../../nn/data/domain.js";
import { type Split, sampleTensor } from "../../nn/index.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { model, SIDE } from "./smallNet.js";

/** Images of noise, labelled by the network itself but for every fifth. */
async function world(): Promise<AuditWorld> {
  const count = 20;
  const { params } = model.init(random.key(3), [1, SIDE, SIDE]);
  const classifier = (x: Parameters<typeof model.apply>[1]) => model.apply(params, x);
  const samples = Float32Array.from(await random.uniform(random.key(4), [count * SIDE * SIDE]).read());
  const unlabelled: Split = { shape: [1, SIDE, SIDE], samples, labels: new Uint8Array(count) };
  const predicted = await argmax(classifier(sampleTensor(unlabelled, [...Array(count).keys()])), 1).read();
  const labels = Uint8Array.from(predicted, (c, i) => (i % 5 === 0 ? (c + 1) % 4 : c));
  const split = { ...unlabelled, labels };
  const domain = { shape: [1, SIDE, SIDE], range: PIXEL_RANGE };
  const explaining = { domain, background: sampleTensor(split, [0, 1, 2]), seed: 0 };
  return {
    ...{
      classifier,
      domain,
      classes: ["a", "b", "c", "d"],
      test: split,
      train: split,
      samples: [0, 1, 2, 3, 4, 5],
      explaining,
    },
    weights: {
      ...{ params, network: (tree, x) => model.apply(tree, x), layer: model },
      fresh: (seed) => model.init(random.key(seed + 100), [1, SIDE, SIDE]).params,
    },
    ...{ about: {}, explainer: explainerMaker(explaining), seed: 0, say: () => {} },
  };
}

const noStore = { load: async () => undefined, save: async () => {} };
const gradientOnly = [tableCandidate("gradient", "Gradient")];

test("numbers carry their interval, leave out what is not finite, and are compared sample by sample", () => {
  const number = meanNumber("x", [1, 2, 3, Number.NaN]);
  check.equal([number.value, number.n], [2, 3]);
  check.close([number.high - 2], [4.302652729749462 / Math.sqrt(3)], { rtol: 1e-9 });
  check.ok(Number.isNaN(meanNumber("x", []).value));
  const share = shareNumber("s", [true, true, false, false]);
  check.close([share.value, share.low, share.high], [0.5, 0.1500395, 0.8499605], { rtol: 1e-5 });
  const bounded = boundedNumber(meanNumber("x", [0.9, 1, 0.2]), 0, 1);
  check.equal([bounded.low, bounded.high, bounded.value], [0, 1, meanNumber("x", [0.9, 1, 0.2]).value]);
  check.ok(Number.isNaN(boundedNumber(meanNumber("x", [1]), 0, 1).high));
  const difference = pairedDifference(meanNumber("x", [1, 2, 4]), meanNumber("x", [0, 0, Number.NaN]));
  check.equal([difference.value, difference.n], [1.5, 2]);
});

referenceTest("edges are those of Sobel's operator, channel by channel, with zeros on the border", async () => {
  const step = tensor(Float32Array.from([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1]), [1, 1, 3, 4]);
  const map = await edgeMap(() => step, step).read();
  check.equal(Array.from(map), [0, 0, 0, 0, 0, 4, 4, 0, 0, 0, 0, 0]);
  check.throws(() => edgeMap(() => step, tensor(new Float32Array(4), [1, 4])), /edges: .*a table has no edges/);
});

referenceTest("controls do not look at the score, and two seeds of noise differ", async () => {
  const w = await world();
  const x = sampleTensor(w.test, w.samples);
  const score = (z: Tensor): Tensor => sum(w.classifier(z), 1);
  for (const control of CONTROLS) {
    const explain = await control.make(w, x);
    const [a, b] = [await explain(score, x).read(), await explain(() => x, x).read()];
    check.equal(Array.from(a), Array.from(b), control.name);
    check.is(a.length, x.size);
  }
  const of = async (seed: number) => (await (await CONTROLS[0].make(w, x, seed))(score, x).read())[0];
  check.ok((await of(1)) !== (await of(2)));
});

referenceTest("the contract counts what is right, and finds outputs that are others", async () => {
  const w = await world();
  const row = auditRowOf("contract");
  const plan = { rows: [{ row: "contract" }], explainers: [], controls: [] };
  const measured = await runAudit(w, plan, noStore);
  const { numbers } = measured.get("contract")!;
  check.close([numbers[0].value], [0.8], { rtol: 1e-12 });
  check.is(numbers[0].n, 20);
  check.match(judgeAudit(plan, measured)[0].sentence, /right on 80.0 % of 20 labelled samples/);
  const inputs = sampleTensor(w.test, [0]);
  const reference = { inputs, outputs: tensor(new Float32Array(4), [1, 4]) };
  const off = await runAudit({ ...w, reference }, plan, noStore);
  const judged = judgeAudit(plan, off)[0];
  check.is(judged.verdict, "does not hold");
  check.match(judged.sentence, /differ from the reference outputs by up to/);
  check.is(row.number, 1);
});

referenceTest("controls fail where they must: they depend on neither weights nor class, and do not hold", async () => {
  const w = await world();
  const plan = {
    rows: [{ row: "weights", settings: { draws: 2 } }, { row: "relevance" }],
    ...{ explainers: [...gradientOnly, ...CONTROLS], controls: [] },
  };
  const findings = judgeAudit(plan, await runAudit(w, plan, noStore));
  const verdict = (row: string, explainer: string) =>
    findings.find((one) => one.row === row && one.explainer === explainer)!.verdict;
  for (const { name } of CONTROLS) {
    check.is(verdict("weights", name), "does not hold", name);
    check.is(verdict("relevance", name), "does not hold", name);
  }
  check.is(verdict("weights", "gradient"), "holds");
  check.is(verdict("relevance", "gradient"), "holds");
});

referenceTest("what a fixed baseline does to a shift is found", async () => {
  const w = await world();
  const plan = { rows: [{ row: "relevance" }], explainers: [tableCandidate("gradient-x-input", "x")], controls: [] };
  const [finding] = judgeAudit(plan, await runAudit(w, plan, noStore));
  check.is(finding.verdict, "does not hold");
  check.match(finding.sentence, /a shift without meaning moves it by/);
});

referenceTest("an audit goes on where it stopped, and stops when it is told to", async () => {
  const w = await world();
  const kept = new Map<string, AuditMeasurement>();
  const store = {
    load: async (id: string) => kept.get(id),
    save: async (id: string, m: AuditMeasurement) => void kept.set(id, m),
  };
  const plan = {
    rows: [{ row: "contract" }, { row: "relevance" }],
    explainers: gradientOnly,
    controls: CONTROLS.slice(0, 1),
  };
  const stop = { aborted: false };
  const seen: string[] = [];
  const note = ({ cell }: { cell: { id: string } }): void => {
    seen.push(cell.id);
    stop.aborted = seen.length === 2;
  };
  await runAudit({ ...w, stop }, plan, store, { onProgress: note });
  check.equal(seen, ["contract", "relevance/gradient"]);
  check.is(judgeAudit({ ...plan, rows: [{ row: "weights" }] }, kept)[0].verdict, "not tested");
  // What was being measured is left and begun anew; a first measurement is brought to its end.
  check.equal([...kept.keys()], ["contract"]);
  stop.aborted = false;
  await runAudit({ ...w, stop }, plan, store, {
    onProgress({ cell }) {
      seen.push(cell.id);
      stop.aborted = true;
    },
  });
  check.equal([...kept.keys()], ["contract", "relevance/gradient"]);
  stop.aborted = false;
  await runAudit({ ...w, stop }, plan, store, { onProgress: ({ cell }) => void seen.push(cell.id) });
  check.equal(seen, ["contract", "relevance/gradient", "relevance/gradient", "relevance/random"]);
  check.equal(
    [...kept.keys()],
    auditCells(plan).map(({ id }) => id),
  );
});

referenceTest(
  "every question is answered for one explainer, beside the controls, before the next is asked",
  async () => {
    const plan = {
      rows: [{ row: "contract" }, { row: "weights", settings: { draws: 1 } }, { row: "relevance" }],
      explainers: [...gradientOnly, tableCandidate("gradient-x-input", "Gradient x input")],
      controls: CONTROLS.slice(0, 1),
    };
    const seen: string[] = [];
    await runAudit(await world(), plan, noStore, { onProgress: ({ cell }) => void seen.push(cell.id) });
    const first = ["contract", "weights/gradient", "weights/random", "relevance/gradient", "relevance/random"];
    check.equal(seen, [...first, "weights/gradient-x-input", "relevance/gradient-x-input"]);
  },
);

referenceTest("rows that need weights say so, and what an explainer refuses is told", async () => {
  const w = await world();
  const plan = { rows: [{ row: "weights" }], explainers: gradientOnly, controls: [] };
  const { weights: _, ...bare } = w;
  const [finding] = judgeAudit(plan, await runAudit(bare, plan, noStore));
  check.is(finding.verdict, "not tested");
  check.match(finding.sentence, /it needs the weights, and the network came as a function/);
  check.throws(() => auditCells({ ...plan, rows: [{ row: "weigths" }] }), /row "weigths" is unknown/);
  check.throws(() => auditCells({ ...plan, rows: [{ row: "weights", settings: { drows: 1 } }] }), /drows/);
});

test("a control that passes as well is told as a caveat", () => {
  const number = (name: string, value: number, setting?: string): AuditNumber => ({
    ...{ name, setting, value, low: value - 0.01, high: value + 0.01, n: 10 },
  });
  const alike = "similarity of the maps with all weights drawn anew";
  const own = { numbers: [number(alike, 0.1, "Spearman"), number("rise of the maps' entropy", 0.2)] };
  const judged = auditRowOf("weights").judge(own, { noise: own }, { alike: 0.5 });
  check.is(judged.verdict, "holds");
  check.equal(judged.caveats, ['the control "noise" passes as well']);
});
