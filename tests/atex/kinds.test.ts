/** Kinds of experiments and defences are objects in tables: nothing else knows them one by one. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type CellOutcome,
  ConfigError,
  cellsOf,
  claims,
  configSchema,
  KINDS,
  plotsOf,
  quantities,
  type ReproduceConfig,
  readConfig,
  tablesOf,
} from "../../atex/experiments/index.js";
import { DEFENCES, MANIPULATION_TABLE } from "../../atex/index.js";
import { check, root, test } from "../harness.js";

/** Every file with shared code about experiments and defences, but for the tables themselves and what stands in them. */
function shared(): { path: string; text: string }[] {
  const folders = ["atex/experiments", "cli/reproduce", "cli/commands", "cli"];
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith(".ts"))
      .map((name) => ({ path: `${folder}/${name}`, text: readFileSync(join(root, folder, name), "utf8") })),
  );
}

/** Words in quotes that stand in code. */
const quoted = (text: string): string[] => [...text.matchAll(/"([^"\n]+)"/g)].map(([, word]) => word);

test("no shared code names a kind of experiment", () => {
  const kinds = KINDS.map(({ kind }) => kind);
  check.is(new Set(kinds).size, kinds.length);
  for (const { path, text } of shared()) {
    // Configurations have the first two names, an objective of attacks the third.
    const others = ["reference", "planted", "target-map"];
    const named = quoted(text).filter((word) => kinds.includes(word) && !others.includes(word));
    check.equal(named, [], path);
  }
});

test("no shared code names a defence, but for the normal training that the others are compared with", () => {
  const names = DEFENCES.flatMap(({ name, presets }) => [name, ...Object.keys(presets)]);
  for (const { path, text } of shared()) {
    // `defend` has a default.
    const named = quoted(text).filter((word) => names.includes(word) && word !== "normal");
    check.equal(named, path === "cli/defences.ts" ? ["atex"] : [], path);
  }
});

const stored = (name: string): ReproduceConfig =>
  readConfig(JSON.parse(readFileSync(join(root, "cli/reproduce/configs", name), "utf8")));

test("configurations can have every kind and every defence, and the smoke test runs every kind", () => {
  const { experiments, schemes } = configSchema.properties as Record<string, Record<string, never>>;
  const text = JSON.stringify([experiments, schemes]);
  for (const { kind, words } of KINDS) {
    check.match(text, `"kind":{"enum":["${kind}"]}`);
    check.ok(words.length > 20, kind);
    const where = MANIPULATION_TABLE.some(({ name }) => name === kind) ? "survey.json" : "smoke.json";
    check.ok(
      Object.values(stored(where).experiments).some((e) => e.kind === kind),
      `${where} runs ${kind}`,
    );
  }
  for (const { name } of DEFENCES) check.match(text, `"kind":{"enum":["${name}"]}`);
});

test("every kind tells its results in tables and plots, whatever is there of them", () => {
  const config = readConfig(
    JSON.parse(readFileSync(join(root, "tests/fixtures/reproduce/study.jsonl"), "utf8").split("\n")[0]),
  );
  const outcomes = readFileSync(join(root, "tests/fixtures/reproduce/study.jsonl"), "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => JSON.parse(line) as CellOutcome);
  check.is(outcomes.length, cellsOf(config).length);
  const all = quantities(outcomes);
  for (const name of Object.keys(config.experiments)) {
    const tables = tablesOf(name, config, all);
    check.ok(tables.length > 0, name);
    for (const { title, header, rows, caption } of tables) {
      check.ok(title.length > 0 && caption.length > 0 && rows.length > 0, name);
      for (const row of rows) check.is(row.length, header.length, `${name}: ${title}`);
      check.ok(
        header.every((_, column) => rows.some((row) => row[column] !== "")),
        `${name}: ${title} has an empty column`,
      );
    }
    for (const { title, series } of plotsOf(name, config, all))
      check.ok(
        series.every(({ points }) => points.length > 1 && points.every(({ x, y }) => Number.isFinite(x + y))),
        `${name}: ${title}`,
      );
    // One cell is enough for a beginning, and none for nothing.
    const first = quantities(outcomes.filter(({ cell }) => cell.experiment === name).slice(0, 1));
    check.ok(tablesOf(name, config, first).length > 0 && claims(config, first).length >= 0, name);
    check.equal([tablesOf(name, config, []), plotsOf(name, config, [])], [[], []]);
  }
});

test("a scheme of a defence that learns from the teacher starts from it", () => {
  for (const { name, needs } of DEFENCES) {
    const raw = JSON.parse(readFileSync(join(root, "cli/reproduce/configs/smoke.json"), "utf8"));
    raw.schemes.own = { kind: name, title: "own", epochs: 1, from: "scratch" };
    const read = (): unknown => readConfig(raw).schemes.own.kind;
    if (needs.includes("teacher"))
      check.match(check.throws(read, ConfigError).message, /^schemes\.own\.from: "scratch" came; /);
    else check.is(read(), name);
  }
});
