/** Every export of atex with about forty kinds of wrong argument in each position. */
import * as atex from "../atex/index.js";
import type { Tensor } from "../engine/index.js";
import { imageDomain, imageScore, images, key } from "./arguments/atex/world.js";
import { ATEX } from "./arguments/atex.js";
import { testEntry } from "./arguments/entry.js";
import { type AnyFunction, type Row, trial } from "./arguments/row.js";
import { numbers } from "./atex/subjects.js";
import { check, test } from "./harness.js";

testEntry("atex", atex, ATEX);

const faultsOf = (name: string, f: AnyFunction, row: Row): Promise<string[]> =>
  trial(name, f, row, { calls: 0, covered: new Set() });

// What a row of a table makes is checked in one place for all of its kind.
for (const { name, uses } of atex.EXPLAINER_TABLE)
  test(`what ${name} makes refuses what is no score and no samples`, async () => {
    const made = (score: atex.Score, x: Tensor): Tensor => {
      const background = uses?.background ? images() : undefined;
      return atex.makeExplainer(name, {}, { domain: imageDomain, key: key(), background })(score, x);
    };
    const row: Row = { args: () => [imageScore(), images()], notCalled: "tests/atex/explainers.test.ts" };
    check.equal(await faultsOf(name, made, row), []);
  });

for (const { name, kind } of atex.METRIC_TABLE.filter((entry) => entry.kind === "similarity"))
  test(`${name}, a ${kind}, refuses what are no maps`, async () => {
    const made = (a: Tensor, b: Tensor): Tensor => atex.makeMetric(name as "cosine", {}, { key: key() })(a, b);
    const grids = (): Tensor => numbers([2, 14, 14], 3, 0, 1);
    check.equal(await faultsOf(name, made, { args: () => [grids(), grids()] }), []);
  });

for (const { name } of atex.METRIC_TABLE.filter((entry) => entry.kind === "faithfulness"))
  test(`${name} refuses what is no score, no samples and no attribution`, async () => {
    const made = (score: atex.Score, x: Tensor, map: Tensor): Tensor =>
      atex.makeMetric(name as "deletion-auc", {}, { key: key(), domain: imageDomain, background: images() })(
        score,
        x,
        map,
      );
    const row: Row = { args: () => [imageScore(), images(), images()], notCalled: "tests/atex/faithfulness.test.ts" };
    check.equal(await faultsOf(name, made, row), []);
  });
