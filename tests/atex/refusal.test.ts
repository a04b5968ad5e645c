/** Which errors say that an explainer cannot, and which that somebody called wrongly. */
import { explainer } from "../../atex/explainers/explainer.js";
import {
  type AuditWorld,
  type Candidate,
  deepLift,
  edgeMap,
  gradient,
  judgeAudit,
  lrp,
  makeExplainer,
  RefusalError,
  runAudit,
  sanitySuite,
} from "../../atex/index.js";
import { add, mul, pow, random, ShapeError, slice, sort, sum, type Tensor, tensor } from "../../engine/index.js";
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
  for (const error of [new RefusalError("it cannot"), new RangeError("it cannot"), new ShapeError("it cannot")]) {
    const measured = await audited(() => error);
    const [finding] = judgeAudit(planOf(failing(() => error)), measured);
    check.equal([finding.verdict, finding.sentence], ["not tested", "It could not be tested: it cannot."]);
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
  refuses(() => lrp()((z) => sum(pow(z, z), 1), x), /lrp: no rule for pow/);
  // An option of the wrong kind is a wrong call.
  check.ok(!(check.throws(() => lrp({ epsilon: "1" as never }), /epsilon/) instanceof RefusalError));
});
