/** Plots as SVG files that stand alone, in greys and hues that read on light and on dark pages. */
import { escapeHtml } from "../atex/render/html.js";

export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** Lines over two logarithmic axes. */
export interface Panel {
  readonly x: string;
  readonly y: string;
  readonly lines: readonly Line[];
}

/** A row of a dot plot: a positive value per series. */
export interface DotRow {
  readonly name: string;
  readonly values: Readonly<Record<string, number>>;
}

const ink = "#767676";
const grid = "#80808040";
/** Okabe and Ito's colours, which colour-blind readers tell apart; marks differ as well. */
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const marks = ["M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0", "M-4 -4H4V4H-4Z", "M0 -5L5 4H-5Z", "M0 -5L5 0L0 5L-5 0Z"];

const place = (value: number) => value.toFixed(1);

function text(x: number, y: number, content: string, anchor: "start" | "middle" | "end", more = ""): string {
  return `<text x="${place(x)}" y="${place(y)}" text-anchor="${anchor}"${more}>${escapeHtml(content)}</text>`;
}

function mark(series: number, x: number, y: number): string {
  const shape = marks[series % marks.length];
  return `<path d="${shape}" transform="translate(${place(x)} ${place(y)})" fill="${colours[series % colours.length]}"/>`;
}

/** Marks with names, from left to right; a letter is taken for 7 units wide. */
function legend(names: readonly string[], left: number, y: number): string {
  let x = left;
  return names
    .map((name, i) => {
      const entry = mark(i, x, y - 4) + text(x + 9, y, name, "start");
      x += 30 + 7 * name.length;
      return entry;
    })
    .join("");
}

function document(width: number, height: number, title: string, parts: readonly string[]): string {
  const font = `font-family="system-ui, sans-serif" font-size="12" fill="${ink}"`;
  const heading = text(12, 18, title, "start", ' font-weight="600"');
  const size = `viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${escapeHtml(title)}" ${font}>`,
    ...[heading, ...parts].filter(Boolean),
    "</svg>",
    "",
  ].join("\n");
}

/** Numbers 1, 2 and 5 times a power of ten within and around a range; powers alone where there would be many. */
export function logTicks(low: number, high: number): number[] {
  const steps = high / low > 200 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const step of steps) ticks.push(Number(`${step}e${power}`));
  const first = Math.max(0, ticks.findIndex((tick) => tick > low * (1 + 1e-9)) - 1);
  const last = ticks.findIndex((tick) => tick >= high);
  return ticks.slice(first, Math.max(last, first + 1) + 1);
}

function logScale(low: number, high: number, from: number, to: number): (value: number) => number {
  const span = Math.log(high / low);
  return (value) => (span === 0 ? (from + to) / 2 : from + (Math.log(value / low) / span) * (to - from));
}

/** Panels side by side that share their series and the names of these. */
export function linePanels(title: string, panels: readonly Panel[]): string {
  const [panelWidth, height] = [400, 320];
  const names = [...new Set(panels.flatMap(({ lines }) => lines.map((line) => line.name)))];
  const drawn = panels.map((panel, i) => drawPanel(panel, names, i * panelWidth, panelWidth, height));
  return document(panelWidth * panels.length, height, title, [legend(names, 18, 42), ...drawn]);
}

function drawPanel(panel: Panel, names: readonly string[], offset: number, width: number, height: number): string {
  const points = panel.lines.flatMap((line) => line.points);
  if (points.length === 0) return "";
  const [left, right, top, bottom] = [offset + 62, offset + width - 16, 60, height - 44];
  const ticksX = [...new Set(points.map((p) => p.x))].sort((a, b) => a - b);
  const ticksY = logTicks(Math.min(...points.map((p) => p.y)), Math.max(...points.map((p) => p.y)));
  const x = logScale(ticksX[0], ticksX[ticksX.length - 1], left + 10, right - 10);
  const y = logScale(ticksY[0], ticksY[ticksY.length - 1], bottom, top);
  const middle = (top + bottom) / 2;
  const parts = [
    ...ticksY.map((tick) => `<path d="M${left} ${place(y(tick))}H${right}" stroke="${grid}"/>`),
    ...ticksY.map((tick) => text(left - 6, y(tick) + 4, String(tick), "end")),
    ...ticksX.map((tick) => text(x(tick), bottom + 18, String(tick), "middle")),
    text((left + right) / 2, height - 8, panel.x, "middle"),
    text(offset + 16, middle, panel.y, "middle", ` transform="rotate(-90 ${offset + 16} ${middle})"`),
    ...panel.lines.map((line) => {
      const series = names.indexOf(line.name);
      const at = [...line.points].sort((a, b) => a.x - b.x).map((p) => [x(p.x), y(p.y)] as const);
      const path = at.map(([px, py]) => `${place(px)},${place(py)}`).join(" ");
      const stroke = `fill="none" stroke="${colours[series % colours.length]}" stroke-width="2"`;
      return `<polyline points="${path}" ${stroke}/>${at.map(([px, py]) => mark(series, px, py)).join("")}`;
    }),
  ];
  return parts.join("\n");
}

/** One row per name, one mark per series, over a logarithmic axis. */
export function dotPlot(title: string, axis: string, series: readonly string[], rows: readonly DotRow[]): string {
  const [width, left, top, pitch] = [720, 190, 60, 26];
  const values = rows.flatMap((row) => Object.values(row.values));
  if (values.length === 0) return document(width, top, title, [text(12, 42, "Nothing was measured.", "start")]);
  const bottom = top + pitch * rows.length;
  const ticks = logTicks(Math.min(...values), Math.max(...values));
  const x = logScale(ticks[0], ticks[ticks.length - 1], left + 10, width - 24);
  const parts = [
    legend(series, 18, 42),
    ...ticks.map((tick) => `<path d="M${place(x(tick))} ${top}V${bottom}" stroke="${grid}"/>`),
    ...ticks.map((tick) => text(x(tick), bottom + 18, String(tick), "middle")),
    text((left + width) / 2, bottom + 40, axis, "middle"),
    ...rows.map(({ name, values }, i) => {
      const y = top + pitch * (i + 0.5);
      const line = `<path d="M${left} ${place(y)}H${width - 14}" stroke="${grid}"/>`;
      const dots = series.flatMap((s, at) => (s in values ? [mark(at, x(values[s]), y)] : []));
      return text(left - 8, y + 4, name, "end") + line + dots.join("");
    }),
  ];
  return document(width, bottom + 52, title, parts);
}
