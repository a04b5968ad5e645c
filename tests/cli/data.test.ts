/** Data as commands name them: what is stored of them, a training run on a folder of images, refusals. */
import { mkdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { dataName, dataSource, openData, sourceValues } from "../../cli/data.js";
import { Live } from "../../cli/live.js";
import { fileMetadata, recipeFrom, resumedRecipe } from "../../cli/recipe.js";
import { openTable, readPreparation, readSafetensors, shapeIn } from "../../nn/index.js";
import { check, gpuTest, test } from "../harness.js";
import { makePng } from "../nn/make-png.js";
import { holdfast, inFolder } from "./holdfast.js";

const none = { data: undefined, target: undefined, "image-size": undefined, labels: undefined, channels: undefined };
const unset = {
  ...{ ...none, "train-size": undefined, "test-size": undefined, network: undefined, activation: undefined },
  ...{ beta: undefined, batch: undefined, lr: undefined, seed: undefined },
};
const silent = new Live({ write: () => true });

/** Eight red and eight blue pictures of 10x8 pixels. */
function pictures(folder: string): string {
  for (const [name, channel] of [
    ["red", 0],
    ["blue", 2],
  ] as const) {
    mkdirSync(join(folder, "photos", name), { recursive: true });
    for (let i = 0; i < 8; i++) {
      const sample = (x: number, y: number, c: number): number => (c === channel ? 200 + i : 4 * x + y);
      const png = makePng({ width: 10, height: 8, depth: 8, colourType: 2, channels: 3, sample });
      writeFileSync(join(folder, "photos", name, `${i}.png`), png);
    }
  }
  return join(folder, "photos");
}

const TABLE = `size,matter,weight\n${Array.from({ length: 20 }, (_, i) => `${i},${"ab"[i % 2]},${i > 9 ? "heavy" : "light"}`).join("\n")}\n`;

test("a source of data is stored and read again as it was", () =>
  inFolder(async (folder) => {
    const csv = join(folder, "things.csv");
    writeFileSync(csv, TABLE);
    for (const values of [
      { ...none, data: "compas" },
      { ...none, data: csv, target: "weight" },
      { ...none, data: pictures(folder), "image-size": "4x6", channels: "1" },
      { ...none, data: join(folder, "photos"), labels: "labels.csv" },
    ])
      check.equal(sourceValues(dataSource(values)), values);
    check.equal(dataSource(none), { data: "shapes" });

    const recipe = recipeFrom({ ...unset, data: csv, target: "weight", seed: "3" });
    const dataset = await openData({ ...recipe, name: recipe.data }, silent);
    check.equal([dataset.name, ...dataset.domain.shape, ...dataset.classes], ["things.csv", 2, "heavy", "light"]);
    const told = new Map(Object.entries(fileMetadata(recipe, { ...recipe.card, classes: dataset.classes }, dataset)));
    check.equal(resumedRecipe(told, unset, "w"), recipe);
    check.equal(shapeIn(told), [2]);
    check.equal(readPreparation(told.get("preparation")!), dataset.preparation);
    check.equal(shapeIn(new Map()), [1, 28, 28], "files that say nothing are of such images");
    check.throws(
      () => shapeIn(new Map([["shape", "[0]"]])),
      /^weights: the file says that samples have the shape \[0\]; a list/,
    );
    check.throws(
      () => resumedRecipe(told, { ...unset, target: "matter" }, "w"),
      /^--target matter: w was made with weight; leave it out to go on, or start anew$/,
    );
  }));

test("rows for a network are prepared as the network's own were", () => {
  const own = openTable("size,kind\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n7,a\n8,b\n9,a\n10,b\n", { target: "kind" });
  const others = openTable("size,kind\n100,a\n300,b\n100,a\n300,b\n200,a\n200,b\n100,a\n300,b\n200,b\n200,a\n", {
    ...{ target: "kind", preparation: own.preparation },
  });
  const [column] = own.preparation!.columns;
  check.ok(column.kind === "numeric");
  const back = Array.from(others.train.samples, (v) => Math.round(v * column.deviation + column.mean));
  check.ok(back.length > 4 && back.every((v) => [100, 200, 300].includes(v)), String(back));
  check.equal(others.preparation, own.preparation);
});

test("data that cannot be had are refused in one sentence", () =>
  inFolder(async (folder) => {
    const csv = join(folder, "things.csv");
    writeFileSync(csv, TABLE);
    writeFileSync(join(folder, "notes.txt"), "notes");
    const photos = pictures(folder);
    const refused: [object, RegExp][] = [
      [{ data: "fashion-mist" }, /^unknown data set fashion-mist; did you mean fashion-mnist\?$/],
      [{ data: "./photo" }, /^--data \.\/photo: there is no such folder or file$/],
      [{ data: "none.csv", target: "a" }, /^--data none\.csv: there is no such file$/],
      [
        { data: join(folder, "notes.txt") },
        /notes\.txt: it is no folder of images and no \.csv file; give one of them$/,
      ],
      [{ data: csv }, /things\.csv: which column is predicted is not said; give --target column$/],
      [
        { data: csv, target: "weight", channels: "1" },
        /^--channels 1: .*things\.csv is no folder of images; leave it out$/,
      ],
      [{ data: photos, target: "weight" }, /^--target weight: .*photos is no \.csv file; leave it out$/],
      [{ data: photos, channels: "2" }, /^unknown number of channels 2/],
      [{ data: photos, "image-size": "4" }, /^--image-size 4: a height and a width such as 32x48 are needed$/],
      [{ "image-size": "4x4" }, /^--image-size 4x4: shapes is no folder of images; leave it out$/],
    ];
    for (const [values, message] of refused) {
      const error = check.throws(() => dataSource({ ...none, ...values }), message);
      check.is(error.name, "UsageError");
    }
    check.throws(
      () => dataName("compas"),
      /^--data compas: samples of \[7\]; this command takes \[1,28,28\] so far: shapes, fashion-mnist, mnist$/,
    );
    await check.rejects(
      () => openData({ name: csv, target: "wait" }, silent),
      /^things\.csv: there is no column "wait"; there is "size"/,
    );
    await check.rejects(
      () => openData({ name: photos, trainSize: 99 }, silent),
      /99 samples were asked for; it has 1 to 12$/,
    );
  }));

gpuTest(
  "a network trains on a folder of pictures, and its file says of what shape they are",
  () =>
    inFolder(async (folder) => {
      pictures(folder);
      const args = [
        "train",
        "--data",
        "photos",
        "--image-size",
        "8x8",
        "--batch",
        "4",
        "--epochs",
        "8",
        "--lr",
        "0.02",
      ];
      const { code, out, err } = await holdfast(folder, [...args, "--out", "w.safetensors"]);
      check.is(code, 0, err);
      check.match(out, /12 images of photos/);
      check.match(out, /test accuracy 100\.00 % on 4 images/);
      const { metadata, tensors } = readSafetensors(await readFile(join(folder, "w.safetensors")));
      check.equal(
        ["data", "image-size", "channels", "shape"].map((name) => metadata.get(name)),
        ["photos", "8x8", undefined, "[3,8,8]"],
      );
      check.equal([...tensors.get("0.weight")!.shape], [16, 3, 3, 3]);
    }),
  { timeoutMs: 120_000 },
);
