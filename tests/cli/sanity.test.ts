/** `holdfast sanity`: its files end to end, and mistakes that are found before the work. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sanityReportSchema } from "../../atex/index.js";
import { check, gpuTest, test } from "../harness.js";
import { holdfast, inFolder } from "./holdfast.js";

gpuTest(
  "guided backpropagation is blind to the upper layer, the gradient is not; three files",
  () =>
    inFolder(async (folder) => {
      const train = ["train", "--train-size", "640", "--test-size", "40", "--batch", "32", "--epochs", "2"];
      const trained = await holdfast(folder, [...train, "--out", "w.safetensors"]);
      check.is(trained.code, 0, trained.err);
      const sanity = ["sanity", "--weights", "w.safetensors", "--images", "12", "--out", "checks"];
      const methods = ["--methods", "gradient,guided-backprop,gradient-x-input,lime"];
      const twin = ["--data-randomisation", "--twin-size", "32", "--twin-epochs", "2"];
      const { code, out, err } = await holdfast(folder, [...sanity, ...methods, ...twin]);
      check.is(code, 0, `${out}\n${err}`);
      const json = await readFile(join(folder, "checks/sanity.json"), "utf8");
      const report = sanityReportSchema.read(JSON.parse(json), "");
      check.equal(report.layers, ["dense1", "conv2", "conv1"]);
      check.equal(report.similarities, ["Spearman", "Spearman, signed", "SSIM", "HOG"]);
      check.equal([report.samples, report.twin?.samples, report.twin?.epochs], [12, 32, 2]);
      const by = Object.fromEntries(report.explainers.map((one) => [one.name, one]));
      check.equal(Object.keys(by), ["gradient", "guided backpropagation", "gradient x input", "LIME"]);
      check.is(by.gradient.verdicts.cascading?.grade, "passes");
      check.match(
        by["guided backpropagation"].verdicts.cascading?.words ?? "",
        /^blind to the upper layers: without dense1/,
      );
      check.match(by["guided backpropagation"].verdicts.independent?.words ?? "", /^blind to dense1/);
      check.is(by.gradient.verdicts.labels?.grade, "undecided", "two passes do not teach permuted labels");
      check.equal(
        report.explainers.map(({ invariance }) => invariance?.invariant),
        [true, true, false, true],
      );
      check.match(
        out,
        /guided backpropagation\n {2}layers lost from the output down +fails: blind to the upper layers/,
      );
      check.match(
        await readFile(join(folder, "checks/sanity.md"), "utf8"),
        /\| guided backpropagation \| fails: blind/,
      );
      const page = await readFile(join(folder, "checks/sanity.html"), "utf8");
      check.match(page, /shapes test image \d+/);
      check.match(page, /layers made random, from the output down to/);
      check.ok(!/(src|href)="(?!data:)/.test(page), "the page loads nothing");

      // What it compares with, training samples, is shifted with the inputs.
      const compared = [
        "--methods",
        "expected-gradients",
        "--order",
        "cascading",
        "--images",
        "2",
        "--out",
        "compared",
      ];
      check.is((await holdfast(folder, [...sanity, ...compared])).code, 0);
      const { explainers } = JSON.parse(await readFile(join(folder, "compared/sanity.json"), "utf8"));
      check.is(explainers[0].verdicts.invariance.words, "kept");

      // The same seed draws the same samples and layers.
      const again = async (seed: string): Promise<unknown> => {
        const args = [...sanity, "--methods", "gradient", "--order", "cascading", "--seed", seed, "--out", seed];
        check.is((await holdfast(folder, args)).code, 0);
        const text = await readFile(join(folder, seed, "sanity.json"), "utf8");
        return sanityReportSchema.read(JSON.parse(text), "").explainers[0].cascading;
      };
      check.equal(await again("0"), by.gradient.cascading);
      check.ok(JSON.stringify(await again("1")) !== JSON.stringify(by.gradient.cascading));

      const few = await holdfast(folder, [...sanity, ...twin, "--twin-size", "641"]);
      check.equal([few.code, few.out], [2, ""], few.err);
      check.match(few.err, /--twin-size 641: there are 640 training samples/);
    }),
  { timeoutMs: 240_000 },
);

test("a mistake is one sentence, before the work", () =>
  inFolder(async (folder) => {
    await writeFile(join(folder, "file"), "");
    const cases: [string[], RegExp][] = [
      [["--methods", "gradiant"], /^holdfast: unknown method gradiant; did you mean gradient\?$/],
      [["--order", "upwards"], /^holdfast: unknown order upwards/],
      [["--images", "0"], /^holdfast: --images 0: a whole number at least 1 is needed$/],
      [["--shift", "0"], /^holdfast: --shift 0: nothing would be shifted/],
      [["--lost", "2"], /^holdfast: --lost: 2 came; a number of at least 0 and at most 1 is needed$/],
      [["--twin-size", "20"], /^holdfast: --twin-size 20 goes with --data-randomisation/],
      [["--out", "file"], /^holdfast: --out file: it cannot be written, a part of the path is a file$/],
    ];
    for (const [args, message] of cases) {
      const { code, out, err } = await holdfast(folder, ["sanity", "--weights", "none.safetensors", ...args]);
      check.equal([code, out], [2, ""], err);
      check.match(err.trim(), message);
    }
  }));
