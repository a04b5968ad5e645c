/** What was made before stays readable: settings by which results are recognised, recipes that name weights, and a finished study,
 *  whose report is written again from its results alone. `fixtures/reproduce` was written when these were last decided. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Cell, cellsOf, readConfig, settingsOf } from "../../atex/experiments/index.js";
import { recipeOf } from "../../atex/experiments/recipe.js";
import { writeReport } from "../../cli/reproduce/report.js";
import { Study } from "../../cli/reproduce/study.js";
import { check, root, test } from "../harness.js";
import { inFolder } from "./holdfast.js";

const fixtures = join(root, "tests/fixtures/reproduce");
const configs = join(root, "cli/reproduce/configs");
const hash = (value: unknown): string => createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);

/** Hashes of a configuration that comes along. */
interface Keys {
  readonly config: string;
  /** Settings of each cell. */
  readonly cells: Readonly<Record<string, string>>;
  /** Of each scheme, the recipes for all data sets and seeds. */
  readonly recipes: Readonly<Record<string, string>>;
}

test("cells and weights of all configurations are called and recognised as before", async () => {
  const keys = JSON.parse(await readFile(join(fixtures, "keys.json"), "utf8")) as Record<string, Keys>;
  check.equal((await readdir(configs)).sort(), Object.keys(keys).sort());
  for (const [name, expected] of Object.entries(keys)) {
    const config = readConfig(JSON.parse(await readFile(join(configs, name), "utf8")));
    check.is(hash(config), expected.config, name);
    const cells = cellsOf(config).map((cell) => [cell.id, hash(settingsOf(config, cell))] as const);
    check.equal(cells, Object.entries(expected.cells), name);
    const places = (Object.keys(config.data) as Cell["data"][]).flatMap((data) =>
      config.seeds.map((seed) => ({ data, seed })),
    );
    const recipes = Object.keys(config.schemes).map((scheme) => [
      scheme,
      // Data without a largest change have normal training only.
      hash(
        places
          .filter(({ data }) => scheme === "normal" || config.data[data].trainEps !== undefined)
          .map((place) => recipeOf(config, { ...place, scheme })),
      ),
    ]);
    check.equal(Object.fromEntries(recipes), expected.recipes, name);
  }
});

/** A page without its looks and pictures, a line for each piece of text. */
function wordsOf(page: string): string {
  return page
    .replace(/<style[\s\S]*?<\/style>/g, "")
    .replace(/<[^>]*>/g, "\n")
    .replace(/\s*\n\s*/g, "\n")
    .trim();
}

test("a finished study gives the same tables, numbers and words", () =>
  inFolder(async (folder) => {
    const [first, ...lines] = (await readFile(join(fixtures, "study.jsonl"), "utf8")).trim().split("\n");
    await mkdir(join(folder, "cells"));
    await writeFile(join(folder, "config.json"), first);
    for (const line of lines) {
      const { cell } = JSON.parse(line) as { cell: Cell };
      await writeFile(join(folder, "cells", `${cell.id}.json`), line);
    }
    const config = readConfig(JSON.parse(first));
    const study = await Study.open(folder, config);
    check.is((await study.results()).length, lines.length);
    await writeReport(study);
    for (const [file, expected] of [
      ["tables.md", "tables.md"],
      ["results.csv", "results.csv"],
      ["report.html", "report.txt"],
    ]) {
      const text = await readFile(join(folder, file), "utf8");
      const now = file === "report.html" ? `${wordsOf(text)}\n` : text;
      check.is(now, await readFile(join(fixtures, expected), "utf8"), file);
    }
    // Its results are those a study of today would come to.
    const other = await Study.open(join(folder, "other"), config);
    check.equal(await other.merge([folder]), { taken: lines.length, leftAside: 0 });
  }));
