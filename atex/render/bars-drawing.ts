/** Bar charts of rows of a table: names and values once, then a chart beside each other for each explanation. */
import { type BarChart, largestBar } from "./bars.js";
import { beside, type Drawing, type Ink, LETTER, LINE, type Mark, stack, textMarks, textWidth } from "./drawing.js";
import { paragraph, spread, wrap } from "./panel.js";
import { digits, signed } from "./scale.js";

export interface BarsOptions {
  readonly title?: string;
  readonly footer?: string;
  /** "shared": a unit is as long in every chart; "own": the longest bar of each chart is as long. Default "shared". */
  readonly scale?: "shared" | "own";
  /** The most charts beside each other; if there are more, they are spread evenly over several lines. Default 4. */
  readonly across?: number;
}

const GAP = 8;
/** From the end of the negative to the end of the positive bars. */
const BARS = 200;
const NUMBER_LETTERS = 9;
const CHART = BARS + GAP + NUMBER_LETTERS * LETTER;
const NAME_LETTERS = 26;
const VALUE_LETTERS = 14;
const BAR = 14;
/** The narrowest text under the charts. */
const FOOTER_LETTERS = 44;

/** The part of the axis on either side of zero that a chart has to show. */
interface Extent {
  readonly negative: number;
  readonly positive: number;
}

/** Names and values of a chart's bars, broken into lines. */
interface Labels {
  readonly names: readonly string[][];
  readonly values: readonly string[][];
  /** In pixels, of each row. */
  readonly heights: readonly number[];
}

/**
 * Charts beside each other; those with the same features in the same order as their neighbour on the left go on without names.
 * @throws RangeError without any chart, for a scale that is unknown, or `across` that is no positive whole number.
 */
export function barsDrawing(charts: readonly BarChart[], options: BarsOptions = {}): Drawing {
  const { title = "", footer = "", scale = "shared", across = 4 } = options;
  if (charts.length === 0) throw new RangeError("barsDrawing: no charts; at least one is needed");
  if (scale !== "shared" && scale !== "own") {
    throw new RangeError(`barsDrawing: scale "${scale}" is unknown; there is "shared" and "own"`);
  }
  if (!(Number.isInteger(across) && across >= 1)) {
    throw new RangeError(`barsDrawing: across ${across}; a positive whole number of charts is needed`);
  }
  const shared = extentOf(charts);
  const lines: Drawing[] = [];
  for (const line of spread(charts, across)) {
    const titles = line.map((chart) => wrap(chart.title, Math.floor(CHART / LETTER)));
    const head = GAP + Math.max(...titles.map((one) => one.length)) * LINE;
    const parts = line.flatMap((chart, i) => {
      const labels = labelsOf(chart);
      const extent = scale === "shared" ? shared : extentOf([chart]);
      const drawn = chartDrawing(chart, { labels, extent, title: titles[i], head });
      return i > 0 && sameFeatures(chart, line[i - 1]) ? [drawn] : [labelDrawing(labels, head), drawn];
    });
    lines.push(beside(parts, GAP));
  }
  const grid = stack(lines, GAP);
  const width = Math.max(grid.width + GAP, FOOTER_LETTERS * LETTER + 2 * GAP);
  const words = [scaleWords(charts, scale), footer].filter(Boolean).join(" ");
  const parts = [{ ...grid, width }, paragraph(words, width, GAP)];
  if (title) parts.unshift(paragraph(title, width, GAP));
  return stack(parts);
}

/** What the lengths mean. */
function scaleWords(charts: readonly BarChart[], scale: "shared" | "own"): string {
  const direction = "Bars to the right, red, speak for the output; to the left, blue, against it.";
  if (charts.length === 1) return direction;
  return scale === "own"
    ? `${direction} Each chart has its own scale: lengths compare within a chart, numbers between charts.`
    : `${direction} All charts have one scale: the longest bar is ${digits(Math.max(...charts.map(largestBar)))}.`;
}

function extentOf(charts: readonly BarChart[]): Extent {
  const all = charts.flatMap(({ bars }) => bars.map(({ contribution }) => contribution));
  return { negative: -Math.min(0, ...all), positive: Math.max(0, ...all) };
}

const sameFeatures = (a: BarChart, b: BarChart): boolean =>
  a.bars.length === b.bars.length &&
  a.bars.every(({ name, value }, i) => name === b.bars[i].name && value === b.bars[i].value);

function labelsOf({ bars }: BarChart): Labels {
  const names = bars.map(({ name }) => wrap(name, NAME_LETTERS));
  const values = bars.map(({ value }) => wrap(value, VALUE_LETTERS));
  return { names, values, heights: names.map((name, i) => Math.max(1, name.length, values[i].length) * LINE + 2) };
}

/** Where each row begins. */
const topsOf = (heights: readonly number[], head: number): number[] =>
  heights.map((_, i) => heights.slice(0, i).reduce((sum, height) => sum + height, head));

function labelDrawing({ names, values, heights }: Labels, head: number): Drawing {
  const widest = (texts: readonly string[][]): number => Math.max(0, ...texts.flat().map(textWidth));
  const right = GAP + widest(names) + 2 * GAP + widest(values);
  const marks = topsOf(heights, head).flatMap((top, i): Mark[] => [
    ...textMarks(names[i], GAP, top),
    ...values[i].map((text, row): Mark => ({ text, left: right, top: top + row * LINE, end: true, ink: "quiet" })),
  ]);
  return { width: right + GAP, height: head + heights.reduce((sum, height) => sum + height, 0), marks };
}

interface Place {
  readonly labels: Labels;
  readonly extent: Extent;
  readonly title: readonly string[];
  /** The upper edge of the first bar. */
  readonly head: number;
}

function chartDrawing({ title: name, bars, notes }: BarChart, { labels, extent, title, head }: Place): Drawing {
  const { negative, positive } = extent;
  // Divided first: the sum of two very large sizes need not be a number.
  const largest = Math.max(negative, positive);
  const whole = largest === 0 ? 0 : negative / largest + positive / largest;
  const long = (size: number): number =>
    size === 0 ? 0 : Math.max(1, Math.round(((size / largest) * (BARS - 2)) / whole));
  const zero = whole === 0 ? BARS / 2 : long(negative);
  const tops = topsOf(labels.heights, head);
  const bottom = head + labels.heights.reduce((sum, height) => sum + height, 0);
  const marks: Mark[] = [
    ...textMarks(title, 0, head - title.length * LINE),
    { ink: "line", left: zero, top: head - 4, width: 2, height: bottom - head + 4 },
  ];
  bars.forEach(({ name: feature, value, contribution }, i) => {
    const ink: Ink = contribution === 0 ? "quiet" : contribution < 0 ? "negative" : "positive";
    // A contribution of zero can be pointed at as well: on the line.
    const width = contribution === 0 ? 2 : long(Math.abs(contribution));
    const left = contribution === 0 ? zero : contribution < 0 ? zero - width : zero + 2;
    const words = `${name}: ${feature}${value && ` = ${value}`}, ${signed(contribution)}`;
    marks.push({ left, width, ink, top: tops[i] + 1, height: BAR, title: words });
    marks.push({ text: signed(contribution), left: CHART, top: tops[i], end: true });
  });
  const words = bars.every(({ contribution }) => contribution === 0) ? ["zero for every feature", ...notes] : notes;
  const under = words.flatMap((note) => wrap(note, Math.floor(CHART / LETTER)));
  marks.push(...textMarks(under, 0, bottom + GAP, "quiet"));
  return { width: CHART + GAP, height: bottom + GAP + under.length * LINE, marks };
}
