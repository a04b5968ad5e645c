/** What was made before stays readable: settings by which results are recognised, recipes that name weights, and a finished study,
 *  whose report is written again from its results alone. `fixtures/reproduce` was written when these were last decided. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Cell, cellsOf, readConfig, settingsOf } from "../../atex/experiments/index.js";
import { recipeOf } from "../../atex/experiments/recipe.js";
import { UsageError } from "../../cli/command.js";
import { type CellResult, cellText } from "../../cli/reproduce/cell-file.js";
import { tableAsMarkdown } from "../../cli/reproduce/markdown.js";
import { writeReport } from "../../cli/reproduce/report.js";
import { Study } from "../../cli/reproduce/study.js";
import { ones } from "../../engine/index.js";
import { DataError, packTree } from "../../nn/index.js";
import { onReference } from "../executors.js";
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
    // Each of them was made with the settings that it has today, as far as its file says.
    const [changed] = (await study.results()).map(({ cell }) => cell);
    const path = join(folder, "cells", `${changed.id}.json`);
    const text = await readFile(path, "utf8");
    for (const [spoilt, message] of [
      [text.replace('"steps":6', '"steps":7'), /it was made with other settings than config\.json has; remove it/],
      [text.replace(changed.id, "other"), /it is the result of other; remove it/],
      [
        text.replace(/"value":[\d.]+/, '"value":null'),
        /measurements\[0\]\.value: null came; a number is needed; remove it/,
      ],
      [text.slice(0, 1000), /the file is no JSON, or not all of it \(.*\); remove it/],
      ["[]", /configuration: \[\] came; an object is needed; remove it/],
    ] as const) {
      await writeFile(path, spoilt);
      const error = await check.rejects(() => study.result(changed), UsageError);
      check.ok(error.message.startsWith(`${path}: `), error.message);
      check.match(error.message, message);
    }
    await writeFile(path, text);
    // What is written now has a checksum besides.
    await study.save((await study.result(changed))!);
    const sealed = await readFile(path, "utf8");
    check.equal((await study.result(changed))?.measurements, JSON.parse(text).measurements);
    await writeFile(path, sealed.replace(/"value":0\.\d/, '"value":0.1'));
    await check.rejects(
      () => study.result(changed),
      /does not have its checksum: something in it was changed or damaged/,
    );
    await writeFile(path, text);
    // Its results are those a study of today would come to.
    const other = await Study.open(join(folder, "other"), config);
    check.equal(await other.merge([folder]), { taken: lines.length, leftAside: 0 });
  }));

test("a damaged configuration or network of a study is named, and what is no number is no result", () =>
  inFolder(async (folder) => {
    const [first, line] = (await readFile(join(fixtures, "study.jsonl"), "utf8")).trim().split("\n");
    const config = readConfig(JSON.parse(first));
    await writeFile(join(folder, "config.json"), first.slice(0, 200));
    const named = await check.rejects(() => Study.open(folder, config), UsageError);
    check.ok(named.message.startsWith(`${join(folder, "config.json")}: `), named.message);
    check.match(named.message, /give the folder its configuration back, or choose another --out$/);

    await writeFile(join(folder, "config.json"), first);
    const study = await Study.open(folder, config);
    const recipe = recipeOf(config, { data: "shapes", seed: 0, scheme: "normal" });
    const weights = await onReference(() => packTree({ w: ones([2]) }, { recipe: JSON.stringify(recipe) }));
    await study.weights.save(recipe, weights);
    check.identical(new Uint8Array((await study.weights.load(recipe))!), weights);
    const [name] = await readdir(join(folder, "weights"));
    for (const [bytes, message] of [
      [weights.subarray(0, 100), /safetensors: .*; remove it, and the network will be trained again$/],
      [
        await onReference(() => packTree({ w: ones([2]) }, { recipe: "{}" })),
        /it holds another network than its name says/,
      ],
    ] as const) {
      await writeFile(join(folder, "weights", name), bytes);
      const error = await check.rejects(() => study.weights.load(recipe), DataError);
      check.match(error.message, message);
      check.ok(error.message.includes(name), error.message);
    }

    const result = JSON.parse(line) as CellResult;
    const odd = { ...result, measurements: [{ ...result.measurements[0], value: Number.NaN }] };
    check.throws(() => cellText(odd), /^accuracy of normal is NaN under \{\}; a result is a finite number$/);
  }));

test("titles and names are no markup in the tables of a report", () => {
  const text = tableAsMarkdown({
    ...{ title: "a | b\n# c", header: ["<script>", "`x`"], caption: "[click](http://x)" },
    rows: [["\u001b[2J", "1 | 2\n| 3"]],
  });
  check.is(
    text,
    "### a \\| b\\\\x0a# c\n\n| \\<script\\> | \\`x\\` |\n| --- | --- |\n| \\\\x1b\\[2J | 1 \\| 2\\\\x0a\\| 3 |\n\n\\[click\\](http://x)",
  );
});
