/** Every long call reports, ends when it is told to, leaves nothing behind, and works afterwards; none keeps the event loop. */
import {
  attackExplanation,
  attackPrediction,
  attributions,
  explanationDirections,
  gradient,
  linf,
  randomisationTest,
  runAudit,
  sanitySimilarities,
  sanitySuite,
  segmentImages,
  signStep,
  studyAttack,
  summariseBackground,
  tableCandidate,
  teacherPredictions,
  topKSuppression,
  trainTwin,
} from "../atex/index.js";
import {
  dispose,
  type LongOptions,
  leaves,
  memory,
  mul,
  openScope,
  random,
  scope,
  sub,
  type Tensor,
  type Tree,
  tensor,
  zipTrees,
} from "../engine/index.js";
import { checkLongOptions } from "../engine/turns.js";
import {
  dense,
  evaluate,
  flatten,
  loadDataset,
  residentData,
  type Split,
  sampleTensor,
  sequential,
  sgd,
  train,
} from "../nn/index.js";
import { linearImages } from "./atex/auditWorlds.js";
import { referenceTest } from "./executors.js";
import { check, test } from "./harness.js";

/** What the calls work on: ten images of noise, a network, and a world for audits. */
function made() {
  const world = linearImages(4);
  const split: Split = { ...world.test, labels: world.test.labels.map((_, i) => i % 2) };
  const model = sequential([flatten, dense(2)]);
  const { params } = scope(() => model.init(random.key(0), split.shape));
  const optimiser = sgd({ lr: 0.1 });
  const classifier = (x: Tensor): Tensor => model.apply(params, x);
  const x = sampleTensor(split, [0, 1, 2]);
  const data = residentData(split);
  const search = { ball: linf(0.1), rule: signStep(0.02), steps: 6 };
  return { world, split, model, params, optimiser, classifier, x, data, search };
}
type Made = ReturnType<typeof made>;

interface LongCall {
  /** Tensors that a call is given; it may consume them. */
  readonly given?: (of: Made) => Tensor[];
  readonly run: (of: Made, options: LongOptions<unknown>, given: Tensor[]) => Promise<unknown>;
}

const key = (): Tensor[] => [random.key(1)];
const freshParams = ({ model, split }: Made): Tensor[] =>
  leaves(scope(() => model.init(random.key(5), split.shape).params));
/** Gradient descent that remembers nothing. */
const plain = {
  name: "plain",
  init: () => ({}),
  update: <P extends Tree>(params: P, gradients: P, state: Tree): [P, Tree] => [
    zipTrees((p, g) => sub(p, mul(g, 0.1)), params, gradients),
    state,
  ],
};
const twoPasses = { ...{ batchSize: 2, epochs: 2 } };

/** A new long call is a row here. */
const CALLS: Readonly<Record<string, LongCall>> = {
  loadDataset: { run: (_, options) => loadDataset("shapes", { ...options, trainSize: 20, testSize: 10 }) },
  train: {
    given: freshParams,
    run: ({ model, split }, options, [bias, weight]) =>
      train(model, { epoch: 0, step: 0, params: [null, { bias, weight }], optimiser: {} }, split, {
        ...options,
        ...twoPasses,
        optimiser: plain,
      }).then(({ params, optimiser }) => [params, optimiser]),
  },
  evaluate: {
    run: ({ model, params, split }, options) => evaluate(model, params, split, { ...options, batchSize: 2 }),
  },
  attackExplanation: {
    given: key,
    run: ({ classifier, x, search }, options, [key]) =>
      attackExplanation({ ...search, explainer: gradient, objective: topKSuppression(3), restarts: 1 }).inTurns(
        { classifier, x, key },
        options,
      ),
  },
  attackPrediction: {
    given: () => [tensor(Int32Array.of(0, 1, 0))],
    run: ({ classifier, x, search }, options, [labels]) =>
      attackPrediction(search).inTurns({ classifier, x, labels }, options),
  },
  attributions: {
    run: ({ classifier, x }, options) => attributions({ classifier, explainer: gradient, x, ...options }),
  },
  explanationDirections: {
    given: key,
    run: ({ classifier, data }, options, [key]) =>
      explanationDirections(classifier, data, { key, samples: 2, batchSize: 3, ...options }).then(({ words }) => [
        words,
      ]),
  },
  teacherPredictions: {
    run: ({ classifier, data }, options) =>
      teacherPredictions(classifier, data, undefined, {
        ...{ length: 0.1, normalisation: "l2", points: 2, spacing: "sampled", batchSize: 3 },
        ...options,
      }).then(({ logits }) => [logits]),
  },
  segmentImages: { run: ({ x }, options) => segmentImages(x, { segments: 4, ...options }) },
  summariseBackground: {
    run: ({ x }, options) => summariseBackground(x, { clusters: 2, ...options }).then(({ rows }) => [rows]),
  },
  randomisationTest: {
    given: freshParams,
    run: ({ model, params, x }, options, [bias, weight]) =>
      randomisationTest({
        ...{ network: (p, z) => model.apply(p, z), params, x, chunk: 1, order: "cascading", explainers: { gradient } },
        fresh: [null, { bias, weight }],
        similarities: sanitySimilarities(x.shape.slice(1)).slice(0, 1),
        ...options,
      }),
  },
  sanitySuite: {
    given: freshParams,
    run: ({ model, params, x }, options, [bias, weight]) =>
      sanitySuite({
        ...{ network: (p, z) => model.apply(p, z), params, x, chunk: 2, orders: ["independent"] },
        fresh: [null, { bias, weight }],
        explainers: [{ name: "gradient", make: () => gradient }],
        ...options,
      }),
  },
  trainTwin: {
    run: ({ model, split, optimiser }, options) =>
      trainTwin({ ...{ model, split, optimiser, epochs: 2, every: 1, batchSize: 2 }, ...options }).then(
        ({ params }) => params,
      ),
  },
  studyAttack: {
    given: key,
    run: ({ classifier, x, search }, options, [key]) =>
      studyAttack({
        ...{ classifier, x, key, k: 3, explainers: [gradient] },
        attack: { ...search, explainer: gradient, objective: topKSuppression(3) },
        ...options,
      }),
  },
  runAudit: {
    run: ({ world }, options) =>
      runAudit(
        world,
        {
          rows: [{ row: "contract" }, { row: "relevance" }],
          explainers: [tableCandidate("gradient", "Gradient")],
          controls: [],
        },
        { load: async () => undefined, save: async () => {} },
        options,
      ),
  },
};

const reason = new Error("the user left");

for (const [name, { given = () => [], run }] of Object.entries(CALLS))
  referenceTest(`${name} reports, ends when it is told to with nothing left behind, and works afterwards`, async () => {
    const of = made();
    using data = openScope("data", { enter: false });
    data.own([of.data.words, of.data.labels]);
    /** Runs it with arguments of its own; what is alive afterwards is what it left. */
    const once = async (options: LongOptions<unknown>): Promise<void> => {
      const before = memory().liveCount;
      const own = given(of);
      try {
        dispose(await run(of, options, own));
      } finally {
        dispose(own);
        check.is(memory().liveCount, before, "tensors alive after the call");
      }
    };
    await check.rejects(() => once({ signal: AbortSignal.abort(reason) }), /^the user left$/);
    let all = 0;
    await once({ onProgress: () => void all++ });
    check.ok(all > 1, `${all} reports`);
    for (const at of [1, 2]) {
      const stop = new AbortController();
      let reports = 0;
      const onProgress = (): void => {
        if (++reports === at) stop.abort(reason);
      };
      await check.rejects(() => once({ signal: stop.signal, onProgress }), /^the user left$/);
      check.is(reports, at, "nothing is told afterwards");
    }
    await check.rejects(
      () =>
        once({
          onProgress: () => {
            throw reason;
          },
        }),
      /^the user left$/,
    );
    let again = 0;
    await once({ onProgress: () => void again++ });
    // Training reports by the clock.
    check.ok(again > 1, `${again} reports`);
  });

test("options of long calls are looked at", () => {
  check.throws(
    () => checkLongOptions("train", { signal: { aborted: false } as never }),
    /^train: signal is an object {aborted}; an AbortSignal is needed, like new AbortController\(\)\.signal$/,
  );
  check.throws(() => checkLongOptions("train", { onProgress: 1 as never }), /train: onProgress: 1 given; a function/);
});
