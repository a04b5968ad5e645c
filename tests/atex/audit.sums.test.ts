/** Row 5 of audits, and what it stands on: random changes, what attributions say of them, what happens. */
import {
  type AuditMeasurement,
  auditRowOf,
  CONTROLS,
  infidelity,
  judgeAudit,
  meanNumber,
  runAudit,
  tableCandidate,
} from "../../atex/index.js";
import {
  type Change,
  changeCorrelation,
  noiseChange,
  saidAndHappened,
  squareChange,
  subsetChange,
  unexplainedShare,
} from "../../atex/metrics/changes.js";
import { matmul, mul, ones, random, reshape, sin, square, sum, type Tensor, tensor } from "../../engine/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { impostor, linearImages, linearTable } from "./auditWorlds.js";

const noStore = { load: async () => undefined, save: async () => {} };
const list = async (t: Tensor): Promise<number[]> => Array.from(await t.read());
const draws = (count: number, start = 0) => ({ seed: 5, start, count });

referenceTest("what is left unexplained and correlated, by hand", async () => {
  const said = tensor([
    [1, 2],
    [1, 0],
    [1, 1],
    [0, 0],
    [1, 2],
    [-3, -1],
  ]);
  const happened = tensor([
    [2, 4],
    [0, 1],
    [1, 0],
    [1, 1],
    [0, 0],
    [3, 1],
  ]);
  const left = await list(unexplainedShare(said, happened));
  check.close(left.slice(0, 4), [0, 1, 0.5, 1], { atol: 1e-12 });
  check.ok(Number.isNaN(left[4]), "nothing happens");
  check.close([left[5]], [0], { atol: 1e-12 });
  const rows = [
    [1, 2, 4],
    [3, 1, 2],
  ];
  const [a, b] = [[1, 2, 4].map((v) => v - 7 / 3), [3, 1, 2].map((v) => v - 2)];
  const dot = (x: number[], y: number[]): number => x.reduce((s, v, i) => s + v * y[i], 0);
  const found = await changeCorrelation(tensor([rows[0]]), tensor([rows[1]])).item();
  check.close([found], [dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))], { rtol: 1e-12 });
});

referenceTest("the share is infidelity with its best factor over that of nothing said", async () => {
  const [x, phi] = [tensor([[0.4, -1, 2, 0.3]]), tensor([[1, 0.5, -2, 3]])];
  const score = (z: Tensor): Tensor => sum(sin(mul(z, 2)), 1);
  const change = noiseChange(0.3, { low: 0, high: 1 });
  const [said, happened] = saidAndHappened(score, x, phi, { change, samples: 40, seed: 5 });
  // The same changes, handed to the metric one by one.
  const { changed } = change(draws(40), x);
  const taken = await list(changed);
  let at = 0;
  const perturbation = (_: Tensor, of: Tensor): Tensor => {
    const row = taken.slice(4 * at, 4 * at + 4);
    at = (at + 1) % 40;
    return tensor([[0.4, -1, 2, 0.3].map((v, i) => v - row[i])].map((r) => r.slice(0, of.shape[1])));
  };
  const off = infidelity({ perturbation, scaled: true, samples: 40, key: random.key(1) });
  const [left, all] = [await off(score, x, phi).item(), await off(score, x, tensor([[0, 0, 0, 0]])).item()];
  check.close([await unexplainedShare(said, happened).item()], [left / all], { rtol: 1e-6 });
});

referenceTest(
  "subsets have their size, differ from sample to sample, and are the same however they are cut",
  async () => {
    const x = ones([3, 1, 2, 5]);
    const change = subsetChange(4, 0);
    const values = await list(change(draws(200), x).changed);
    const rows = Array.from({ length: 600 }, (_, r) => values.slice(10 * r, 10 * r + 10));
    check.ok(rows.every((row) => row.filter((v) => v === 0).length === 4));
    check.ok(rows[0].join() !== rows[1].join() || rows[1].join() !== rows[2].join());
    const often = Array.from({ length: 10 }, (_, i) => rows.filter((row) => row[i] === 0).length / 600);
    // Each pixel with probability 0.4: five deviations of a mean of 600.
    check.ok(
      often.every((share) => Math.abs(share - 0.4) < 5 * Math.sqrt(0.24 / 600)),
      `${often}`,
    );
    check.equal(await list(change(draws(50, 150), x).changed), values.slice(150 * 30));
    check.equal(
      await list(change(draws(200), ones([2, 1, 2, 5])).changed).then((v) => v.slice(0, 20)),
      values.slice(0, 20),
    );
    const weights = tensor(
      Array.from({ length: 3 }, (_, n) => [
        [
          [1, 2, 3, 4, 5],
          [6, 7, 8, 9, 10],
        ].map((r) => r.map((v) => v * (n + 1))),
      ]),
    );
    const said = await list(change(draws(2), x).said(weights));
    check.equal(
      said,
      rows.slice(0, 6).map((row, r) => row.reduce((s, v, i) => s + (1 - v) * (i + 1) * ((r % 3) + 1), 0)),
    );
    check.throws(() => subsetChange(10, 0)(draws(1), x), /subsetChange: 10 of 10 parts came/);
    const features = [
      { name: "c", kind: "categorical" as const, at: [0, 2] },
      { name: "n", kind: "numeric" as const, at: [1] },
    ];
    const table = await list(subsetChange(1, 0, features)(draws(20), tensor([[1, 1, 1]])).changed);
    for (let r = 0; r < 20; r++) check.ok(table[3 * r] === table[3 * r + 2] && table[3 * r] !== table[3 * r + 1]);
  },
);

referenceTest("squares are set to zero whole, and noise has its size in the units of each column", async () => {
  const x = ones([2, 3, 7, 8]);
  const changed = await list(squareChange(3)(draws(30), x).changed);
  for (let r = 0; r < 60; r++) {
    const gone = changed.slice(168 * r, 168 * r + 168).flatMap((v, i) => (v === 0 ? [i] : []));
    check.is(gone.length, 27);
    const [h, w] = [gone.map((i) => Math.floor((i % 56) / 8)), gone.map((i) => i % 8)];
    check.equal([Math.max(...h) - Math.min(...h), Math.max(...w) - Math.min(...w)], [2, 2]);
  }
  check.ok(changed.slice(0, 168).join() !== changed.slice(168, 336).join(), "each sample has a square of its own");
  const row = tensor([[0, 0]]);
  const noise = await list(noiseChange(0.1, { low: [0, 0], high: [1, 50] })(draws(2000), row).changed);
  const deviation = (i: number): number =>
    Math.sqrt(noise.reduce((s, v, at) => (at % 2 === i ? s + v * v : s), 0) / 2000);
  check.close([deviation(0), deviation(1)], [0.1, 5], { rtol: 0.1 });
  check.throws(() => squareChange()(draws(1), row), /squareChange: inputs are .*images/);
  check.throws(() => squareChange(9)(draws(1), x), /squareChange: side 9 in images of \d×\d; 1 to \d is needed/);
});

referenceTest("exact attributions of a linear score are perfect, a budget changes nothing", async () => {
  const w = tensor([[1], [-2], [0.5], [3]]);
  const score = (z: Tensor): Tensor => reshape(matmul(z, w), [z.shape[0]]);
  const x = tensor([
    [0.3, 1, 2, -1],
    [1, 1, -1, 0.5],
  ]);
  const exact = mul(x, tensor([[1, -2, 0.5, 3]]));
  const of = (phi: Tensor, change: Change, budget?: number) =>
    saidAndHappened(score, x, phi, { change, samples: 30, seed: 3, budget });
  check.close(await list(changeCorrelation(...of(exact, subsetChange(2, 0)))), [1, 1], { atol: 1e-9 });
  const noise = noiseChange(0.2, { low: 0, high: 1 });
  check.close(
    await list(
      unexplainedShare(
        ...of(
          tensor([
            [1, -2, 0.5, 3],
            [2, -4, 1, 6],
          ]),
          noise,
        ),
      ),
    ),
    [0, 0],
    { atol: 1e-9 },
  );
  const [a, b] = [await list(of(exact, noise)[1]), await list(of(exact, noise, 24)[1])];
  check.close(a, b, { atol: 1e-12 });
  // Where the score is no sum, neither is its explanation.
  const curved = saidAndHappened((z) => square(score(z)), x, exact, {
    change: subsetChange(2, 0),
    samples: 30,
    seed: 3,
  });
  check.ok((await list(changeCorrelation(...curved))).every((r) => r < 0.99));
});

const settings = { sizes: [0.1, 0.5], subsets: 40, draws: 40 };

referenceTest(
  "a linear network: its exact attributions hold for images and tables, noise in disguise does not",
  async () => {
    for (const world of [linearImages(8), linearTable(10)]) {
      const plan = {
        rows: [{ row: "sums", settings }],
        explainers: [tableCandidate("integrated-gradients", "x"), tableCandidate("gradient", "y"), impostor],
        controls: CONTROLS,
      };
      const measured = await runAudit(world, plan, noStore);
      const findings = judgeAudit(plan, measured);
      check.equal(
        findings.map(({ verdict }) => verdict),
        ["holds", "holds", "does not hold"],
      );
      const ofPath = measured.get("sums/integrated-gradients")!;
      const [gap] = ofPath.numbers.filter(({ name }) => name === "completeness gap");
      check.ok(gap.value < 1e-6 && findings[0].sentence.includes("misses the sum that it promises by 0.0 %"));
      const zero = ofPath.numbers.filter(
        ({ name, setting }) => name === "sensitivity-n" && setting?.endsWith("to zero"),
      );
      check.is(zero.length, 2);
      for (const one of zero) check.close([one.value], [1], { atol: 1e-4 }, one.setting);
      const [noise] = measured.get("sums/gradient")!.numbers;
      check.close([noise.value], [0], { atol: 1e-4 });
      check.is(
        measured.get("sums/gradient")!.numbers.some(({ name }) => name === "completeness gap"),
        false,
      );
    }
  },
);

test("judged from numbers alone: one kind of change is enough, a missed promise is not forgiven", () => {
  const three = (v: number): number[] => [v, v + 0.001, v - 0.001];
  const left = "share of the change that is not explained";
  const measured = (noise: number, zero: number, centre: number, gap?: number): AuditMeasurement => ({
    numbers: [
      meanNumber(left, three(noise), "noise 0.1"),
      meanNumber("sensitivity-n", three(zero), "2 of 9 to zero"),
      meanNumber("sensitivity-n", three(centre), "2 of 9 to the mean"),
      ...(gap === undefined ? [] : [meanNumber("completeness gap", three(gap))]),
    ],
  });
  const row = auditRowOf("sums");
  const asked = { gap: 0.05 };
  const chance = { random: measured(1, 0, 0) };
  const held = row.judge(measured(0.2, 0, 0, 0.01), chance, asked);
  check.is(held.verdict, "holds");
  check.match(held.sentence, /when noise is added to the input \(80 % of the change explained at worst/);
  check.is(held.caveats.length, 2);
  check.match(held.caveats[0], /no clear advantage over a random map when parts of the input are set to zero/);
  const input = measured(1, 0.9, 0);
  const beside = row.judge(measured(1, 0.5, 0), { ...chance, input }, asked);
  check.match(beside.caveats.at(-1)!, /"input" passes as well \(to zero\), and the explainer is not clearly better/);
  check.is(row.judge(measured(1, 0, 0), chance, asked).verdict, "does not hold");
  const missed = row.judge(measured(0.1, 0.9, 0.9, 0.3), chance, asked);
  check.is(missed.verdict, "does not hold");
  check.match(missed.sentence, /misses the sum that it promises by 30.0 % of its size; 5 % is allowed/);
  check.is(row.judge(measured(0.1, 1, 1), {}, asked).verdict, "not tested");
});

gpuTest("changes on the GPU are those of float64 in kind: a linear score and its attributions agree", async () => {
  const world = linearImages(3, 2, 6);
  const plan = {
    rows: [{ row: "sums", settings }],
    explainers: [tableCandidate("gradient-x-input", "x")],
    controls: [],
  };
  const { numbers } = (await runAudit(world, plan, noStore)).get("sums/gradient-x-input")!;
  const zero = numbers.filter(({ setting }) => setting?.endsWith("to zero") && !setting.startsWith("squares"));
  for (const one of zero) check.close([one.value], [1], { atol: 1e-3 }, one.setting);
});
