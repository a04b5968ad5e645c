/** `holdfast audit`: pages and numbers, an audit that goes on, a status for builds, mistakes in one sentence. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { AUDIT_TABLE } from "../../atex/index.js";
import { auditPlan, readAuditFile } from "../../cli/audit.js";
import { check, gpuTest, test } from "../harness.js";
import { holdfast, inFolder } from "./holdfast.js";

gpuTest(
  "an audit writes its verdicts, goes on where it was, and guards a build",
  () =>
    inFolder(async (folder) => {
      const path = (name: string): string => join(folder, name);
      const trained = await holdfast(folder, [
        "train",
        "--train-size",
        "640",
        "--test-size",
        "100",
        "--epochs",
        "2",
        "--out",
        "w.safetensors",
      ]);
      check.is(trained.code, 0, trained.err);
      const audit = [
        "audit",
        "--weights",
        "w.safetensors",
        "--explainer",
        "gradient-x-input",
        "--samples",
        "4",
        "--quick",
        "--rows",
        "contract,relevance",
      ];
      const first = await holdfast(folder, audit);
      check.is(first.code, 0, `${first.out}\n${first.err}`);
      check.match(first.out, /1 Contract: (holds|does not hold)\. The network is right on/);
      const report = JSON.parse(await readFile(path("out/audit/audit.json"), "utf8"));
      check.equal(
        report.rows.map(({ name }: { name: string }) => name),
        ["contract", "relevance"],
      );
      // A zero baseline does not move along with a shift.
      check.is(report.rows[1].findings[0].verdict, "does not hold");
      check.equal(
        report.rows[1].candidates.map(({ name }: { name: string }) => name),
        ["gradient-x-input", "random", "edges", "input"],
      );
      check.match(await readFile(path("out/audit/audit.html"), "utf8"), /Can these explanations be trusted\?/);
      check.match(await readFile(path("out/audit/audit.md"), "utf8"), /\| 3 Depends on the class/);

      const cells = path("out/audit/cells");
      const times = async (): Promise<number[]> =>
        Promise.all((await readdir(cells)).sort().map(async (name) => (await stat(join(cells, name))).mtimeMs));
      const before = await times();
      check.is(before.length, 5);
      const guarded = await holdfast(folder, [...audit, "--fail-on", "relevance"]);
      check.is(guarded.code, 3, guarded.out);
      check.match(guarded.out, /failed: 3 Depends on the class.*: does not hold\./);
      check.equal(await times(), before, "nothing was measured again");
      const repeated = await holdfast(folder, [
        "audit",
        "--weights",
        "w.safetensors",
        "--config",
        "out/audit/audit-config.json",
        "--fail-on",
        "contract",
      ]);
      check.is(repeated.code, 0, repeated.err);
      check.equal(await times(), before, "the configuration repeats it");
      const other = await holdfast(folder, [...audit, "--seed", "1"]);
      check.is(other.code, 0, other.err);
      check.ok(
        (await times()).every((time, i) => time > before[i]),
        "other samples are measured anew",
      );
    }),
  { timeoutMs: 300_000 },
);

test("settings of rows and the items of their lists are told apart", async () => {
  const file = await readAuditFile(undefined);
  const domain = { shape: [1, 8, 8], range: { low: 0, high: 1 } };
  const settingsOf = (set: string): unknown =>
    auditPlan({ rows: "attack,weights", quick: false, set }, file, { domain }).rows.map((r) => r.settings);
  check.equal(settingsOf("attack.eps=0.02,0.04,attack.steps=5,weights.draws=2"), [
    { eps: [0.02, 0.04], steps: 5 },
    { draws: 2 },
  ]);
  check.equal(settingsOf("8.eps=0.5"), [{ eps: [0.5] }, {}]);
  check.throws(() => settingsOf("attack.eps"), /--set attack\.eps: row\.setting=value is needed/);
});

test(
  "mistakes are one sentence",
  () =>
    inFolder(async (folder) => {
      const cases: [string[], RegExp][] = [
        [[], /no network is given/],
        [["--budget", "0"], /--budget 0: a number at least 0.1/],
        [["--fail-on", "wieghts"], /unknown row wieghts; did you mean weights\?/],
        [["--samples", "1"], /--samples 1: a whole number at least 2/],
        [["--config", "none.json"], /--config none.json: there is no such file/],
        [["contract"], /contract is no option/],
      ];
      for (const [args, message] of cases) {
        const { code, out, err } = await holdfast(folder, ["audit", ...args]);
        check.is(code, 2, `${args.join(" ")}: ${err}`);
        check.is(out, "");
        check.match(err.trim(), message);
      }
      const list = await holdfast(folder, ["audit", "--list"]);
      for (const { number, name } of AUDIT_TABLE) check.match(list.out, `${number} ${name}`);
    }),
  { timeoutMs: 120_000 },
);
