/** The address of the page: settings into it and back, and the tables behind it. */
import fc from "fast-check";
import { EXPLAINER_TABLE, OBJECTIVE_TABLE } from "../../atex/index.js";
import {
  decodePixels,
  encodePixels,
  fittedRegion,
  INITIAL,
  readRegion,
  readSettings,
  SETTINGS,
  type Settings,
  SIDE,
  writeRegion,
  writeSettings,
} from "../../page/core/settings.js";
import { previewSteps, stepsAt } from "../../page/core/steps.js";
import { percent } from "../../page/core/words.js";
import { check, test } from "../harness.js";

const bytes = fc.uint8Array({ minLength: SIDE * SIDE, maxLength: SIDE * SIDE });

/** Any settings that controls can make. */
const settings: fc.Arbitrary<Settings> = fc
  .record({
    image: fc.nat(39),
    pixels: fc.option(bytes.map(encodePixels), { nil: "" }),
    explainer: fc.constantFrom(...SETTINGS.explainer.all),
    copies: fc.integer({ min: 2, max: 100 }),
    objective: fc.constantFrom(...SETTINGS.objective.all),
    k: fc.integer({ min: 1, max: 300 }),
    region: fc
      .tuple(fc.nat(27), fc.nat(27), fc.integer({ min: 1, max: 28 }), fc.integer({ min: 1, max: 28 }))
      .map(String),
    target: fc.oneof(
      fc.string({ minLength: 1, maxLength: 4 }).map((word) => `word:${word}`),
      fc.nat(39).map((image) => `image:${image}`),
    ),
    eps: fc.integer({ min: 0, max: 40 }).map((n) => n / 200),
    steps: fc.integer({ min: 1, max: 300 }),
    defence: fc.constantFrom(...SETTINGS.defence.all),
    beta: fc.integer({ min: 1, max: 100 }).map((n) => n / 2),
    view: fc.constantFrom(...SETTINGS.view.all),
    seed: fc.nat(),
    images: fc.integer({ min: 100, max: 10_000 }),
    epochs: fc.integer({ min: 1, max: 30 }),
    rate: fc.integer({ min: 1, max: 1000 }).map((n) => n / 10_000),
    people: fc.integer({ min: 200, max: 5000 }),
    person: fc.nat(49),
  })
  // Records of fast-check have no prototype.
  .map((one) => ({ ...one }));

test("an address repeats every setting", () =>
  check.holds(
    fc.property(settings, (one) => {
      const { settings: again, problems } = readSettings(`#${writeSettings(one)}`);
      check.equal(again, one);
      check.equal(problems, []);
    }),
  ));

test("defaults need no address", () => {
  check.is(writeSettings(INITIAL), "");
  check.equal(readSettings("").settings, INITIAL);
});

test("what an address says without a meaning is told, and the default is used", () => {
  for (const [address, needed] of [
    ["eps=banana", "a number from 0 to 0.2"],
    ["eps=", "a number from 0 to 0.2"],
    ["eps=7", "a number from 0 to 0.2"],
    ["steps=2.5", "a whole number from 1 to 300"],
    ["defence=moat", "one of plain, smoothing, atex, r2et, trained, onnx"],
    ["pixels=abc", "28x28 bytes in base64"],
    ["region=1,2,3", "top,left,height,width in pixels"],
    ["target=horse", "word:NO or image:7"],
  ]) {
    const { settings, problems } = readSettings(`#${address}`);
    check.equal(settings, INITIAL, address);
    check.is(problems.length, 1, address);
    check.match(problems[0], needed);
  }
  check.match(readSettings("#constructor=1").problems[0], "does not know");
  check.equal(readSettings("#eps=x&image=3").settings, { ...INITIAL, image: 3 });
});

test("a picture is a text of an address to the byte", () =>
  check.holds(fc.property(bytes, (one) => check.equal(decodePixels(encodePixels(one)), one))));

test("a region lies in the picture, wherever it was drawn", () =>
  check.holds(
    fc.property(fc.tuple(fc.integer(), fc.integer(), fc.integer(), fc.integer()), ([top, left, height, width]) => {
      const region = fittedRegion({ top, left, height, width });
      check.ok(region.top >= 0 && region.left >= 0 && region.height >= 1 && region.width >= 1);
      check.ok(region.top + region.height <= SIDE && region.left + region.width <= SIDE);
      check.equal(readRegion(writeRegion(region)), region);
      check.is(SETTINGS.region.read(writeRegion(region)), writeRegion(region));
    }),
  ));

test("the page offers every explainer of the table that can be attacked through the network, and no other", () => {
  const attackable = EXPLAINER_TABLE.filter(({ laws, needs }) => laws.differentiable && needs !== "outputs");
  check.equal([...SETTINGS.explainer.all].sort(), attackable.map(({ name }) => name).sort());
  const names = OBJECTIVE_TABLE.map(({ name }) => name);
  for (const name of SETTINGS.objective.all) check.ok(names.includes(name), name);
});

test("fewer steps where it is slow, never more than asked for", () => {
  check.is(stepsAt("gpu", 30), 30);
  check.is(stepsAt("reference", 30), 8);
  check.is(stepsAt("reference", 3), 3);
  check.is(previewSteps(30, { steps: 30, milliseconds: 60 }), 30);
  check.is(previewSteps(30, { steps: 30, milliseconds: 1500 }), 5);
  check.is(previewSteps(30, { steps: 30, milliseconds: 60_000 }), 4);
  check.is(previewSteps(2, undefined), 2);
});

test("nearly all is not all", () => {
  check.equal([1, 0.9999, 0.4, 0.05, 0.004, 0].map(percent), [
    "100\u00a0%",
    "over 99.5\u00a0%",
    "40\u00a0%",
    "5\u00a0%",
    "0.4\u00a0%",
    "0\u00a0%",
  ]);
});
