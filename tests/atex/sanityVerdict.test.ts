/** Verdicts of sanity checks by hand, permuted labels, and the whole suite on a small table. */
import {
  cascadeVerdict,
  type Explainer,
  gradCam,
  gradient,
  independentVerdict,
  invarianceOf,
  invarianceVerdict,
  labelsVerdict,
  layerTitle,
  permutedLabels,
  SANITY_THRESHOLDS,
  type StageSummary,
  sanityReportSchema,
  sanitySuite,
  summaryOf,
  trainTwin,
} from "../../atex/index.js";
import { sanityMarkdown, sanityPage } from "../../atex/render/sanity.js";
import { dispose, mul, random, sub, type Tensor, tensor } from "../../engine/index.js";
import { adam, dense, named, relu, sequential } from "../../nn/index.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";

/** Stages of the trained network and layers "c", "b", "a" with the same unsigned and signed similarity for every sample. */
function stages(...alike: readonly (readonly [number, number])[]): StageSummary[] {
  const of = (layer: string | undefined, [unsigned, signed]: readonly [number, number]): StageSummary => ({
    layer,
    similarity: { Spearman: summaryOf([unsigned, unsigned]), "Spearman, signed": summaryOf([signed, signed]) },
    entropy: summaryOf([1, 1]),
  });
  return [of(undefined, [1, 1]), ...alike.map((one, i) => of(["c", "b", "a"][i], one))];
}

const nothing = [Number.NaN, Number.NaN] as const;

test("cascading: a map that does not change is blind, one that is lost passes", () => {
  const grade = (...alike: readonly (readonly [number, number])[]) => cascadeVerdict(stages(...alike));
  check.equal(grade([0.2, 0], [0.1, 0], [0.1, 0]), {
    grade: "passes",
    words: "without any learnt layer its map is lost (0.10)",
  });
  check.match(grade([1, 1], [1, 1], [0.95, 0.95]).words, /^blind to the network: .* 0\.95 alike$/);
  const upper = grade([0.98, 0.98], [0.91, 0.92], [0.4, 0.4]);
  check.is(upper.grade, "fails");
  check.match(upper.words, /^blind to the upper layers: without c, b its map is 0\.91 alike, .* 0\.40$/);
  // Signs that all flip leave the picture as it was; signs that are shuffled do not.
  check.is(grade([0.98, -0.98], [0.4, 0], [0.4, 0]).grade, "fails");
  check.equal(grade([0.95, 0.1], [0.8, 0], [0.8, -0.01]).grade, "partly");
  check.match(grade([0.95, 0.1], [0.8, 0], [0.8, -0.01]).words, /its signs are lost \(−0\.01\), its outline stays/);
  check.match(grade([0.7, 0.7], [0.7, 0.7], [0.7, 0.7]).words, /it keeps 0\.70 of its map/);
  check.is(grade(nothing, nothing, nothing).grade, "undecided");
  check.is(cascadeVerdict(stages([0.6, 0.6]), { ...SANITY_THRESHOLDS, lost: 0.6 }).grade, "passes");
  check.is(cascadeVerdict(stages([0.6, 0.6]), { ...SANITY_THRESHOLDS, unchanged: 0.6 }).grade, "fails");
  check.throws(() => cascadeVerdict(stages()), /1 network given/);
});

test("a mean over a minority of the samples decides nothing", () => {
  const [trained, lost] = stages([0.1, 0.1]);
  const few = summaryOf([0.1, Number.NaN, Number.NaN]);
  check.equal(few, { mean: 0.1, half: null, n: 1, undefined: 2 });
  check.is(
    cascadeVerdict([trained, { ...lost, similarity: { ...lost.similarity, Spearman: few } }]).grade,
    "undecided",
  );
});

test("independent: blind layers are named, else the one that is missed least counts", () => {
  check.equal(independentVerdict(stages([0.95, 0.95], [0.3, 0.3], [0.92, 0.92])), {
    grade: "fails",
    words: "blind to c (0.95), a (0.92)",
  });
  check.match(independentVerdict(stages([0.2, 0.2], [0.4, 0.4])).words, /^without b, .* is lost \(0\.40\)$/);
  check.is(independentVerdict(stages([0.2, 0.2], [0.6, 0.6])).grade, "partly");
});

test("permuted labels count only where they are known by heart; invariance where nearly all samples keep still", () => {
  check.is(labelsVerdict(stages([0.2, 0.2]), 0.96).grade, "passes");
  check.is(labelsVerdict(stages([0.95, 0.95]), 0.96).grade, "fails");
  check.match(
    labelsVerdict(stages([0.2, 0.2]), 0.714).words,
    /the twin knows 71\.4 % of the permuted labels, 95 % are/,
  );
  const gaps = (broken: number): number[] => Array.from({ length: 20 }, (_, i) => (i < broken ? 0.5 : 1e-6));
  check.equal(invarianceOf(gaps(1)), { median: 1e-6, largest: 0.5, kept: 0.95, invariant: true });
  check.is(invarianceVerdict(invarianceOf(gaps(1))).words, "kept");
  check.is(invarianceOf(gaps(2)).invariant, false);
  check.is(invarianceOf([1e-6, Number.NaN]).kept, 0.5, "a sample without a gap is not kept");
  check.match(invarianceVerdict(invarianceOf(gaps(20))).words, /^broken: .* 0\.50 times/);
});

test("permuted labels are the same labels in another order", () => {
  const split = { shape: [1], samples: new Float32Array(60), labels: Int32Array.from({ length: 60 }, (_, i) => i % 3) };
  const dealt = permutedLabels(split, 4);
  check.equal([...dealt.labels].sort(), [...split.labels].sort());
  const stay = dealt.labels.filter((label, i) => label === split.labels[i]).length;
  check.ok(stay > 8 && stay < 34, `${stay} of 60 stay, a third is expected`);
  check.equal([...permutedLabels(split, 4).labels], [...dealt.labels]);
  check.ok(String(permutedLabels(split, 5).labels) !== String(dealt.labels));
});

const model = sequential([named("first", dense(24)), relu, sequential([dense(24), relu]), named("last", dense(2))]);

/** Two clouds. */
function clouds(n: number) {
  const labels = Int32Array.from({ length: n }, (_, i) => i % 2);
  const samples = Float32Array.from({ length: 6 * n }, (_, at) => {
    const [row, column] = [Math.floor(at / 6), at % 6];
    return Math.sin(12.9898 * (at + 1) ** 1.5) + (column < 2 ? 2 * labels[row] - 1 : 0);
  });
  return { shape: [6], samples, labels };
}

referenceTest("a twin learns permuted labels by heart and says how far it came", async () => {
  const options = { model, split: clouds(24), optimiser: adam({ lr: 0.02 }), batchSize: 8 };
  const twin = await trainTwin({ ...options, epochs: 400 });
  check.ok(twin.accuracy >= 0.95 && twin.epochs < 400, `${twin.accuracy} after ${twin.epochs} epochs`);
  const short = await trainTwin({ ...options, epochs: 1 });
  check.ok(short.accuracy < 0.95 && short.epochs === 1, `${short.accuracy}`);
  dispose([twin.params, short.params]);
  await check.rejects(() => trainTwin({ ...options, epochs: 0 }), /0 epochs/);
});

const withInfo = (explain: (score: unknown, x: Tensor) => Tensor): Explainer =>
  Object.assign(explain, { info: gradient.info });

/** A picture of the input, whatever the network; it moves with a shift. */
const blind = withInfo((_, x) => mul(x, 2));

referenceTest("the suite: a blind explainer fails, the gradient passes, one that cannot is left out", async () => {
  check.equal(
    ["0", "2.0", "3"].map((path) => layerTitle(model, path)),
    ["first", "sequential 2.dense 0", "last"],
  );
  const { params } = model.init(random.key(1), [6]);
  const shares: number[] = [];
  const { report, maps } = await sanitySuite({
    network: (p, z) => model.apply(p, z),
    ...{ params, fresh: model.init(random.key(2), [6]).params, x: tensor(clouds(30).samples, [30, 6]) },
    explainers: [
      { name: "blind", make: () => blind },
      { name: "gradient", make: () => gradient },
      { name: "Grad-CAM", make: () => gradCam() },
      // Compares with a point that has to be shifted with the inputs.
      { name: "compared", make: (_, moved = tensor(0)) => withInfo((_s, x) => sub(x, moved)) },
    ],
    orders: ["cascading", "independent"],
    twin: { params: model.init(random.key(3), [6]).params, accuracy: 1, epochs: 1, samples: 1 },
    ...{ shift: tensor(new Float32Array(6).fill(-1)), chunk: 8, keep: 2 },
    title: (path) => layerTitle(model, path),
    onProgress: ({ share }) => shares.push(share),
  });
  check.close([shares.at(-1)!], [1], { atol: 1e-9 });
  check.ok(
    shares.every((share, i) => i === 0 || share > shares[i - 1]),
    "progress goes forward",
  );
  check.equal(report.layers, ["last", "sequential 2.dense 0", "first"]);
  check.equal(
    report.explainers.map(({ name }) => name),
    ["blind", "gradient", "compared"],
  );
  check.equal(Object.keys(report.refused), ["Grad-CAM"]);
  const [blindly, honestly, compared] = report.explainers.map(({ verdicts }) =>
    Object.values(verdicts).map((verdict) => verdict?.grade),
  );
  check.equal(blindly, ["fails", "fails", "fails", "fails"]);
  check.is(honestly[0], "passes");
  check.is(honestly[3], "passes");
  check.is(compared[3], "passes");
  check.equal([maps.blind.length, maps.blind[0].length], [4, 12]);

  const whole = { ...report, about: { command: "a | b" } };
  const read = sanityReportSchema.read(JSON.parse(JSON.stringify(whole)), "");
  check.equal(JSON.stringify(read), JSON.stringify(JSON.parse(JSON.stringify(read))));
  check.is(read.explainers[0].verdicts.cascading?.grade, "fails");
  const markdown = sanityMarkdown(read);
  check.match(markdown, /\| blind \| fails: blind to the network/);
  check.match(markdown, /### Left out\n\n- Grad-CAM: /);
  check.match(markdown, /command: a \\\| b/);
  check.match(sanityPage(read), /Layer after layer lost/);
});

referenceTest("a suite needs a sample, and keeps no maps where none are asked for", async () => {
  const { params } = model.init(random.key(1), [6]);
  const fresh = model.init(random.key(2), [6]).params;
  const suite = (x: Tensor) =>
    sanitySuite({
      network: (p, z) => model.apply(p, z),
      ...{ params, fresh, x, orders: ["cascading"] as const, keep: 0 },
      explainers: [{ name: "gradient", make: () => gradient }],
    });
  const { maps } = await suite(tensor(clouds(2).samples, [2, 6]));
  check.equal(
    maps.gradient.map(({ length }) => length),
    [0, 0, 0, 0],
  );
  await check.rejects(
    () => suite(tensor(new Float32Array(0), [0, 6])),
    /sanitySuite: x is f32\[0,6\]; samples \[n,\.\.\.\], one at least, are needed/,
  );
});
