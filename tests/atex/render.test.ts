import { colourAt, DIVERGING, SEQUENTIAL } from "../../atex/render/colours.js";
import { heatmap, pixelMaps } from "../../atex/render/heatmap.js";
import { digits, mapScale, signed } from "../../atex/render/scale.js";
import { check, test } from "../harness.js";
import { pixel } from "./render.js";

/** Linear light of an sRGB colour (IEC 61966-2-1). */
const linear = (rgb: readonly number[]): number[] =>
  rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
const times = (matrix: readonly (readonly number[])[], v: readonly number[]): number[] =>
  matrix.map((row) => row.reduce((sum, m, i) => sum + m * v[i], 0));

/** Colours as seen without one kind of cones: Machado, Oliveira, Fernandes 2009, table 1, severity 1, on linear light. */
const SIGHT = {
  ordinary: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};
type Sight = keyof typeof SIGHT;
const SIGHTS = Object.keys(SIGHT) as Sight[];

/** CIE L*a*b* under D65 of a colour as somebody sees it: L* is how light it is, 0 to 100; distances are about what can be told apart. */
function seen(rgb: readonly number[], sight: Sight): number[] {
  const light = times(SIGHT[sight], linear(rgb)).map((c) => Math.min(1, Math.max(0, c)));
  const xyz = times(
    [
      [0.4124, 0.3576, 0.1805],
      [0.2126, 0.7152, 0.0722],
      [0.0193, 0.1192, 0.9505],
    ],
    light,
  );
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);
  const [x, y, z] = [f(xyz[0] / 0.9505), f(xyz[1]), f(xyz[2] / 1.089)];
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
const apart = (a: readonly number[], b: readonly number[]): number => Math.hypot(...a.map((v, i) => v - b[i]));
const share = Array.from({ length: 256 }, (_, i) => i / 255);

test("the sequential colours grow lighter from black to nearly white, in grey print and without any kind of cones", () => {
  for (const sight of SIGHTS) {
    const light = share.map((t) => seen(colourAt(SEQUENTIAL, t), sight)[0]);
    const falls = light.slice(1).map((value, i) => light[i] - value);
    // Colours are bytes: half a step of a channel is 0.15 of L*.
    check.ok(Math.max(...falls) < 0.35, `${sight}: falls by ${Math.max(...falls)}`);
    check.ok(light[0] < 2 && light[255] > 90, `${sight}: from ${light[0]} to ${light[255]}`);
    const steps = Array.from({ length: 16 }, (_, i) => light[17 * i]);
    check.ok(
      steps.every((value, i) => i === 0 || value - steps[i - 1] > 2),
      `${sight}: each sixteenth is lighter than the one before`,
    );
  }
});

test("the diverging colours have equally dark ends, grow lighter to zero, and their signs are told apart without any kind of cones", () => {
  const at = (t: number, sight: Sight): number[] => seen(colourAt(DIVERGING, t), sight);
  for (const t of share.slice(0, 103)) {
    const difference = Math.abs(at(t, "ordinary")[0] - at(1 - t, "ordinary")[0]);
    check.ok(difference < 6, `lightness differs by ${difference} at ${t}`);
  }
  for (const sight of SIGHTS) {
    for (const t of [0, 0.1, 0.2, 0.3]) {
      // 2.3 is a just noticeable difference; 20 is one between neighbouring names of colours.
      check.ok(
        apart(at(t, sight), at(1 - t, sight)) > 30,
        `${sight}: ${apart(at(t, sight), at(1 - t, sight))} at ${t}`,
      );
    }
    check.ok(at(0.5, sight)[0] > 93, "zero is nearly white");
    const toZero = share.slice(0, 128).map((t) => [at(t, sight)[0], at(1 - t, sight)[0]]);
    for (const side of [0, 1]) {
      check.ok(
        toZero.every((pair, i) => i === 0 || pair[side] > toZero[i - 1][side] - 0.5),
        `${sight}: lighter towards zero on side ${side}`,
      );
    }
  }
  const [negative, positive] = [colourAt(DIVERGING, 0), colourAt(DIVERGING, 1)];
  check.ok(negative[2] > negative[0] + 50 && positive[0] > positive[2] + 50, "blue is negative, red is positive");
});

test("red against green would fail under deuteranopia: the measure can see it", () => {
  check.ok(apart(seen([160, 110, 0], "ordinary"), seen([110, 130, 0], "ordinary")) > 30);
  check.ok(apart(seen([160, 110, 0], "deuteranopia"), seen([110, 130, 0], "deuteranopia")) < 15);
});

test("each mode paints by value, clipped at the range", () => {
  const values = [-2, -1, 0, 1, 0.5, 4];
  const size = { height: 2, width: 3 };
  const diverging = heatmap(values, { mode: "diverging", scale: { range: 2, measure: "given" }, ...size });
  const at = (t: number) => colourAt(DIVERGING, t);
  check.equal([diverging.width, diverging.height, diverging.range], [3, 2, 2]);
  check.equal(pixel(diverging, 0, 0), at(0));
  check.equal(pixel(diverging, 2, 0), at(0.5));
  check.equal(pixel(diverging, 2, 1), at(1), "beyond the range");
  const abs = heatmap(values, { mode: "abs", ...size });
  check.is(abs.range, 4);
  check.equal(pixel(abs, 1, 0), colourAt(SEQUENTIAL, 1 / 4));
  check.equal(pixel(abs, 1, 0), pixel(abs, 0, 1), "the sign does not count");
  const image = { values: [0, 0, 1, 0, 0, 0], channels: 1 };
  const overlay = heatmap(values, { mode: "overlay", ...size, image });
  check.equal(pixel(overlay, 2, 0), [255, 255, 255], "zero shows the image");
  check.equal(pixel(overlay, 2, 1), at(0.9), "the full size hides it");
});

test("an overlay over a colour image shows the image's colours where the map is 0, and its own where it is full", () => {
  const image = { values: [1, 0, 0, 0, 0, 0], channels: 3 };
  const overlay = heatmap([0, -1], { mode: "overlay", height: 1, width: 2, image });
  const [red, green, blue] = pixel(overlay, 0, 0);
  // 70 + 185 (0.6 · 0.2126 + 0.4 · channel)
  check.equal([red, green, blue], [168, 94, 94]);
  check.equal(pixel(overlay, 1, 0), colourAt(DIVERGING, 0.1));
});

test("the caption names the scale", () => {
  const values = Array.from({ length: 200 }, (_, i) => -(i + 1));
  const size = { height: 20, width: 10 };
  check.match(heatmap(values, { mode: "abs", ...size }).caption, /^\|value\|: black 0, yellow 200 \(maximum\)$/);
  const p99 = heatmap(values, { mode: "diverging", normalise: "p99", ...size });
  check.match(p99.caption, /^blue negative, red positive, full colour at 198 \(99th percentile\)$/);
  const scale = mapScale([values, [1, 400]], "p99");
  check.equal(scale, { range: 199, measure: "99th percentile of 2 maps" });
  check.match(heatmap(values, { mode: "abs", scale, ...size }).caption, /yellow 199 \(99th percentile of 2 maps\)/);
  check.is(mapScale([[1, -3], [2]]).range, 3);
});

test("a sparse map, whose 99th percentile is 0, is drawn up to its maximum, and the caption says so", () => {
  const values = new Float32Array(784);
  for (const at of [100, 300, 500, 700]) values[at] = at === 300 ? -0.5 : 0.25;
  const map = heatmap(values, { mode: "diverging", normalise: "p99", height: 28, width: 28 });
  check.is(map.range, 0.5);
  check.match(map.caption, /full colour at 0\.500 \(maximum; the 99th percentile is 0\)/);
  check.equal(pixel(map, 300 % 28, Math.floor(300 / 28)), colourAt(DIVERGING, 0));
});

test("a map that is 0 everywhere is empty and says so in words, on a scale of its own and on a shared one", () => {
  const size = { height: 1, width: 2 };
  const own = heatmap([0, 0], { mode: "diverging", normalise: "p99", ...size });
  check.equal([own.caption, own.empty, own.range], ["zero everywhere", true, 0]);
  check.equal(pixel(own, 0, 0), colourAt(DIVERGING, 0.5));
  const shared = heatmap([0, -0], { mode: "abs", scale: { range: 1, measure: "shared" }, ...size });
  check.equal([shared.caption, shared.empty], ["zero everywhere", true]);
  check.equal(pixel(shared, 1, 0), [0, 0, 4]);
});

test("maps that cannot be drawn honestly are refused", () => {
  const one = { mode: "abs", height: 1, width: 2 } as const;
  const given = (range: number) => ({ ...one, scale: { range, measure: "given" } });
  check.throws(() => heatmap([1, Number.NaN], one), /1 of 2 values are NaN or infinite/);
  check.throws(() => heatmap([Infinity, Number.NaN], given(1)), /2 of 2 values are NaN or infinite/);
  check.throws(() => heatmap([1, 2, 3], one), /3 values for a map of \[1,2\]; 2 are needed/);
  check.throws(() => heatmap([1, 2], { ...one, mode: "overlay" }), /an overlay needs the image it lies on/);
  const image = { values: [1, 2], channels: 3 };
  check.throws(() => heatmap([1, 2], { ...one, mode: "overlay", image }), /2 values for an image of \[3,1,2\]; 6/);
  check.throws(() => heatmap([1, 2], given(-1)), /range -1 for values up to 2; a finite size/);
  check.throws(() => heatmap([1, 2], given(0)), /range 0 for values up to 2/);
  check.throws(
    () => heatmap([1, 2], { ...one, mode: "grey" as "abs" }),
    /heatmap: mode is "grey"; "abs" or "diverging" or "overlay" is needed/,
  );
  check.throws(
    () => heatmap([1], { mode: "abs", height: 1 } as never),
    /heatmap: width is undefined; a number is needed/,
  );
  check.throws(() => mapScale([[]]), /no values/);
  check.throws(() => mapScale([[1]], "mean" as "max"), /normalise is "mean"; "max" or "p99" is needed/);
});

test("an attribution of a colour image becomes one signed map and one of sizes", () => {
  const size = { channels: 3, height: 1, width: 2 };
  const maps = pixelMaps([1, 2, -1, 3, 4, -5], size);
  check.equal([...maps.signed], [4, 0]);
  check.equal([...maps.size], [6, 10]);
  check.equal([...pixelMaps([1, -2], size).size], [1, 2], "a map of pixels is taken as it is");
  check.throws(() => pixelMaps([1, 2, 3], size), /3 values for an image of \[3,1,2\]; 2 or 6 are needed/);
});

test("numbers are short and keep their sign", () => {
  check.equal([0, 0.03125, -0.5, 999.7, 1234.5, 4.31e-5, 1e-9, 2.5e7].map(digits), [
    "0.00",
    "0.0313",
    "-0.500",
    "1000",
    "1235",
    "4.31e-5",
    "1.00e-9",
    "2.50e+7",
  ]);
  check.equal([0, 1.1, -0.0312].map(signed), ["0", "+1.10", "\u22120.0312"]);
});
