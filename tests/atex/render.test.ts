import { decode } from "fast-png";
import { colourAt, DIVERGING, SEQUENTIAL } from "../../atex/render/colours.js";
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphDot } from "../../atex/render/font.js";
import { heatmap, sharedRange } from "../../atex/render/heatmap.js";
import {
  code,
  escapeHtml,
  facts,
  figure,
  line,
  notice,
  page,
  pictureGrid,
  section,
  strong,
  table,
} from "../../atex/render/html.js";
import { panel, wrap } from "../../atex/render/panel.js";
import { blank, enlarge, greyPicture, type Picture, toDataUri, toPng } from "../../atex/render/picture.js";
import { linePlot } from "../../atex/render/plot.js";
import { check, test } from "../harness.js";

const pixel = (picture: Picture, x: number, y: number) => [
  ...picture.rgba.subarray(4 * (y * picture.width + x), 4 * (y * picture.width + x) + 3),
];

/** Relative luminance of a colour (WCAG 2, on sRGB). */
const luminance = (rgb: readonly number[]) =>
  rgb
    .map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);

test("the sequential colours keep their order in grey print, from black to nearly white", () => {
  const light = Array.from({ length: 256 }, (_, i) => luminance(colourAt(SEQUENTIAL, i / 255)));
  check.ok(
    light.every((value, i) => i === 0 || value >= light[i - 1] - 1e-3),
    "lightness grows",
  );
  check.ok(light[0] < 0.01 && light[255] > 0.85, "the full range is used");
});

test("the diverging colours are lightest at zero and differ in red against blue, not red against green", () => {
  const [negative, zero, positive] = [0, 0.5, 1].map((t) => colourAt(DIVERGING, t));
  check.ok(luminance(zero) > 0.85 && Math.max(luminance(negative), luminance(positive)) < 0.1, "dark ends");
  check.ok(negative[2] > negative[0] + 50 && positive[0] > positive[2] + 50, "blue is negative, red is positive");
});

test("each mode paints by value, clipped at the range", () => {
  const values = [-2, -1, 0, 1, 0.5, 4];
  const diverging = heatmap(values, { mode: "diverging", range: 2, width: 3 });
  const at = (t: number) => colourAt(DIVERGING, t);
  check.equal([diverging.width, diverging.height, diverging.range], [3, 2, 2]);
  check.equal(pixel(diverging, 0, 0), at(0));
  check.equal(pixel(diverging, 2, 0), at(0.5));
  check.equal(pixel(diverging, 2, 1), at(1), "beyond the range");
  const abs = heatmap(values, { mode: "abs", width: 3 });
  check.is(abs.range, 4);
  check.equal(pixel(abs, 1, 0), colourAt(SEQUENTIAL, 1 / 4));
  check.equal(pixel(abs, 1, 0), pixel(abs, 0, 1), "the sign does not count");
  const overlay = heatmap(values, { mode: "overlay", width: 3, image: [0, 0, 1, 0, 0, 0] });
  check.equal(pixel(overlay, 2, 0), [255, 255, 255], "zero shows the image");
  check.equal(pixel(overlay, 2, 1), at(0.9), "the full size hides it");
});

test("the caption names the scale", () => {
  const values = Array.from({ length: 200 }, (_, i) => -(i + 1));
  check.match(heatmap(values, { mode: "abs", width: 10 }).caption, /^\|value\|: black 0, yellow 200 \(maximum\)$/);
  const p99 = heatmap(values, { mode: "diverging", normalise: "p99", width: 10 });
  check.match(p99.caption, /^blue negative, red positive, full colour at 198 \(99th percentile\)$/);
  check.match(heatmap(values, { mode: "abs", range: 7, width: 10 }).caption, /7\.00 \(shared scale\)/);
  check.is(heatmap([0, 0], { mode: "diverging", width: 2 }).caption, "zero everywhere");
  check.is(sharedRange([[1, -3], [2]]), 3);
});

test("maps that cannot be drawn honestly are refused", () => {
  check.throws(() => heatmap([1, Number.NaN], { mode: "abs", width: 2 }), /1 of 2 values are NaN or infinite/);
  check.throws(() => heatmap([1, Number.NaN], { mode: "abs", width: 2, range: 1 }), /1 of 2 values are NaN/);
  check.throws(() => heatmap([1, 2, 3], { mode: "abs", width: 2 }), /3 values in rows of 2; whole rows/);
  check.throws(() => heatmap([1, 2], { mode: "overlay", width: 2 }), /2 values over an image of 0/);
  check.throws(() => heatmap([1, 2], { mode: "abs", width: 2, range: -1 }), /range -1; a finite size/);
});

test("a PNG and a data address hold the very pixels", () => {
  const picture = greyPicture([0, 0.5, 1, 2], 2);
  check.equal(
    [pixel(picture, 1, 0), pixel(picture, 1, 1)],
    [
      [128, 128, 128],
      [255, 255, 255],
    ],
  );
  const { width, height, channels, data } = decode(toPng(picture));
  check.equal([width, height, channels], [2, 2, 4]);
  check.identical(data, picture.rgba);
  const [head, body] = toDataUri(picture).split(",");
  check.is(head, "data:image/png;base64");
  check.identical(Buffer.from(body, "base64"), toPng(picture));
});

test("enlarging repeats pixels", () => {
  const large = enlarge(greyPicture([0, 1], 2), 3);
  check.equal([large.width, large.height], [6, 3]);
  check.equal(
    [pixel(large, 2, 2), pixel(large, 3, 0)],
    [
      [0, 0, 0],
      [255, 255, 255],
    ],
  );
});

test("a panel holds every picture at its place, and ink where captions are", () => {
  const cell = (shade: number) => greyPicture(new Float32Array(64).fill(shade), 8);
  const sheet = panel(
    [
      [cell(0.2), cell(0.4)],
      [cell(0.6), cell(0.8)],
    ],
    { scale: 4 },
  );
  check.equal([sheet.width, sheet.height], [8 + 2 * 40, 8 + 2 * 40]);
  check.equal(
    [pixel(sheet, 8, 8)[0], pixel(sheet, 48, 8)[0], pixel(sheet, 8, 48)[0], pixel(sheet, 87, 87)[0]],
    [51, 102, 153, 255],
  );
  check.is(pixel(sheet, 79, 79)[0], 204, "the last pixel of the last picture");
  const captioned = panel([[cell(1)]], { columns: ["a"], rows: ["b c"], footer: "d", scale: 4 });
  const dark = (x0: number, y0: number, x1: number, y1: number) => {
    let count = 0;
    for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) count += pixel(captioned, x, y)[0] === 40 ? 1 : 0;
    return count;
  };
  const [left, top] = [captioned.width - 40, 30];
  check.ok(dark(left, 0, captioned.width, top) > 20, "the column's caption");
  check.ok(dark(0, top, left, top + 32) > 20, "the row's caption");
  check.ok(dark(0, top + 40, captioned.width, captioned.height) > 20, "the footer");
});

test("panels of unequal pictures or with missing captions are refused", () => {
  const cell = blank(8, 8);
  check.throws(() => panel([]), /a full grid of equal pictures/);
  check.throws(() => panel([[cell, cell], [cell]]), /a full grid of equal pictures/);
  check.throws(() => panel([[cell, blank(9, 8)]]), /a full grid of equal pictures/);
  check.throws(
    () => panel([[cell, cell]], { columns: ["one"] }),
    /1 column and 0 row captions for 2 columns and 1 rows/,
  );
});

test("text is broken at spaces, and long words where they must", () => {
  check.equal(wrap("over the input", 8), ["over the", "input"]);
  check.equal(wrap("a abcdefghij b", 4), ["a", "abcd", "efgh", "ij b"]);
  check.equal(wrap("", 4), []);
});

test("every printable character has a glyph of its own", () => {
  const drawing = (character: string) =>
    Array.from({ length: GLYPH_WIDTH * GLYPH_HEIGHT }, (_, i) =>
      glyphDot(character, i % GLYPH_WIDTH, Math.floor(i / GLYPH_WIDTH)) ? "#" : ".",
    ).join("");
  const all = Array.from({ length: 95 }, (_, i) => drawing(String.fromCharCode(32 + i)));
  check.is(new Set(all).size, 95);
  check.ok(!all.includes(drawing("é")), "what is unknown is a box");
  check.is(drawing("L").slice(0, 35), `${"#....".repeat(6)}#####`);
});

test("text is escaped wherever it stands in a page", () => {
  const evil = `<img src=x onerror="alert('1')">&`;
  const text = page({
    title: evil,
    lead: evil,
    footer: line(evil, code(evil), strong(evil)),
    sections: [
      section(evil, evil, notice(evil), facts([[evil, evil]]), table([evil], [[evil]], evil)),
      section("s", figure(blank(1, 1), evil, evil)),
      section("g", pictureGrid([evil], [{ label: evil, pictures: [blank(1, 1)], notes: [evil] }], evil)),
    ],
  });
  check.ok(!text.includes("<img src=x") && !text.includes('onerror="'), "no markup of the text's own");
  check.is(text.split(escapeHtml(evil)).length - 1, 22);
  check.is(escapeHtml(`&<>"'`), "&amp;&lt;&gt;&quot;&#39;");
});

test("a page stands alone: no scripts, nothing loaded, every tag closed", () => {
  const text = page({
    title: "t",
    lead: "l",
    sections: [section("s", pictureGrid(["c"], [{ label: "r", pictures: [blank(2, 2)] }], "x"), table(["a"], [[1]]))],
  });
  check.ok(!/<script|<link|https?:|@import|url\(/i.test(text), "nothing from elsewhere");
  for (const [, address] of text.matchAll(/src="([^"]*)"/g)) check.match(address, /^data:image\/png;base64,/);
  const open: string[] = [];
  for (const [, closing, name] of text.matchAll(/<(\/?)([a-z][a-z0-9]*)/g)) {
    if (["meta", "img"].includes(name)) continue;
    if (closing) check.is(open.pop(), name);
    else open.push(name);
  }
  check.equal(open, []);
});

test("numbers stand on the right in tables, with their headings", () => {
  const { html } = table(
    ["class", "overlap"],
    [
      ["disc", 0.5],
      ["ring", "−0.2"],
    ],
  );
  check.match(html, '<th scope="col" class="number">overlap</th>');
  check.match(html, '<th scope="col">class</th>');
  check.is(html.split('<td class="number">').length - 1, 2);
});

test("24 series of a plot look different and stay inside it", () => {
  const series = Array.from({ length: 24 }, (_, i) => ({ name: "s", points: [{ x: 1, y: i, half: 0 }] }));
  const { html } = linePlot({ title: "t", x: "x", y: "y", series });
  const legends = html.match(/<span .*?<\/span>/g)!;
  check.is(new Set(legends).size, 24);
  const places = [...html.matchAll(/points="([\d.]+),/g)].map(([, x]) => Number(x));
  check.ok(places.length === 24 && Math.min(...places) >= 52 && Math.max(...places) <= 428, `x from ${places}`);
});
