/** Line plots with error bars, as SVG that takes the page's colours. */
import { escapeHtml, type Html } from "./html.js";

export interface Series {
  readonly name: string;
  /** `half` is half the height of the error bar; NaN draws none. */
  readonly points: readonly { readonly x: number; readonly y: number; readonly half: number }[];
  readonly dashed?: boolean;
}

export interface PlotOptions {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
  readonly logarithmic?: boolean;
  /** What stands under x = 0, 1, 2, ... in place of numbers. */
  readonly names?: readonly string[];
}

const WIDTH = 440;
const HEIGHT = 270;
const LEFT = 52;
const RIGHT = 12;
const TOP = 30;
const BOTTOM = 42;
/** Letters of a name under the axis. */
const NAME = 24;
/** Okabe and Ito's colours, which colour-blind readers tell apart; marks differ as well. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

const MARKS = ["M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0", "M-4 -4H4V4H-4Z", "M0 -5L5 4H-5Z", "M0 -5L5 0L0 5L-5 0Z"];

/** One plot; error bars have caps, series have different marks.
 *  @throws RangeError without any point, for points that are not finite, or if a name is missing. */
export function linePlot({ title, x, y, series, logarithmic = false, names }: PlotOptions): Html {
  const points = series.flatMap((s) => s.points);
  if (points.length === 0) throw new RangeError(`plot "${title}": no points given; at least one is needed`);
  const reach = (p: Series["points"][number]): number => (Number.isNaN(p.half) ? 0 : p.half);
  if (names && points.some((p) => names[p.x] === undefined)) {
    throw new RangeError(
      `plot "${title}": ${names.length} names for x up to ${Math.max(...points.map((p) => p.x))}; one each is needed`,
    );
  }
  const unknown = points.filter((p) => !Number.isFinite(p.x) || !Number.isFinite(p.y)).length;
  if (unknown > 0) {
    throw new RangeError(
      `plot "${title}": ${unknown} of ${points.length} points are NaN or infinite; leave them out and say so`,
    );
  }
  const words = names?.map((name) => (name.length > NAME ? `${name.slice(0, NAME - 1)}…` : name));
  // Names stand almost upright under their ticks.
  const below = words ? 24 + Math.round(Math.max(...words.map((word) => word.length)) * 5.7) : BOTTOM;
  const height = HEIGHT - BOTTOM + below;
  const width = Math.max(WIDTH, LEFT + RIGHT + 28 + 14 * (words?.length ?? 0));
  const ticksY = niceTicks(
    Math.min(...points.map((p) => p.y - reach(p))),
    Math.max(...points.map((p) => p.y + reach(p))),
  );
  const ticksX = [...new Set(points.map((p) => p.x))].sort((a, b) => a - b);
  const scaleX = scale(ticksX[0], ticksX[ticksX.length - 1], LEFT + 14, width - RIGHT - 14, logarithmic);
  const scaleY = scale(ticksY[0], ticksY[ticksY.length - 1], HEIGHT - BOTTOM, TOP, false);
  const grid = ticksY.map((v) => {
    const at = scaleY(v).toFixed(1);
    return `<path d="M${LEFT} ${at}H${width - RIGHT}" stroke="var(--line)"/>${label(LEFT - 6, scaleY(v) + 4, format(v), "end")}`;
  });
  // Side by side where values are the same at all x, so that error bars do not hide each other; many stay in the margins of 14.
  const beside = Math.min(4, 28 / series.length);
  const lines = series.map((s, i) =>
    drawSeries(s, i, (v) => scaleX(v) + beside * (i - (series.length - 1) / 2), scaleY),
  );
  const middle = (LEFT + width - RIGHT) / 2;
  const tick = (v: number): string => {
    if (!words) return label(scaleX(v), HEIGHT - BOTTOM + 16, format(v), "middle");
    const [right, down] = [(scaleX(v) + 4).toFixed(1), HEIGHT - BOTTOM + 12];
    return `<text x="${right}" y="${down}" text-anchor="end" transform="rotate(-65 ${right} ${down})">${escapeHtml(words[v])}<title>${escapeHtml(names![v])}</title></text>`;
  };
  return {
    html: `<figure class="plot"><svg viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${escapeHtml(title)}">
<g font-size="11" fill="var(--quiet)" stroke-width="1">${grid.join("")}
${ticksX.map(tick).join("")}
${label(middle, height - 6, x, "middle")}<text x="13" y="${(HEIGHT - BOTTOM + TOP) / 2}" text-anchor="middle" transform="rotate(-90 13 ${(HEIGHT - BOTTOM + TOP) / 2})">${escapeHtml(y)}</text></g>
<text x="${LEFT}" y="16" font-size="13" font-weight="600" fill="var(--ink)">${escapeHtml(title)}</text>
${lines.join("\n")}</svg><figcaption>${series.map(({ name, dashed }, i) => legend(name, i, dashed)).join(" ")}</figcaption></figure>`,
  };
}

/** Plots in a row, as many as fit. */
export function plots(all: readonly Html[]): Html {
  return {
    html: `<div style="display:flex;flex-wrap:wrap;gap:0 1.5rem">${all.map(({ html }) => html).join("")}</div>`,
  };
}

function drawSeries(
  { points, dashed }: Series,
  i: number,
  scaleX: (v: number) => number,
  scaleY: (v: number) => number,
): string {
  const colour = COLOURS[i % COLOURS.length];
  const at = [...points].sort((a, b) => a.x - b.x).map((p) => ({ ...p, px: scaleX(p.x), py: scaleY(p.y) }));
  const line = `<polyline points="${at.map(({ px, py }) => `${px.toFixed(1)},${py.toFixed(1)}`).join(" ")}" fill="none" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ""}/>`;
  const bars = at.flatMap(({ px, y, half }) => {
    if (Number.isNaN(half)) return [];
    const [high, low] = [scaleY(y + half).toFixed(1), scaleY(y - half).toFixed(1)];
    const [from, to] = [(px - 3).toFixed(1), (px + 3).toFixed(1)];
    return `<path d="M${px.toFixed(1)} ${high}V${low}M${from} ${high}H${to}M${from} ${low}H${to}"/>`;
  });
  return `<g stroke="${colour}">${line}${bars.join("")}${at.map(({ px, py }) => mark(i, px, py, colour)).join("")}</g>`;
}

function mark(i: number, x: number, y: number, colour: string): string {
  // One mark further in every round of the colours: no two series look the same before all pairs are used up.
  const shape = MARKS[(i + Math.floor(i / COLOURS.length)) % MARKS.length];
  return `<path d="${shape}" transform="translate(${x.toFixed(1)} ${y.toFixed(1)})" fill="${colour}"/>`;
}

function legend(name: string, i: number, dashed = false): string {
  const colour = COLOURS[i % COLOURS.length];
  const line = `<path d="M0 6H24" stroke="${colour}" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ""}/>`;
  return `<span style="white-space:nowrap;margin-right:1em"><svg width="24" height="12" aria-hidden="true">${line}${mark(i, 12, 6, colour)}</svg> ${escapeHtml(name)}</span>`;
}

function label(x: number, y: number, text: string, anchor: string): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escapeHtml(text)}</text>`;
}

function scale(low: number, high: number, from: number, to: number, logarithmic: boolean): (v: number) => number {
  const place = logarithmic ? (v: number) => Math.log(v) : (v: number) => v;
  const span = place(high) - place(low);
  return (v) => (span === 0 ? (from + to) / 2 : from + ((place(v) - place(low)) / span) * (to - from));
}

/** Four to eight round numbers around a range. */
function niceTicks(low: number, high: number): number[] {
  const span = Math.max(high - low, Math.abs(high) * 1e-6, 1e-9);
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => span / s <= 5)!;
  const first = Math.floor(low / step);
  const count = Math.ceil(high / step) - first + 1;
  return Array.from({ length: Math.max(2, count) }, (_, i) => (first + i) * step);
}

const format = (v: number): string => String(Number(v.toPrecision(6)));
