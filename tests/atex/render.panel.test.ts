import { decode } from "fast-png";
import { differenceCaption, differencePictures, imagePictures, mapPictures } from "../../atex/render/attack.js";
import { colourAt, DIVERGING, SEQUENTIAL } from "../../atex/render/colours.js";
import { beside, type Drawing, rasterise, readableZoom, stack, toSvg } from "../../atex/render/drawing.js";
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphsOf, textLength } from "../../atex/render/font.js";
import { panel, panelDrawing, wrap } from "../../atex/render/panel.js";
import { blank, bytePicture, enlarge, imagePicture, shrink, toDataUri, toPng } from "../../atex/render/picture.js";
import { check, test } from "../harness.js";
import { drawn, pixel, unclosed } from "./render.js";

const grey = (values: ArrayLike<number>, width: number) =>
  imagePicture(values, { channels: 1, height: values.length / width, width });

test("a PNG and a data address hold the very pixels", () => {
  const picture = grey([0, 0.5, 1, 2], 2);
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

test("a colour image is read plane by plane, wider than high", () => {
  const values = [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0.2];
  const picture = imagePicture(values, { channels: 3, height: 2, width: 3 });
  check.equal([picture.width, picture.height], [3, 2]);
  check.equal(
    [pixel(picture, 0, 0), pixel(picture, 1, 0), pixel(picture, 2, 0), pixel(picture, 2, 1)],
    [
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
      [0, 0, 51],
    ],
  );
  const bytes = bytePicture(Uint8Array.of(1, 2, 3), { channels: 3, height: 1, width: 1 });
  check.equal([...bytes.rgba], [1, 2, 3, 255]);
});

test("images that do not fit their size are refused", () => {
  const size = { channels: 1, height: 2, width: 2 };
  check.throws(() => imagePicture([1, 2, 3], size), /imagePicture: 3 values for an image of \[1,2,2\]; 4 are needed/);
  check.throws(() => imagePicture([1, 2], { ...size, channels: 2 }), /2 channels; 1 \(grey\) or 3/);
  check.throws(() => imagePicture([0, 0, Number.NaN, 0], size), /1 of 4 values are NaN/);
  check.throws(() => bytePicture(new Uint8Array(3), size), /bytePicture: 3 values/);
  check.throws(() => imagePicture([], { channels: 1, height: 0, width: 2 }), /height 0; a positive whole number/);
  check.throws(() => imagePictures(new Float32Array(5), size), /5 values in pieces of 4/);
});

test("enlarging repeats pixels, shrinking takes means", () => {
  const large = enlarge(grey([0, 1], 2), 3);
  check.equal([large.width, large.height], [6, 3]);
  check.equal(
    [pixel(large, 2, 2), pixel(large, 3, 0)],
    [
      [0, 0, 0],
      [255, 255, 255],
    ],
  );
  const small = shrink(grey([0, 1, 1, 1, 1, 0], 3), 2);
  check.equal([small.width, small.height], [2, 1]);
  check.equal([pixel(small, 0, 0)[0], pixel(small, 1, 0)[0]], [191, 128], "the last column is narrower");
  check.equal(
    [28, 64, 224, 300, 512, 1000].map((side) => readableZoom(blank(side, 7), 224)),
    [8, 3, 1, 1, 1 / 2, 1 / 3],
  );
});

test("a panel holds every picture at its place, and ink where captions are", () => {
  const cell = (shade: number) => grey(new Float32Array(64).fill(shade), 8);
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
  const captioned = panel([[cell(1)]], {
    columns: ["a"],
    rows: ["b c"],
    footer: "d",
    title: "e",
    notes: [["f"]],
    scale: 4,
  });
  const dark = (x0: number, y0: number, x1: number, y1: number, ink: number) => {
    let count = 0;
    for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) count += pixel(captioned, x, y)[0] === ink ? 1 : 0;
    return count;
  };
  // Title, column's caption, picture of 32, note, footer from above; the row's caption is three letters wide.
  const left = 8 + 3 * 12 + 8;
  const tops = [8, 8 + 22 + 8, 8 + 22 + 8 + 22, 0, 0];
  tops[3] = tops[2] + 32 + 8;
  tops[4] = tops[3] + 22 + 8;
  check.ok(dark(8, tops[0], 8 + 12, tops[0] + 16, 40) > 20, "the title");
  check.ok(dark(left, tops[1], left + 12, tops[1] + 16, 40) > 20, "the column's caption");
  check.ok(dark(8, tops[2], left, tops[2] + 32, 40) > 20, "the row's caption");
  check.ok(dark(left, tops[3], left + 12, tops[3] + 16, 98) > 20, "the note");
  check.ok(dark(8, tops[4], 20, tops[4] + 16, 40) > 20, "the footer");
  check.is(captioned.height, tops[4] + 22);
});

test("pictures of different sizes share a panel: each as large as is readable, holes left open", () => {
  const sheet = panelDrawing([
    [blank(28, 28), blank(64, 40), undefined],
    [blank(224, 100), blank(1000, 500), blank(7, 7)],
  ]);
  const places = sheet.marks.map((mark) => ("picture" in mark ? [mark.left, mark.top, mark.zoom] : []));
  check.equal(places, [
    [8, 8, 8],
    [240, 8, 3],
    [8, 240, 1],
    [240, 240, 1 / 3],
    [582, 240, 32],
  ]);
  check.equal([sheet.width, sheet.height], [582 + 224 + 8, 240 + 224 + 8]);
  check.is(rasterise(sheet).width, 814);
});

test("long captions, footers and scales stay inside of the panel", () => {
  const long = "Counterfactual-Ünïcôdé/Wasserstein_regularisation of a network with a name ".repeat(3);
  const colours = { colours: SEQUENTIAL, from: "nothing at all", to: "full colour" };
  const options = { columns: [long], rows: [long], footer: long, title: long, notes: [[long]] };
  const sheet = panelDrawing([[blank(28, 28)]], { ...options, bars: [colours, { ...colours, colours: DIVERGING }] });
  check.ok(sheet.marks.length > 40, `${sheet.marks.length} marks`);
  for (const mark of sheet.marks) {
    const width = "text" in mark ? 12 * textLength(mark.text) - 2 : "zoom" in mark ? mark.picture.width * mark.zoom : 0;
    check.ok(
      mark.left >= 0 && mark.left + width <= sheet.width,
      `${JSON.stringify(mark).slice(0, 80)} of ${sheet.width}`,
    );
    check.ok(mark.top >= 8 && mark.top + 16 <= sheet.height, "inside from above to below");
  }
});

test("a column with words is at least as wide as ten letters", () => {
  const texts = (notes: string[][]) =>
    panelDrawing([[blank(8, 8)]], { scale: 1, notes }).marks.flatMap((mark) => ("text" in mark ? [mark.text] : []));
  check.equal(texts([["zero everywhere"]]), ["zero", "everywhere"]);
});

test("panels without pictures, with missing captions or a broken scale are refused", () => {
  const cell = blank(8, 8);
  check.throws(() => panel([]), /there is no picture/);
  check.throws(() => panel([[cell, cell], [cell]]), /rows differ in length; a full grid is needed/);
  check.throws(
    () => panel([[cell, cell]], { columns: ["one"] }),
    /1 column and 0 row captions for 2 columns and 1 rows/,
  );
  check.throws(() => panel([[cell]], { scale: 1.5 }), /scale 1.5; a positive whole number/);
});

test("text is broken at spaces, long words after hyphens or where they must", () => {
  check.equal(wrap("over the input", 8), ["over the", "input"]);
  check.equal(wrap("a abcdefghij b", 4), ["a", "abcd", "efgh", "ij b"]);
  check.equal(wrap("integrated-gradients", 12), ["integrated-", "gradients"]);
  check.equal(wrap("99\u00a0% of it", 5), ["99\u00a0%", "of it"], "a space that does not break");
  check.equal(wrap("e\u0301e\u0301e\u0301", 2), ["e\u0301e\u0301", "e\u0301"], "letters keep their accents");
  check.equal(wrap("", 4), []);
});

const drawing = (text: string): string[] => glyphsOf(text).map((glyph) => glyph.join("/"));
const BOX = drawing("\u{1f600}")[0];

test("every printable ASCII character, Greek letter and sign has a glyph of its own", () => {
  const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join("");
  const beyond = "αβγδεζηθικλμνξπρσςτυφχψωΓΔΘΛΞΠΣΦΨΩßæÆøØıłŁđĐðþÞœŒ×·±°¹²³≤≥≠≈→←√∞∂∇€£¿¡•";
  const all = drawing(ascii + beyond);
  check.is(all.length, [...ascii, ...beyond].length);
  const twice = all.filter((one, i) => all.indexOf(one) !== i).map((one) => (ascii + beyond)[all.indexOf(one)]);
  check.equal(twice, []);
  check.ok(!all.includes(BOX), "none is a box");
  for (const glyph of glyphsOf(ascii + beyond)) {
    check.is(glyph.length, GLYPH_HEIGHT);
    check.ok(glyph.every((row) => row.length === GLYPH_WIDTH && /^[.#]+$/.test(row)));
  }
  check.is(drawing("L")[0], `${"...../".repeat(3)}${"#..../".repeat(6)}#####/.....`);
});

test("letters with accents of European languages and Vietnamese are drawn, composed or not", () => {
  const letters =
    "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿĀāĂăĄąĆćČčĎďĒēĖėĘęĚěĞğĢģĪīĮįİĶķĹĺĻļĽľŃńŅņŇňŌōŐőŔŕŘřŚśŞşŠšŢţŤťŪūŮůŰűŲųŹźŻżŽžȘșȚțẠạẢảƠơƯưỆệώάέήίόύ";
  const all = [...letters].map((letter) => [letter, drawing(letter)] as const);
  for (const [letter, glyphs] of all) {
    check.is(glyphs.length, 1, letter);
    const base = drawing(letter.normalize("NFD")[0])[0];
    check.ok(glyphs[0] !== BOX && glyphs[0] !== base, `${letter} is neither a box nor without its accent`);
    check.equal(drawing(letter.normalize("NFD")), glyphs, `${letter} in parts`);
  }
  check.is(
    new Set(all.map(([, [glyph]]) => glyph)).size,
    all.length - 1,
    "they differ, but for an omicron, which is an o",
  );
});

test("other letters are spelled out; what is left is a box", () => {
  const same = (text: string, spelled: string) => check.equal(drawing(text), drawing(spelled), text);
  same("Привет, Щука", "Privet, Shchuka");
  same("йод", "jod");
  same("“naïve” – ‘x’ … −1", "\"naïve\" - 'x' ... -1");
  same("ﬁ ™ Å ½\u00a0Ⅳ", "fi TM Å 1⁄2 IV");
  same("Ελλάδα ΟΡΟΣ", "Eλλάδα OPOΣ");
  check.equal([textLength("日本"), textLength("\u{1f600}"), textLength("a\u200db\n")], [4, 1, 2]);
  check.is(drawing("日")[0], BOX);
});

test("an accent stands above its letter, with air between where there is room", () => {
  const letter = (text: string) => glyphsOf(text)[0];
  check.equal(letter("é").slice(0, 6), [".....", ".....", "...#.", "..#..", ".....", ".###."]);
  check.equal(letter("É").slice(0, 4), ["...#.", "..#..", ".....", "#####"]);
  check.equal(letter("Å").slice(0, 4), ["..#..", ".#.#.", "..#..", ".###."]);
  check.equal(letter("ï").slice(0, 6), [".....", ".....", ".....", ".#.#.", ".....", ".##.."]);
  check.is(letter("ç")[10], "..##.");
});

test("a drawing as a bitmap: boxes and letters to the pixel, text at its right end", () => {
  const marks = [
    { left: 1, top: 1, width: 2, height: 1, ink: "ink" as const },
    { left: 14, top: 4, text: "l", end: true },
  ];
  check.equal(drawn(rasterise({ width: 16, height: 20, marks })), [
    "................",
    ".##.............",
    "................",
    "................",
    ...Array(2).fill("......####......"),
    ...Array(10).fill("........##......"),
    ...Array(2).fill("......######...."),
    "................",
    "................",
  ]);
});

test("drawings are put below and beside each other", () => {
  const one: Drawing = { width: 3, height: 2, marks: [{ left: 1, top: 0, width: 1, height: 1, ink: "ink" }] };
  check.equal(drawn(rasterise(stack([one, one], 1))), [".#.", "...", "...", ".#.", "..."]);
  check.equal(drawn(rasterise(beside([one, one], 2))), [".#....#.", "........"]);
});

test("a drawing as SVG is well formed, holds its texts as text, and escapes them", () => {
  const evil = `<script>alert("1")</script>&'\u0001`;
  const sheet = panelDrawing([[blank(8, 8)]], { columns: [evil], rows: [evil], footer: evil });
  const marks = [...sheet.marks, { left: 0, top: 0, width: 1, height: 1, ink: "line" as const, title: evil }];
  const svg = toSvg({ ...sheet, marks }, evil);
  check.equal(unclosed(svg), []);
  check.ok(!svg.includes("<script") && !svg.includes("\u0001"), "nothing of the text's own");
  check.match(svg, /role="group" aria-label="&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt;&amp;&#39;\ufffd"/);
  check.match(svg, /<rect x="0" y="0" width="1" height="1" [^>]* tabindex="0" role="img" aria-label="&lt;script/);
  check.match(toSvg(sheet, "t"), 'role="img" aria-label="t"');
  check.match(
    toSvg({ ...sheet, marks: [{ left: 2, top: 3, text: "Größe 大" }] }, "t"),
    /<text x="2" y="17" [^>]*>Größe 大</,
  );
});

test("maps of one attack share a scale, whatever their sides, and its caption says what it is", () => {
  const { sets, caption } = mapPictures([Float32Array.of(0, 0, 0, 0.5, 0, 0.25)], { height: 1, width: 3 });
  check.equal([sets[0].length, sets[0][0].width, sets[0][0].height], [2, 3, 1]);
  check.equal(pixel(sets[0][1], 2, 0), colourAt(SEQUENTIAL, 0.5));
  check.match(caption, /50 % and more \(99th percentile of all their pixels\)/);
  const sparse = new Float32Array(200);
  sparse[7] = 1;
  check.match(
    mapPictures([sparse], { height: 10, width: 20 }).caption,
    /100 % and more \(maximum of all their pixels\)/,
  );
});

test("the change of an attacked image is exaggerated tenfold, in grey by sign, in colour by channel", () => {
  const size = { channels: 1, height: 1, width: 2 };
  const [one] = differencePictures(Float32Array.of(0.5, 0.5), Float32Array.of(0.55, 0.3), size);
  check.equal(pixel(one, 1, 0), colourAt(DIVERGING, 0));
  check.equal(pixel(one, 0, 0), colourAt(DIVERGING, 0.75));
  const clean = Float32Array.of(0.5, 0.5, 0.5);
  const [colour] = differencePictures(clean, Float32Array.of(0.6, 0.5, 0.4), { ...size, channels: 3, width: 1 });
  check.equal(pixel(colour, 0, 0), [255, 128, 0]);
  check.match(differenceCaption(size), /red brighter, blue darker, full colour at a change of 0\.1/);
  check.match(differenceCaption({ ...size, channels: 3 }), /middle grey is no change/);
});
