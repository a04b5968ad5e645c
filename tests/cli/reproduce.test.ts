/** `holdfast reproduce`: killed and resumed, split and merged, and what its report says. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cellsOf, quantities, readConfig, tablesOf } from "../../atex/experiments/index.js";
import { check, gpuTest, root, test } from "../harness.js";
import { type Finished, holdfast, inFolder } from "./holdfast.js";

/** Two schemes, one seed each, trained for a moment. */
async function writeConfig(folder: string): Promise<string> {
  const raw = JSON.parse(await readFile(join(root, "cli/reproduce/configs/smoke.json"), "utf8"));
  raw.data.shapes = { ...raw.data.shapes, train: 128, validation: 20, test: 100, epochs: 1 };
  raw.schemes.atex.images = 64;
  const attacks = [{ objective: "untargeted", steps: 2, images: 2 }];
  const { tables, smoothing } = raw.experiments;
  raw.experiments = {
    tables: { ...tables, schemes: ["normal", "atex"], attacks, pictures: 1 },
    smoothing: { ...smoothing, rounds: [0, 1], images: 2, samples: 2, seeds: [0] },
  };
  const path = join(folder, "own.json");
  await writeFile(path, JSON.stringify(raw));
  return path;
}

function succeeded({ code, out, err }: Finished): string {
  check.is(code, 0, `${out}\n${err}`);
  return out;
}

const cellsIn = async (folder: string): Promise<string[]> =>
  (await readdir(join(folder, "cells"))).filter((name) => name.endsWith(".json")).sort();

/** Runs until the first cell is done, then ends the process without warning. */
function killedAfterFirstCell(folder: string, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [join(root, "dist/cli/main.js"), ...args], { cwd: folder });
  let out = "";
  child.stdout.on("data", (data: Buffer) => {
    out += data;
    if (/^1\/\d+ \S+: \d+ s/m.test(out)) child.kill("SIGKILL");
  });
  return new Promise((resolve) => child.on("close", () => resolve(out)));
}

test("the attack is as strong as the reference only where none of its numbers is larger", () => {
  const config = readConfig(JSON.parse(readFileSync(join(root, "cli/reproduce/configs/quick.json"), "utf8")));
  const captionFor = (topK: number): string => {
    const measured = [
      { scheme: "authors", conditions: {}, metric: "accuracy", value: 0.88, count: 1000 },
      ...Object.entries({ topK, spearman: 0.4 }).map(([metric, value]) => ({
        ...{ scheme: "authors", conditions: { attack: "rank", steps: 50, eps: 0.08 }, metric, value, count: 20 },
      })),
    ];
    const [cell] = cellsOf(config, ["reference"]);
    return tablesOf("reference", config, quantities([{ cell, measurements: measured }]))[0].caption;
  };
  check.match(captionFor(0.495), "the reference: yes (2 of 2 numbers");
  check.match(captionFor(0.496), "the reference: no (1 of 2 numbers");
});

gpuTest(
  "a killed run goes on where it was, shards merge to the same grid, the report names what is missing",
  () =>
    inFolder(async (folder) => {
      const config = await writeConfig(folder);
      const run = ["reproduce", "--config", config];
      await killedAfterFirstCell(folder, [...run, "--out", "a", "--jobs", "1"]);
      const [first, ...others] = await cellsIn(join(folder, "a"));
      check.equal([first, others.length], ["tables_shapes_normal_seed0.json", 0]);
      const before = await readFile(join(folder, "a/cells", first), "utf8");

      const resumed = succeeded(await holdfast(folder, [...run, "--out", "a", "--shard", "1/2"]));
      check.match(resumed, "1 of 3 cells have results and are skipped");
      check.is(await readFile(join(folder, "a/cells", first), "utf8"), before, "a result is never made twice");
      check.match(await readFile(join(folder, "a/report.html"), "utf8"), "Incomplete: 2 of 5 cells have no result yet");

      succeeded(await holdfast(folder, [...run, "--out", "b", "--shard", "2/2"]));
      const merged = succeeded(await holdfast(folder, [...run, "--out", "all", "--merge", "a", "b"]));
      check.match(merged, "5 results taken over");
      check.equal((await cellsIn(join(folder, "all"))).length, 5);

      const page = await readFile(join(folder, "all/report.html"), "utf8");
      check.ok(!page.includes("Incomplete"), "all cells are there");
      check.ok(!/<script|<link|src="(?!data:)|url\(/.test(page), "the page needs nothing else");
      check.ok(page.indexOf('class="notice"') < page.indexOf("<h2>"), "the verdict comes first");
      check.match(page, /<svg[^>]+aria-label="shapes, untargeted attack on gradient"/);
      check.match(page, "holdfast reproduce --config");
      const csv = (await readFile(join(folder, "all/results.csv"), "utf8")).trim().split("\n");
      check.match(csv[0], /^experiment,data,scheme,.*,mean,half_interval_95,seeds,count$/);
      check.ok(
        csv.some((row) => /^tables,shapes,atex,.*,topK,[\d.]+,[\d.e-]+,0 1,2$/.test(row)),
        csv.join("\n"),
      );
      check.match(await readFile(join(folder, "all/tables.md"), "utf8"), "| ATEX | ");
      const result = JSON.parse(await readFile(join(folder, "all/cells", first), "utf8"));
      check.ok(
        ["command", "adapter", "versions", "date", "seconds"].every((name) => result.origin[name] !== undefined),
      );

      const raw = JSON.parse(await readFile(config, "utf8"));
      raw.title = "Other images for ATEX";
      raw.schemes.atex.images = 32;
      await writeFile(join(folder, "changed.json"), JSON.stringify(raw));
      const changed = ["reproduce", "--config", "changed.json", "--out", "changed", "--merge", "all"];
      check.match(succeeded(await holdfast(folder, changed)), "2 results taken over, 3 left aside");
      check.ok((await cellsIn(join(folder, "changed"))).every((name) => name.startsWith("tables_shapes_normal")));

      const swapped = JSON.parse(await readFile(config, "utf8"));
      swapped.seeds = [1, 0];
      await writeFile(join(folder, "swapped.json"), JSON.stringify(swapped));
      const again = ["reproduce", "--config", "swapped.json", "--out", "swapped", "--merge", "all"];
      const onlySmoothing = "1 result taken over, 4 left aside";
      check.match(
        succeeded(await holdfast(folder, again)),
        onlySmoothing,
        "other cells draw the pictures of the tables",
      );

      const other = await holdfast(folder, ["reproduce", "--quick", "--out", "all", "--list"]);
      check.is(other.code, 2);
      check.match(other.err, /^holdfast: all: it holds a reproduction with other settings/);
    }),
  { timeoutMs: 240_000 },
);

gpuTest(
  "two processes come to the same results as one",
  () =>
    inFolder(async (folder) => {
      const config = await writeConfig(folder);
      const measured = async (jobs: string): Promise<Record<string, unknown>> => {
        succeeded(await holdfast(folder, ["reproduce", "--config", config, "--out", jobs, "--jobs", jobs]));
        const results = (await cellsIn(join(folder, jobs))).map(async (name) => {
          const { measurements, origin } = JSON.parse(await readFile(join(folder, jobs, "cells", name), "utf8"));
          check.is(origin.jobs, Number(jobs));
          return [name, measurements] as const;
        });
        return Object.fromEntries(await Promise.all(results));
      };
      const [one, two] = [await measured("1"), await measured("2")];
      check.is(Object.keys(one).length, 5);
      check.equal(two, one);
    }),
  { timeoutMs: 240_000 },
);

test("a reader that has seen enough ends the command without a word", () =>
  inFolder(async (folder) => {
    const args = [join(root, "dist/cli/main.js"), "reproduce", "--quick", "--list"];
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    let err = "";
    child.stderr.on("data", (data: Buffer) => {
      err += data;
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    check.equal([code, err], [141, ""]);
  }));

test("mistakes are one sentence", () =>
  inFolder(async (folder) => {
    await writeFile(join(folder, "bad.json"), '{"seeds": []}');
    const cases: [string[], RegExp][] = [
      [["--shard", "3/2"], /^holdfast: --shard 3\/2: i\/n with i from 1 to n is needed/],
      [["--jobs", "0"], /^holdfast: --jobs 0: a whole number at least 1 is needed/],
      [["--experiment", "tabels"], /^holdfast: unknown experiment tabels; did you mean tables\?/],
      [["tables"], /^holdfast: tables is no option; names of experiments follow --experiment/],
      [["--config", "bad.json"], /^holdfast: bad\.json: title: nothing came; a text is needed/],
      [["--config", "figurs"], /^holdfast: unknown config figurs; did you mean figures\?/],
      [["--merge", "nowhere"], /^holdfast: --merge nowhere: it holds no results/],
    ];
    for (const [args, message] of cases) {
      const { code, err } = await holdfast(folder, ["reproduce", "--quick", "--out", "out", ...args]);
      const own = args[0] === "--config" ? await holdfast(folder, ["reproduce", ...args]) : { code, err };
      check.is(own.code, 2, own.err);
      check.match(own.err, message);
    }
    const { out } = await holdfast(folder, ["reproduce", "--quick", "--list", "--out", "list"]);
    check.match(out, /tables_fashion-mnist_atex_seed0/);
    const help = (await holdfast(folder, ["reproduce", "--help"])).out;
    for (const file of await readdir(join(root, "cli/reproduce/configs")))
      check.match(
        help,
        new RegExp(`\\b${file.replace(".json", "")}\\b`),
        "a configuration that comes along can be named",
      );
    check.is(JSON.parse((await holdfast(folder, ["reproduce", "--schema"])).out).type, "object");
  }));

/** Processes that a process has started. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);

gpuTest(
  "two processes: one that dies or is sent away harms nobody, and all that are asked to end hand back what they do",
  () =>
    inFolder(async (folder) => {
      const config = await writeConfig(folder);
      const run = ["reproduce", "--config", config, "--jobs", "2"];
      /** Runs, and once a cell is done, so that the others are under way, does something to a process. */
      const whenBusy = (out: string, harm: (main: number, worker: number) => void): Promise<Finished> => {
        const args = [join(root, "dist/cli/main.js"), ...run, "--out", out];
        const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
        let [said, err, done] = ["", "", false];
        child.stderr.on("data", (data: Buffer) => {
          err += data;
        });
        child.stdout.on("data", (data: Buffer) => {
          said += data;
          if (done || !/^1\/5 \S+: /m.test(said)) return;
          const workers = childrenOf(child.pid!).filter((pid) =>
            readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("worker.js"),
          );
          if (workers.length === 0) return;
          done = true;
          harm(child.pid!, workers[0]);
        });
        // The driver warns of its limits.
        const own = (): string => err.replace(/^Warning: .*\n/gm, "");
        return new Promise((resolve) => child.on("close", (code) => resolve({ code, out: said, err: own() })));
      };

      const killed = await whenBusy("killed", (_, worker) => process.kill(worker, "SIGKILL"));
      check.match(killed.out, /FAILED: its process ended with SIGKILL/);
      // It may have been between two cells.
      const lost = /1 cell failed: \S+; run the command again to retry/.test(killed.out) ? 1 : 0;
      check.equal([killed.code, killed.err], [lost, ""], killed.out);
      check.is((await cellsIn(join(folder, "killed"))).length, 5 - lost, "the other process did the rest");

      const sent = await whenBusy("sent", (_, worker) => process.kill(worker, "SIGTERM"));
      succeeded(sent);
      check.is((await cellsIn(join(folder, "sent"))).length, 5, "what it had begun was done by the other one");

      const ended = await whenBusy("ended", (main) => process.kill(main, "SIGTERM"));
      check.is(ended.code, 143, `${ended.out}\n${ended.err}`);
      check.match(ended.out, /stopping; cells that are not done are done when the command is given again/);
      check.ok(!ended.out.includes("FAILED") && ended.err === "", `${ended.out}\n${ended.err}`);
      check.ok((await cellsIn(join(folder, "ended")).catch(() => [])).length < 5);
      succeeded(await holdfast(folder, [...run, "--out", "ended"]));
      check.is((await cellsIn(join(folder, "ended"))).length, 5);
      for (const name of await cellsIn(join(folder, "ended"))) {
        const [a, b] = await Promise.all(
          ["ended", "sent"].map(async (out) => JSON.parse(await readFile(join(folder, out, "cells", name), "utf8"))),
        );
        check.equal(a.measurements, b.measurements);
      }
    }),
  { timeoutMs: 300_000 },
);
