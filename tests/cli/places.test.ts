/** Where commands may write, and where they keep files: told before the work in one sentence, and nothing is lost. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../cli/command.js";
import { writeOutput } from "../../cli/files.js";
import { Live } from "../../cli/live.js";
import { requireWritable, requireWritableFolder } from "../../cli/writable.js";
import { check, gpuTest, root, skip, test } from "../harness.js";
import { holdfast, inFolder } from "./holdfast.js";

/** Commands that write a file or a folder, with a place where nothing can be. */
const COMMANDS: readonly (readonly string[])[] = [
  ["train"],
  ["defend", "--weights", "w"],
  ["attack", "--weights", "w"],
  ["explain", "--weights", "w"],
  ["audit", "--weights", "w"],
  ["sanity", "--weights", "w"],
  ["manipulate", "fooling", "--weights", "w"],
  ["export", "--weights", "w"],
  ["import", "w.onnx"],
  ["reproduce", "--config", "smoke"],
  ["demo"],
];
/** What names end in. */
const ENDS: Readonly<Record<string, string>> = { explain: ".png", export: ".onnx", import: ".safetensors" };

test(
  "a place that takes no file is told of before the work, by every command, in one sentence with status 2",
  () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, "file"), "");
      for (const args of COMMANDS) {
        const out = `file/x${ENDS[args[0]] ?? ""}`;
        const { code, out: said, err } = await holdfast(folder, [...args, "--out", out]);
        check.equal([args[0], code, said], [args[0], 2, ""]);
        check.match(err, /^holdfast: --out file\/x\S*: it cannot be written, a part of the path is a file\n$/);
      }
    }),
  { timeoutMs: 120_000 },
);

test("places for a file are tried as they are named", () =>
  inFolder(async (folder) => {
    const at = (name: string): string => join(folder, name);
    writeFileSync(at("file"), "old");
    mkdirSync(at("folder"));
    symlinkSync("round", at("round"));
    const cases: [string, RegExp][] = [
      ["", /^--out is empty; the name of a file is needed$/],
      [`${at("new")}/`, /it is a folder; a file is needed$/],
      [at("folder"), /it is a folder; a file is needed$/],
      [at("file/x"), /a part of the path is a file$/],
      [at("round"), /a circle of links$/],
      [at("n".repeat(256)), /the name is too long$/],
      ["/proc/x/y", /^--out \/proc\/x\/y: it cannot be written, /],
    ];
    for (const [path, message] of cases) {
      const error = await check.rejects(() => requireWritable("out", path), UsageError);
      check.match(error.message, message);
    }
    for (const path of [at("file"), at("a/b/c"), at("n".repeat(255)), "/dev/null"]) await requireWritable("out", path);
    check.is(readFileSync(at("file"), "utf8"), "old");
    await check.rejects(() => requireWritableFolder("out", ""), /^--out is empty; the name of a folder is needed$/);
    await check.rejects(() => requireWritableFolder("out", at("file")), /a part of the path is a file$/);
    await requireWritableFolder("out", at("p/q"));
    check.equal(readdirSync(at("p/q")), [], "nothing is left of trying");
  }));

test("a file that may not be written is told of before", () =>
  inFolder(async (folder) => {
    if (process.getuid?.() === 0) skip("root may write everywhere");
    const path = join(folder, "fixed");
    writeFileSync(path, "");
    chmodSync(path, 0o444);
    await check.rejects(() => requireWritable("out", path), /it is not allowed$/);
  }));

test("what cannot be written in the end is kept elsewhere, and where is said", async () => {
  const error = await check.rejects(() => writeOutput("/dev/full", "the result"), UsageError);
  check.match(
    error.message,
    /^\/dev\/full: it cannot be written, there is no space left; what was to be written is in \S+$/,
  );
  check.is(readFileSync(/is in (\S+)$/.exec(error.message)![1], "utf8"), "the result");
});

test("names from files reach a terminal as text, and a line that is rewritten stays one", () => {
  const written: string[] = [];
  const live = new Live({ isTTY: true, columns: 40, write: (text) => written.push(text) });
  live.update("class \u001b[2K\rsafe\nnext");
  live.print("class \u001b]0;title\u0007\nsecond line");
  check.equal(written, [
    "\r\u001b[2Kclass \\x1b[2K\\x0dsafe\\x0anext",
    "\r\u001b[2Kclass \\x1b]0;title\\x07\nsecond line\n",
  ]);
  check.is(new UsageError("--weights \u001b[31mred: no").message, "--weights \\x1b[31mred: no");
});

test("a user without an entry in the password file and without HOME gets help, and a cache of their own", () =>
  inFolder(async (folder) => {
    if (process.getuid?.() !== 0) skip("only root can be another user");
    chmodSync(folder, 0o777);
    const nobody = { env: { PATH: process.env.PATH }, uid: 54_321 };
    for (const args of [["--help"], ["train", "--help"], ["--version"]]) {
      const { code, err } = await holdfast(folder, args, undefined, nobody);
      check.equal([code, err], [0, ""]);
    }
    const script = `const { cacheFolder } = await import(${JSON.stringify(join(root, "dist/engine/cache.node.js"))}); console.log(await cacheFolder());`;
    const { spawnSync } = await import("node:child_process");
    const folderOf = (env: NodeJS.ProcessEnv): string =>
      spawnSync(process.execPath, ["--input-type=module", "-e", script], {
        encoding: "utf8",
        env,
        uid: 54_321,
      }).stdout.trim();
    check.match(folderOf({ PATH: process.env.PATH }), /holdfast-54321$/);
    check.is(folderOf({ PATH: process.env.PATH, XDG_CACHE_HOME: "/x" }), "/x/holdfast");
  }));

gpuTest(
  "training that diverges ends in one sentence and leaves the files of before",
  () =>
    inFolder(async (folder) => {
      writeFileSync(join(folder, "w.safetensors"), "old");
      const args = ["train", "--train-size", "640", "--test-size", "100", "--lr", "1e30", "--out", "w.safetensors"];
      const { code, err } = await holdfast(folder, args);
      check.is(code, 1, err);
      check.match(
        err,
        /holdfast: train: the loss is \S+ by step \d+ of epoch 1; a smaller learning rate, .* are needed\n$/,
      );
      check.equal(
        [readdirSync(folder), readFileSync(join(folder, "w.safetensors"), "utf8")],
        [["w.safetensors"], "old"],
      );
    }),
  { timeoutMs: 120_000 },
);
