/** The command line: what a person who mistypes gets to read. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import fc from "fast-check";
import { commandHelp, parseArguments } from "../cli/arguments.js";
import { type Arguments, defineCommand, numberOption, UsageError } from "../cli/command.js";
import { editDistance, nearest } from "../nn/nearest.js";
import { check, gpuTest, root, test, withoutDriver } from "./harness.js";

function holdfast(args: string[], env: Record<string, string> = {}): { code: number | null; out: string; err: string } {
  const result = spawnSync(process.execPath, [join(root, "dist/cli/main.js"), ...args], {
    encoding: "utf8",
    timeout: 60_000,
    env: { ...process.env, ...env },
  });
  return { code: result.status, out: result.stdout, err: result.stderr };
}

const sample = defineCommand({
  summary: "a sample",
  options: {
    epochs: { type: "string", short: "e", default: "3", value: "n", help: "how often" },
    data: { type: "string", help: "which data" },
    quiet: { type: "boolean", help: "say less" },
  },
  positionals: "<image>",
  run: async () => 0,
});

function values(args: string[]): Arguments["values"] {
  const parsed = parseArguments(sample, args);
  if (parsed === "help") throw new Error("help was not asked for");
  return parsed.values;
}

test("options take defaults, short names and both ways to write a value", () => {
  check.equal({ ...values([]) }, { epochs: "3", quiet: false, help: false });
  check.is(values(["-e", "5"]).epochs, "5");
  check.is(values(["--epochs=7", "--quiet"]).epochs, "7");
  check.is(parseArguments(sample, ["a.png", "--help"]), "help");
});

test("mistakes in the arguments are one sentence", () => {
  const cases: [string[], RegExp][] = [
    [["--epohcs", "3"], /^unknown option --epohcs; did you mean --epochs\?$/],
    [["--data"], /^--data needs a value: --data <data>$/],
    [["--quiet=yes"], /^--quiet takes no value, yes came$/],
    [["--zzzzzzzzzz"], /^unknown option --zzzzzzzzzz; there is --epochs, --data, --quiet, --help$/],
  ];
  for (const [args, message] of cases) {
    const error = check.throws(() => parseArguments(sample, args), UsageError);
    check.match(error.message, message);
  }
  const { positionals: _, ...strict } = sample;
  check.throws(() => parseArguments(strict, ["a.png"]), /^a.png is no option, and no other argument is expected$/);
});

test("numbers in options are checked with their range", () => {
  check.is(numberOption("epochs", "12", { min: 1, integer: true }), 12);
  check.is(numberOption("rate", "1e-3"), 1e-3);
  check.throws(
    () => numberOption("epochs", "0", { min: 1, integer: true }),
    /--epochs 0: a whole number at least 1 is needed/,
  );
  check.throws(() => numberOption("epochs", "1.5", { min: 1, max: 9, integer: true }), /at least 1 and at most 9/);
  for (const text of ["", " ", "ten", "NaN", "Infinity"]) check.throws(() => numberOption("rate", text), UsageError);
});

test("help names every option with its value, default and meaning", () => {
  const help = commandHelp("sample", sample);
  check.match(help, "holdfast sample [options] <image>");
  check.match(help, /-e, --epochs <n> +how often \(default 3\)/);
});

test("edit distance is a metric bounded by the longer word", () => {
  check.is(editDistance("kitten", "sitting"), 3);
  check.is(editDistance("trian", "train"), 1);
  check.is(nearest("atack", ["attack", "train"]), "attack");
  check.is(nearest("zzzz", ["attack", "train"]), undefined);
  const word = fc.string({ maxLength: 8 });
  check.holds(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      return (
        (distance === 0) === (a === b) && distance === editDistance(b, a) && distance <= Math.max(a.length, b.length)
      );
    }),
  );
});

test("an unknown command is answered with the nearest one and exit code 2", () => {
  const { code, err, out } = holdfast(["docotr"]);
  check.is(code, 2);
  check.is(out, "");
  check.is(err, "holdfast: unknown command docotr; did you mean doctor?\n");
});

test("doctor without an adapter says what is missing and fails", () => {
  const { code, out } = holdfast(["doctor", "--json"], withoutDriver);
  check.is(code, 1);
  const diagnosis = JSON.parse(out);
  check.is(diagnosis.adapter, null);
  check.match(diagnosis.missing.reason, "no Vulkan driver is found");
});

test("a driver variable that is set and empty is told of, where it hides the driver", () => {
  const { out } = holdfast(["doctor", "--json"], { VK_DRIVER_FILES: "", VK_ICD_FILENAMES: "" });
  const { adapter, missing } = JSON.parse(out);
  if (adapter !== null) return check.is(missing, null);
  check.match(missing.reason, "where VK_DRIVER_FILES points");
  check.equal(missing.commands, ["unset VK_DRIVER_FILES"]);
});

gpuTest("doctor names the adapter, its limits and the versions", () => {
  const { code, out } = holdfast(["doctor", "--json"]);
  check.is(code, 0);
  const diagnosis = JSON.parse(out);
  check.is(diagnosis.missing, null);
  check.ok(
    diagnosis.adapter.limits.maxComputeInvocationsPerWorkgroup >= 128,
    "WebGPU promises at least 128 invocations",
  );
  check.match(diagnosis.versions.webgpu, /^\d+\.\d+\.\d+/);
  check.match(holdfast(["doctor"]).out, diagnosis.adapter.name);
});
