/** `holdfast defend`: what it offers, its comparison, and mistakes that are found before the work. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DEFENCES } from "../../atex/index.js";
import { readSafetensors, writeSafetensors } from "../../nn/index.js";
import { check, gpuTest, test } from "../harness.js";
import { holdfast, inFolder } from "./holdfast.js";

test("help and lists follow from the table", () =>
  inFolder(async (folder) => {
    const help = (await holdfast(folder, ["defend", "--help"])).out;
    const list = (await holdfast(folder, ["defend", "--list"])).out;
    const machines = JSON.parse((await holdfast(folder, ["defend", "--list", "--json"])).out) as {
      name: string;
      options: Record<string, unknown>;
    }[];
    for (const { presets, options, info } of DEFENCES)
      for (const name of Object.keys(presets)) {
        check.match(help, new RegExp(`how: .*\\b${name}\\b`));
        check.ok(list.includes(info.source) && `\n${list}`.includes(`\n  ${name} `), name);
        check.equal(Object.keys(machines.find((row) => row.name === name)!.options), Object.keys(options));
        for (const setting of Object.keys(options)) check.match(list, new RegExp(`\n {2}${setting} `));
      }
  }));

const train = ["train", "--train-size", "320", "--test-size", "60", "--batch", "32", "--epochs", "1"];

gpuTest(
  "the same images in all networks, with a control, and mistakes before the work",
  () =>
    inFolder(async (folder) => {
      const done = await holdfast(folder, [...train, "--out", "w.safetensors"]);
      check.is(done.code, 0, done.err);
      const defend = ["defend", "--weights", "w.safetensors", "--epochs", "1", "--images", "3", "--steps", "2"];

      const { code, out, err } = await holdfast(folder, [...defend, "--scheme", "fgsm", "--set", "clean=0.25"]);
      check.is(code, 0, `${out}\n${err}`);
      check.match(out, /FGSM training, clean 0\.25 against eps 0\.05/);
      check.match(out, /before +after +control\n/);
      check.match(out, /\n {2}[1-3] test images that every one of them classifies correctly/);
      const row = (title: string): number[] =>
        [...(new RegExp(`${title} +(-?[\\d.]+) +(-?[\\d.]+) +(-?[\\d.]+)`).exec(out) ?? [])].slice(1).map(Number);
      for (const measure of ["top-k", "Spearman", "SSIM"]) {
        const [aimed, all] = [row(`${measure}: attack on it`), row(`${measure}: ensemble`)];
        check.is(all.length, 3, out);
        all.forEach((v, i) => check.ok(v <= aimed[i], `${measure}: ${out}`));
      }
      const [aimed, all] = [row("pixels: attack on it"), row("pixels: ensemble")];
      all.forEach((v, i) => check.ok(v >= aimed[i], out));
      check.is(new Set(row("Spearman: ensemble")).size, 3, out);
      check.match(out, /14 maps differentiated for it, 2 steps from each start/);
      const { metadata } = readSafetensors(await readFile(join(folder, "out/defended.safetensors")));
      check.is(metadata.get("defence"), "FGSM training, clean 0.25");

      // Training without a defence is its own control.
      for (const more of [
        ["--scheme", "normal"],
        ["--scheme", "fgsm", "--control", "none"],
      ]) {
        const alone = await holdfast(folder, [...defend, ...more]);
        check.is(alone.code, 0, alone.err);
        check.match(alone.out, /before +after\n/);
      }

      await mkdir(join(folder, "taken"));
      await writeFile(join(folder, "file"), "");
      const { tensors } = readSafetensors(await readFile(join(folder, "w.safetensors")));
      const { data: _, ...rest } = Object.fromEntries(metadata) as Record<string, string>;
      await writeFile(join(folder, "homeless.safetensors"), writeSafetensors(tensors, new Map(Object.entries(rest))));
      const cases: [string[], RegExp][] = [
        [["--out", "taken"], /^holdfast: --out taken: it is a folder; a file is needed$/],
        [["--out", "file/w.safetensors"], /^holdfast: --out file\/w\.safetensors: it cannot be written, a part of/],
        [["--weights", "homeless.safetensors"], /^holdfast: --data is missing; the weights do not say what/],
      ];
      for (const [args, message] of cases) {
        const failed = await holdfast(folder, [...defend, ...args]);
        check.is(failed.code, 2, failed.err);
        check.is(failed.out, "");
        check.match(failed.err.trim().split("\n").at(-1)!, message);
      }
    }),
  { timeoutMs: 240_000 },
);

test("a mistake in a setting is one sentence", () =>
  inFolder(async (folder) => {
    const cases: [string[], RegExp][] = [
      [["--set", "weight=0.1"], /^holdfast: unknown setting of atex weight; .*there is along, across/],
      [["--scheme", "naive", "--set", "neighbors=2"], /unknown setting of naive neighbors; did you mean neighbours\?$/],
      [["--scheme", "naive", "--set", "weight=-1"], /--set weight: -1 came; a number of at least 0 is needed$/],
      [["--scheme", "naive", "--set", "distance=l1"], /--set distance: "l1" came; one of squaredL2, cosine is needed$/],
      [["--scheme", "naive", "--set", "weight"], /--set weight: name=value is needed, for example weight=0\.1$/],
      [["--scheme", "normal", "--set", "weight=1"], /--set weight: normal has no settings$/],
      [["--set", "terms=second,matching=changes"], /--set: atex: matching "changes" given with only the second term/],
      [["--set", "spacing=grid"], /--set: atex.*: 1 grid points up to 0\.1 given; at least 2/],
      [["--control", "nothing"], /unknown control nothing/],
      [["--json"], /--json goes with --list/],
    ];
    for (const [args, message] of cases) {
      const { code, out, err } = await holdfast(folder, ["defend", "--weights", "none.safetensors", ...args]);
      check.equal([code, out], [2, ""], err);
      check.match(err.trim(), message);
    }
    const blocked = await holdfast(folder, ["reproduce", "--config", "smoke", "--out", "/proc/holdfast"]);
    check.equal([blocked.code, blocked.out], [2, ""]);
    check.match(blocked.err, /^holdfast: --out \/proc\/holdfast: it cannot be written, /);
  }));
