/** Which errors say that an explainer cannot, and which that somebody called wrongly. */
import { explainer } from "../../atex/explainers/explainer.js";
import {
  type AuditPlan,
  type AuditWorld,
  type Candidate,
  deepLift,
  edgeMap,
  gradCam,
  gradient,
  judgeAudit,
  lrp,
  makeExplainer,
  RefusalError,
  runAudit,
  sanitySuite,
  tableCandidate,
} from "../../atex/index.js";
import {
  add,
  dispose,
  mul,
  pow,
  random,
  ShapeError,
  slice,
  sort,
  sum,
  type Tensor,
  type Tree,
  tensor,
} from "../../engine/index.js";
import { dense, sequential } from "../../nn/index.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { evenSplit, handWorld, ofElements } from "./handWorlds.js";

const noStore = { load: async () => undefined, save: async () => {} };
const world = (): AuditWorld =>
  handWorld({
    classifier: ofElements([1, -2, 3]),
    domain: { shape: [3], range: { low: 0, high: 1 } },
    split: evenSplit([3], 8, 0, 1),
    samples: 2,
  });

/** An explainer that fails with what `make` gives. */
const failing = (make: () => unknown): Candidate => ({
  ...{ name: "broken", title: "Broken", control: false },
  make: async () =>
    explainer({ ...gradient.info, name: "broken" }, () => {
      throw make();
    }),
});
const planOf = (candidate: Candidate) => ({ rows: [{ row: "relevance" }], explainers: [candidate], controls: [] });
const audited = (make: () => unknown, signal?: AbortSignal) =>
  runAudit(world(), planOf(failing(make)), noStore, { signal });

referenceTest("an audit tells refusals, and ends with the cell's name where a row was called wrongly", async () => {
  const refusal = () => new RefusalError("it cannot");
  const [finding] = judgeAudit(planOf(failing(refusal)), await audited(refusal));
  check.equal([finding.verdict, finding.sentence], ["not tested", "It could not be tested: it cannot."]);
  // Values and shapes that do not fit are a setting, or a network, that somebody has to mend.
  for (const Kind of [RangeError, ShapeError]) {
    const error = await check.rejects(
      () => audited(() => new Kind("k is 900 of 784")),
      /^audit of relevance\/broken: k is 900 of 784$/,
    );
    check.ok(error instanceof Kind && error.cause instanceof Kind, Kind.name);
  }
  // What requireArguments throws, and what JavaScript does.
  const ours = await check.rejects(
    () => audited(() => new TypeError("gather: indices is undefined; a tensor is needed")),
    /^internal: audit of relevance\/broken: gather: indices is undefined; a tensor is needed$/,
  );
  check.ok(ours.cause instanceof TypeError && !(ours instanceof TypeError));
  const missing = undefined as unknown as { field: number };
  await check.rejects(() => audited(() => missing.field), /^internal: audit of relevance\/broken: .*undefined/);
  await check.rejects(() => audited(() => new RangeError("internal: no such step")), /^internal: no such step$/);
});

/** An audit of rows with settings, of one explainer; `other` is what its world has of its own. */
const withSettings = (rows: AuditPlan["rows"], other: Partial<AuditWorld> = {}) => {
  let asked = 0;
  const counted: Candidate = {
    ...{ name: "gradient", title: "Gradient", control: false },
    make: async () => {
      asked++;
      return gradient;
    },
  };
  const run = () => runAudit({ ...world(), ...other }, { rows, explainers: [counted], controls: [] }, noStore);
  return { run, asked: () => asked };
};

referenceTest(
  "settings that do not fit the world end an audit before anything is measured, with the row's name",
  async () => {
    const layer = sequential([dense(2)]);
    const { params } = layer.init(random.key(3), [3]);
    const weights = { params, layer, network: (p: Tree, x: Tensor) => layer.apply(p, x), fresh: () => params };
    const wrong: [row: string, settings: Record<string, unknown>, message: RegExp, other?: Partial<AuditWorld>][] = [
      [
        "agreement",
        { panel: ["gradient-x-input", "lrpp"] },
        /^agreement\.panel\[1\]: "lrpp" came; .* did you mean lrp\?$/,
      ],
      [
        "agreement",
        { k: 4 },
        /^audit of agreement: k 4 of maps with 3 pixels or columns; at most that many are needed$/,
      ],
      ["attack", { k: 4 }, /^audit of attack: k 4 of maps with 3 /],
      ["attack", { queries: 20 }, /^audit of attack: 20 queries for generations of 20 candidates; at least one more /],
      ["cause", { wanted: "perhaps" }, /^audit of cause: cause: class "perhaps" is unknown; there is /, { weights }],
      [
        "cause",
        { column: "age" },
        /^audit of cause: featureIndex: feature "age" is unknown; there is column 0,/,
        { weights },
      ],
      ["certificate", { top: 0 }, /^certificate\.top: 0 came; a number above 0 and at most 1 is needed$/],
      ["manipulated", { rows: 1 }, /^manipulated\.rows: 1 came; a whole number of at least 2 is needed$/],
    ];
    for (const [row, settings, message, other] of wrong) {
      // The first row alone would take its time.
      const { run, asked } = withSettings([{ row: "relevance" }, { row, settings }], other);
      const error = await check.rejects(run, message, `${row} ${JSON.stringify(settings)}`);
      check.ok(error instanceof RangeError && asked() === 0, `${row}: ${asked()} explanations`);
    }
    dispose(params);
  },
);

referenceTest(
  "rows of an audit that know images and tables alone refuse other samples, and the others go on",
  async () => {
    const split = evenSplit([2, 3], 8, 0, 1);
    const domain = { shape: [2, 3], range: { low: 0, high: 1 } };
    const other = handWorld({ classifier: ofElements([1, 2, 3, 4, 5, 6]), domain, split, samples: 2 });
    const rows = ["contract", "attack", "manipulated"].map((row) => ({ row }));
    const plan = { rows, explainers: [tableCandidate("gradient", "Gradient")], controls: [] };
    const measured = await runAudit(other, plan, noStore);
    const refused = /^\w+: samples of \[2,3\] came; images \[c,h,w\] or rows of a table \[d\] are needed$/;
    check.is(measured.get("contract")!.refused, undefined);
    for (const id of ["attack/gradient", "manipulated"]) check.match(measured.get(id)!.refused!, refused);
  },
);

referenceTest("a sensitive column that is not there ends an audit before anything is measured", async () => {
  const { run, asked } = withSettings([{ row: "relevance" }], { sensitive: "age" });
  await check.rejects(run, /feature "age" is unknown; there is column 0, column 1, column 2$/);
  check.is(asked(), 0);
});

referenceTest("what an audit was aborted with is no refusal, whatever it is", async () => {
  const stopping = new AbortController();
  const stopped = (): unknown => {
    stopping.abort(new RangeError("that is enough"));
    return stopping.signal.reason;
  };
  await check.rejects(() => audited(stopped, stopping.signal), /^that is enough$/);
});

referenceTest("a sanity suite leaves out who refuses, and ends where somebody called wrongly", async () => {
  const params = { w: random.normal(random.key(1), [3, 2]) };
  const fresh = { w: random.normal(random.key(2), [3, 2]) };
  const network = (p: typeof params, x: Tensor): Tensor =>
    add(mul(slice(x, [0, 0], [x.shape[0], 2]), sum(p.w)), sum(x, 1, { keepDims: true }));
  const suite = (error: Error) =>
    sanitySuite({
      network: network as never,
      ...{ params, fresh, x: tensor([0.1, 0.2, 0.3, 0.4, 0.5, 0.7], [2, 3]), orders: ["cascading"] as const },
      explainers: [
        { name: "gradient", make: () => gradient },
        {
          name: "broken",
          make: () => {
            throw error;
          },
        },
      ],
    });
  const { report } = await suite(new RefusalError("it cannot"));
  check.equal(report.refused, { broken: "it cannot" });
  await check.rejects(() => suite(new RangeError("samples 0 given")), /^samples 0 given$/);
  await check.rejects(() => suite(new TypeError("mul: a is undefined")), /^mul: a is undefined$/);
});

referenceTest("explainers refuse what they have no rule for, and data that they would need", () => {
  const x = tensor([0.1, 0.4, 0.2], [1, 3]);
  const sorted = (z: Tensor): Tensor => sum(mul(sort(z), tensor([1, 2, 3], [1, 3])), 1);
  const refuses = (call: () => unknown, message: RegExp): void =>
    check.ok(check.throws(call, message) instanceof RefusalError, String(message));
  refuses(() => deepLift()((z) => sum(mul(z, sorted(z)), 1), x), /deepLift: /);
  refuses(() => edgeMap((z) => sum(z, 1), x), /a table has no edges/);
  const context = { domain: { shape: [3], range: { low: 0, high: 1 } }, key: random.key(1) };
  for (const name of ["lime", "kernel-shap", "expected-gradients"])
    refuses(() => makeExplainer(name, {}, context), /no background came/);
  // A patch of a longer image is no higher than the image.
  const flat = makeExplainer(
    "occlusion",
    { baseline: 0 },
    { ...context, domain: { ...context.domain, shape: [1, 1, 9] } },
  );
  const row = tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 1, 9]);
  check.equal(flat((z) => sum(z, [1, 2, 3]), row).shape, [1, 1, 1, 9]);
  refuses(() => lrp()((z) => sum(pow(z, z), 1), x), /lrp: no rule for pow/);
  refuses(() => gradCam()((z) => sum(z, 1), x), /images \[n,c,h,w\] are needed/);
  const image = tensor([0.1, 0.4], [1, 1, 1, 2]);
  refuses(() => gradCam()((z) => sum(z, [1, 2, 3]), image), /no label has any/);
  refuses(() => edgeMap((z) => sum(z, [1, 2, 3]), image), /at least 3x3/);
  refuses(
    () => makeExplainer("exact-shapley", { baseline: 0 }, { ...context, domain: { ...context.domain, shape: [20] } }),
    /20 features/,
  );
  // An option of the wrong kind is a wrong call.
  check.ok(!(check.throws(() => lrp({ epsilon: "1" as never }), /epsilon/) instanceof RefusalError));
});
