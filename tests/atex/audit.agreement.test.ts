/** Row 7 of audits, and the counts it stands on. */
import {
  type AuditMeasurement,
  auditRowOf,
  CONTROLS,
  judgeAudit,
  meanNumber,
  runAudit,
  tableCandidate,
} from "../../atex/index.js";
import { agreementOnTop, tolerantAgreement, topPlaces } from "../../atex/metrics/disagreement.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { impostor, linearImages, linearTable } from "./auditWorlds.js";

const noStore = { load: async () => undefined, save: async () => {} };
const membersOf = ({ numbers }: AuditMeasurement): (string | undefined)[] =>
  numbers.filter(({ name }) => name === "top-k agreement").map(({ setting }) => setting);
const of = (...signed: number[]) => ({ signed, importance: signed.map(Math.abs) });

test("the four agreements, by hand", () => {
  check.equal(topPlaces([1, 3, 3, 0], 4), [1, 2, 0]);
  // Tops: 0, 1, 2 against 0, 2, 3; place 0 at the same rank and of the other sign, place 2 at another rank and of the same sign.
  const found = agreementOnTop(of(5, 4, 3, 0.1), of(-9, 0.2, 8, 7), 3);
  check.equal(found, { features: 2 / 3, ranks: 1 / 3, signs: 1 / 3, signedRanks: 0 });
  check.equal(agreementOnTop(of(-2, 1), of(-4, 3), 2), { features: 1, ranks: 1, signs: 1, signedRanks: 1 });
  check.is(agreementOnTop(of(0, 0), of(0, 0), 1).features, 0);
  // Two of three places are all there is.
  check.is(agreementOnTop(of(1, 0, 2), of(2, 0, 3), 3).features, 1);
  check.is(agreementOnTop(of(1, 0, 2), of(2, 1, 3), 3).features, 2 / 3);
  check.ok(Number.isNaN(agreementOnTop(of(1, Number.NaN), of(1, 2), 1).features));
  check.throws(() => topPlaces([1, 2], 3), /topPlaces: the top 3 of 2/);
});

test("a shift by a pixel is forgiven, also diagonally, by two it is not, and rows do not run into each other", () => {
  const at = (...places: number[]) => Array.from({ length: 20 }, (_, i) => Number(places.includes(i)));
  const sides = [4, 5] as const;
  check.is(tolerantAgreement(at(6), at(12), 1, sides), 1);
  check.is(tolerantAgreement(at(6), at(8), 1, sides), 0);
  check.is(tolerantAgreement(at(6), at(8), 1, sides, 2), 1);
  check.is(tolerantAgreement(at(4), at(5), 1, sides), 0);
  check.is(tolerantAgreement(at(6), at(6), 1, sides, 0), 1);
  // Both of one map are near the one of the other, which is near.
  check.is(tolerantAgreement(at(6, 7), at(6, 19), 2, sides), (1 + 0.5) / 2);
  check.is(tolerantAgreement(at(6, 7), at(6, 7), 2, sides, 0), 1);
  check.ok(Number.isNaN(tolerantAgreement(at(6), [...at(6).slice(1), Number.NaN], 1, sides)));
});

referenceTest("methods that are one for a linear network agree in all; noise and what is shown do not", async () => {
  for (const world of [linearImages(8), linearTable(10)]) {
    const plan = {
      rows: [{ row: "agreement", settings: { panel: ["gradient-x-input", "integrated-gradients"], k: 3 } }],
      explainers: [tableCandidate("integrated-gradients", "x"), tableCandidate("smoothgrad", "z"), impostor],
      controls: CONTROLS.slice(0, 1),
    };
    const measured = await runAudit(world, plan, noStore);
    const findings = judgeAudit(plan, measured);
    check.is(findings[0].verdict, "holds");
    check.is(findings[2].verdict, "does not hold");
    const { numbers } = measured.get("agreement/integrated-gradients")!;
    check.equal(
      membersOf(measured.get("agreement/integrated-gradients")!),
      ["gradient-x-input"],
      "it is not of its own panel",
    );
    for (const { name, value } of numbers)
      if (name !== "top-k agreement within a pixel") check.close([value], [1], { atol: 0.1 }, name);
    const drawnAgain = (name: string) =>
      measured.get(`agreement/${name}`)!.numbers.filter((one) => one.name.includes("drawn again"));
    check.equal(
      drawnAgain("integrated-gradients").map(({ setting, value }) => [setting, value]),
      [
        ["seed 1", 1],
        ["seed 2", 1],
      ],
    );
    check.ok(!findings[0].caveats.join().includes("drawn again"), "nothing is drawn, and nothing said of it");
    for (const { value } of drawnAgain("random")) check.ok(value < 1);
    check.equal(new Set(drawnAgain("random").map(({ value }) => value)).size, 2);
  }
});

referenceTest("what cannot explain the network is left out of the panel, and told", async () => {
  const said: string[] = [];
  const world = { ...linearTable(4), say: (text: string) => void said.push(text) };
  const plan = (panel: string[]) => ({
    rows: [{ row: "agreement", settings: { panel } }],
    ...{ explainers: [tableCandidate("gradient-x-input", "x")], controls: [] },
  });
  const measured = await runAudit(world, plan(["grad-cam", "integrated-gradients"]), noStore);
  check.equal(membersOf(measured.get("agreement/gradient-x-input")!), ["integrated-gradients"]);
  check.match(said.join("\n"), /grad-cam cannot explain this network/);
  const nobody = plan(["gradient-x-input"]);
  check.match(
    judgeAudit(nobody, await runAudit(world, nobody, noStore))[0].sentence,
    /no other explainer of the panel/,
  );
  await check.rejects(() => runAudit(world, plan(["gradeint"]), noStore), /panel\[0\]: "gradeint" .* mean gradient\?$/);
});

test("judged from numbers alone: only members that both were compared with count, controls have to be beaten", () => {
  const measured = (top: Record<string, number>, rest: Record<string, number> = {}): AuditMeasurement => ({
    numbers: [
      ...Object.entries(top).map(([member, v]) => meanNumber("top-k agreement", [v, v + 0.01, v - 0.01], member)),
      ...Object.entries(rest).map(([name, v]) => meanNumber(name, [v, v + 0.01, v - 0.01], "a")),
    ],
  });
  const row = auditRowOf("agreement");
  const own = measured({ a: 0.6, b: 0.5 }, { "sign agreement": 0.3, "top-k agreement with itself, drawn again": 0.4 });
  const random = measured({ a: 0.1, b: 0.1, self: 0.9 }, { "sign agreement": 0.3 });
  const held = row.judge(own, { random }, {});
  check.is(held.verdict, "holds");
  check.match(held.sentence, /shares 55 % .* with 2 other methods, more than any control does: by a share of 0.45/);
  check.match(held.caveats[0], /agreement is not truth/);
  check.match(held.caveats[1], /by sign agreement it is not clearly ahead of "random"/);
  check.match(held.caveats[2], /under another seed it shares 40 %/);
  const beaten = row.judge(own, { random, input: measured({ a: 0.6, b: 0.5 }) }, {});
  check.is(beaten.verdict, "does not hold");
  check.match(beaten.sentence, /not clearly more than the control "input" does/);
  // What a control was not compared with does not count for it or against it.
  check.is(row.judge(own, { random: measured({ a: 0.1 }) }, {}).verdict, "holds");
  check.is(row.judge(own, { random: measured({ a: 0.7 }) }, {}).verdict, "does not hold");
  const alone = row.judge(measured({ a: 0.9, b: 0.1 }), { random: measured({ a: 0.1, b: 0.1 }) }, {});
  check.match(alone.caveats[1], /with b it shares only 10 %/);
  check.is(row.judge(own, {}, {}).verdict, "not tested");
});
