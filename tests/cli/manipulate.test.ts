/** `holdfast manipulate`: files that others can study, and mistakes in one sentence. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DETECTOR_TABLE, MANIPULATION_TABLE } from "../../atex/index.js";
import { command } from "../../cli/commands/manipulate.js";
import { modelOptions } from "../../cli/model.js";
import { readPng } from "../../nn/data/png.js";
import { readSafetensors } from "../../nn/index.js";
import { check, gpuTest, test } from "../harness.js";
import { holdfast, inFolder } from "./holdfast.js";

test("no setting of a manipulation has the name of another option of the command", () => {
  const own = Object.keys(command.options);
  const settings = MANIPULATION_TABLE.flatMap(({ name, options }) =>
    Object.keys(options).map((option) => [name, option.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)] as const),
  );
  const taken = [...Object.keys(modelOptions), "data", "data-dir", "target", "image-size", "channels"];
  const more = ["images", "others", "explainers", "detectors", "sensitive", "seed", "list", "json", "out", "cpu"];
  for (const [name, option] of settings) {
    check.ok(![...taken, ...more].includes(option), `${name}: --${option} means something else`);
    check.ok(own.includes(option), `${name}: --${option} is an option`);
  }
});

test("rows of both tables have names of their own, and words for readers", () => {
  for (const table of [MANIPULATION_TABLE, DETECTOR_TABLE]) {
    const names = table.map(({ name }) => name);
    check.is(new Set(names).size, names.length);
    for (const { name, help, source } of table) {
      check.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
      check.ok(help.length > 20 && source.length > 5, name);
    }
  }
  for (const { name, words } of MANIPULATION_TABLE) check.ok(words.length > 80, name);
  for (const entry of DETECTOR_TABLE)
    check.ok(entry.suspicion !== undefined || entry.restored !== undefined, entry.name);
});

gpuTest(
  "what was manipulated is there to be studied, and a changed network opens again",
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
      const few = [
        "--weights",
        "w.safetensors",
        "--images",
        "3",
        "--others",
        "3",
        "--detectors",
        "smoothgrad",
        "--explainers",
        "gradient-x-input",
      ];
      const { code, out, err } = await holdfast(folder, [
        "manipulate",
        "fooling",
        ...few,
        "--epochs",
        "1",
        "--samples",
        "64",
        "--out",
        "m",
      ]);
      check.is(code, 0, `${out}\n${err}`);
      check.match(out, /Under other explainers/);
      check.match(out, /smoothgrad/);
      const told = JSON.parse(await readFile(path("m/report.json"), "utf8"));
      check.is(told.manipulation, "fooling");
      const value = (metric: string): number =>
        told.measurements.find((one: { metric: string }) => one.metric === metric).value;
      check.ok(value("accuracy") >= 0 && value("accuracy before") > 0.2);
      const { tensors, metadata } = readSafetensors(await readFile(path("m/samples.safetensors")));
      check.equal(tensors.get("clean")!.shape.slice(1), [1, 28, 28]);
      check.equal(tensors.get("manipulatedMap")!.shape, tensors.get("clean")!.shape);
      check.match(metadata.get("manipulation")!, /"manipulation":"fooling"/);
      const weights = readSafetensors(await readFile(path("m/weights.safetensors")));
      check.is(weights.metadata.get("accuracy"), String(value("accuracy")));
      const before = readSafetensors(await readFile(path("w.safetensors"))).tensors.get("0.weight")!.data;
      check.ok(
        weights.tensors.get("0.weight")!.data.some((v, i) => v !== before[i]),
        "the weights are others",
      );
      check.ok((await readPng(await readFile(path("m/panel.png")))).width > 4 * 28);
      check.match(await readFile(path("m/report.html"), "utf8"), /<img/);
      const again = await holdfast(folder, ["explain", "--weights", "m/weights.safetensors", "--data", "shapes"]);
      check.is(again.code, 0, again.err);
    }),
  { timeoutMs: 300_000 },
);

test(
  "mistakes are one sentence",
  () =>
    inFolder(async (folder) => {
      const cases: [string[], RegExp][] = [
        [[], /^holdfast: which manipulation is not said; there is .*fooling/],
        [["foolng"], /unknown manipulation foolng; did you mean fooling\?/],
        [["fooling", "ghorbani"], /ghorbani came after fooling; one name is needed/],
        [["fooling", "--attacked", "gradient"], /--attacked is no option of fooling; it has --objective/],
        [["fooling", "--images", "0"], /--images 0: a whole number at least 1/],
        [["fooling"], /no network is given/],
        [["--json"], /--json goes with --list/],
      ];
      for (const [args, message] of cases) {
        const { code, out, err } = await holdfast(folder, ["manipulate", ...args]);
        check.is(code, 2, `${args.join(" ")}: ${err}`);
        check.is(out, "");
        check.match(err.trim(), message);
        check.is(err.trim().split("\n").length, 1, err);
      }
      const list = await holdfast(folder, ["manipulate", "--list", "--json"]);
      check.equal(
        JSON.parse(list.out).map(({ name }: { name: string }) => name),
        MANIPULATION_TABLE.map(({ name }) => name),
      );
    }),
  { timeoutMs: 120_000 },
);
