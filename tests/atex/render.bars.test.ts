import fc from "fast-check";
import { type BarChart, barChart, featureContributions, featureOrder, shownFeatures } from "../../atex/render/bars.js";
import { barsDrawing } from "../../atex/render/bars-drawing.js";
import { type Drawing, rasterise, textWidth, toSvg } from "../../atex/render/drawing.js";
import type { Feature } from "../../nn/index.js";
import { check, test } from "../harness.js";
import { pixel, unclosed } from "./render.js";

const features = (n: number) => Array.from({ length: n }, (_, i) => ({ name: `f${i}`, value: String(i) }));
const chartOf = (contributions: number[], more: object = {}, top?: number): BarChart =>
  barChart(features(contributions.length), { name: "e", contributions, ...more }, { top });
const bars = ({ bars }: BarChart) => bars.map(({ name, contribution }) => [name, contribution]);

/** The bars of a drawing: what has a title. */
const boxes = (drawing: Drawing) =>
  drawing.marks.flatMap((mark) => ("title" in mark && mark.title !== undefined ? [mark] : []));
const texts = (drawing: Drawing) => drawing.marks.flatMap((mark) => ("text" in mark ? [mark.text] : []));

test("bars are sorted by size, whatever their sign, and those beyond the first few are summed", () => {
  check.equal(bars(chartOf([1, -4, 2, 0.5, -3], {}, 2)), [
    ["f1", -4],
    ["f4", -3],
    ["3 other features, summed", 3.5],
  ]);
  check.equal(bars(chartOf([1, -4, 2], {}, 2)).length, 3, "a sum of one feature would hide its name");
  check.equal(bars(chartOf([1, 1, 1]))[0], ["f0", 1], "equal ones stay in the order of the table");
});

test("no contribution is lost: a chart's bars add up to all of them", () => {
  const contributions = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 40 });
  check.holds(
    fc.property(contributions, fc.integer({ min: 1, max: 12 }), (all, top) => {
      const chart = chartOf(all, {}, top);
      const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
      const shown = chart.bars.map(({ contribution }) => contribution);
      return sum(shown) === sum(all) && chart.bars.length <= top + 1;
    }),
  );
});

test("several explanations share an order: the mean of each feature's share, so that units do not count", () => {
  const order = (...all: number[][]) => featureOrder(all.map((contributions) => ({ name: "e", contributions })));
  check.equal(order([1, -3, 2]), [1, 2, 0]);
  check.equal(order([1, -3, 2], [0, 0, 0]), [1, 2, 0], "a map of zeros has no say");
  // Shares: 0.1, 0.9 and 0.6, 0.4 → means 0.35, 0.65; the sums of sizes would say the opposite.
  check.equal(order([1, 9], [600, 400]), [1, 0]);
  check.equal(order([1e308, 1e308, 1.5e308]), [2, 0, 1], "sums beyond the largest number");
});

test("base value, contributions and output stand under the chart, with what is missing", () => {
  const notes = (more: object) => chartOf([1, -0.25], more).notes;
  check.equal(notes({}), []);
  check.equal(notes({ base: 0.5, output: 1.25 }), ["base value 0.500", "contributions 0.750", "output 1.25"]);
  check.equal(notes({ base: 0.5, output: 1, note: "n" }).slice(2), ["output 1.00", "not explained \u22120.250", "n"]);
  check.equal(notes({ base: 0.5, output: 1.25001 }).length, 3, "rounding of float32 is nothing missing");
});

test("elements of a sample become the features a person knows", () => {
  const table: Feature[] = [
    { name: "age", kind: "numeric", at: [0] },
    { name: "sex", kind: "binary", at: [1], values: ["female", "male"] },
    { name: "work", kind: "categorical", at: [2, 3, 4], values: ["none", "state", "own"] },
    { name: "flag", kind: "binary", at: [5] },
  ];
  check.equal(
    shownFeatures(table, [0.123456, 0, 0, 1, 0, 1]).map(({ value }) => value),
    ["0.1235", "female", "state", "1"],
  );
  check.equal([...featureContributions(table, [1, 2, 3, -1, 0.5, 4])], [1, 2, 2.5, 4]);
  check.throws(() => featureContributions(table, [1, 2]), /feature "work" is element 2 of a sample; there are 2/);
});

test("charts that cannot be drawn honestly are refused", () => {
  check.throws(() => chartOf([1, Number.NaN, Infinity]), /2 of 3 contributions of e are NaN or infinite/);
  check.throws(() => chartOf([]), /0 contributions of e for 0 features; one for each, and at least one/);
  check.throws(() => barChart(features(3), { name: "e", contributions: [1] }), /1 contributions of e for 3 features/);
  check.throws(() => chartOf([1], {}, 0), /top 0; a positive whole number/);
  const one = { name: "a", contributions: [1, 2] };
  check.throws(() => featureOrder([one, { name: "b", contributions: [1] }]), /1 contributions of b for 2 features/);
  check.throws(() => barsDrawing([]), /no charts; at least one/);
  check.throws(() => barsDrawing([chartOf([1])], { across: 0 }), /across 0; a positive whole number/);
  check.throws(() => barsDrawing([chartOf([1])], { scale: "log" as "own" }), /scale "log" is unknown/);
});

test("bars are as long as they say, to the pixel, on their side of zero", () => {
  const drawing = barsDrawing([chartOf([3, -1, 0])]);
  // 198 pixels from -1 to 3 and a line of 2 between; the labels are 2 and 1 letters wide.
  const left = 8 + textWidth("f0") + 16 + textWidth("0") + 8 + 8;
  const zero = left + 50;
  check.equal(
    boxes(drawing).map(({ left, width, ink }) => [left, width, ink]),
    [
      [zero + 2, 149, "positive"],
      [zero - 50, 50, "negative"],
      [zero, 2, "quiet"],
    ],
  );
  const [first] = boxes(drawing);
  const sheet = rasterise(drawing);
  check.equal(pixel(sheet, first.left, first.top), [178, 24, 43]);
  check.equal(pixel(sheet, first.left + 148, first.top + 13), [178, 24, 43], "the last pixel");
  check.equal(pixel(sheet, first.left + 149, first.top), [255, 255, 255]);
  check.equal(pixel(sheet, zero, first.top - 2), [200, 204, 210], "the line of zero");
});

test("charts beside each other have one scale, or each its own, and say which", () => {
  const charts = [chartOf([4, -4]), chartOf([1, -2])];
  const widths = (scale: "own" | "shared") => boxes(barsDrawing(charts, { scale })).map(({ width }) => width);
  check.equal(widths("shared"), [99, 99, 50, 25]);
  check.equal(widths("own"), [99, 99, 132, 66]);
  const words = (options: object) => texts(barsDrawing(charts, options)).join(" ");
  check.match(words({}), /All charts have one scale: the longest bar is 4\.00\./);
  check.match(words({ scale: "own" }), /Each chart has its own scale/);
});

test("names are drawn once where neighbours have the same features, and again on every line", () => {
  const same = [chartOf([3, 2, 1]), chartOf([5, 2, 1]), chartOf([6, 2, 1])];
  const count = (charts: BarChart[], across: number) =>
    texts(barsDrawing(charts, { across })).filter((text) => text === "f1").length;
  check.equal([count(same, 3), count(same, 2), count(same, 1)], [1, 2, 3]);
  check.is(count([chartOf([3, 2, 1]), chartOf([1, 2, 3])], 2), 2, "another order needs its own names");
  const titles = boxes(barsDrawing(same, { across: 2 })).map(({ top }) => top);
  check.is(new Set(titles).size, 6, "two lines of three bars");
});

test("a chart of zeros says so in words", () => {
  check.ok(texts(barsDrawing([chartOf([0, 0])])).includes("zero for every feature"));
  check.ok(!texts(barsDrawing([chartOf([0, 1])])).includes("zero for every feature"));
});

test("40 features with long names, tiny and huge numbers: nothing leaves the sheet or runs into its neighbour", () => {
  const long = Array.from({ length: 40 }, (_, i) => ({
    name: `a long name of feature ${i} with_many_parts-and-a-word-that-does-not-end`.repeat(1 + (i % 2)),
    value: i % 3 === 0 ? "a category with a long name" : "1.5",
  }));
  const contributions = Array.from({ length: 40 }, (_, i) => (i % 2 ? -1 : 1) * 10 ** (i - 20));
  const explanation = { name: "an-explainer-with-a-very-long-name-indeed", contributions, base: -1e20, output: 1e20 };
  const chart = barChart(long, explanation, { top: 40 });
  check.is(chart.bars.length, 40);
  const drawing = barsDrawing([chart, chart, chart, chart, chart]);
  const { width, height, marks } = drawing;
  for (const mark of marks) {
    const wide = "text" in mark ? textWidth(mark.text) : "width" in mark ? mark.width : 0;
    const left = "text" in mark && mark.end ? mark.left - wide : mark.left;
    check.ok(left >= 0 && left + wide <= width && mark.top >= 0 && mark.top < height, JSON.stringify(mark));
  }
  // Numbers are at most nine letters wide, which is the room between the bars and the next chart.
  const numbers = texts(drawing).filter((text) => /^[+\u2212]\d/.test(text));
  check.ok(numbers.length === 200 && Math.max(...numbers.map((text) => text.length)) <= 9, "numbers fit");
});

test("charts as SVG: well formed, text escaped, every bar named for pointer and keyboard", () => {
  const evil = `"><script>x</script>`;
  const chart = barChart([{ name: evil, value: evil }], { name: evil, contributions: [1], note: evil });
  const svg = toSvg(barsDrawing([chart], { title: evil, footer: evil }), evil);
  check.equal(unclosed(svg), []);
  check.ok(!svg.includes("<script"), "nothing of the text's own");
  check.is(svg.split('tabindex="0"').length - 1, 1);
  check.match(svg, /aria-label="[^"]*: [^"]* = [^"]*, \+1\.00"/);
});
