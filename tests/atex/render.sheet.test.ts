import { runInNewContext } from "node:vm";
import { decode } from "fast-png";
import { explanationPage } from "../../atex/render/explanation-page.js";
import { type ExplainedMap, explanationSheet, type ImageExplanation } from "../../atex/render/sheet.js";
import { check, test } from "../harness.js";
import { pixel, unclosed } from "./render.js";

const size = { channels: 3, height: 2, width: 3 };
const image = Float32Array.from({ length: 18 }, (_, i) => i / 17);
const map = (name: string, factor = 1, more: object = {}): ExplainedMap => ({
  name,
  attribution: Float32Array.from({ length: 18 }, (_, i) => factor * (i - 8)),
  ...more,
});
const images = (count: number, more: Partial<ImageExplanation> = {}): ImageExplanation => ({
  ...{ title: "cat.png", image, size, footer: "a network" },
  maps: Array.from({ length: count }, (_, i) => map(`explainer-${i}`, 10 ** i)),
  ...more,
});
const row = (more: object = {}) => ({
  title: "row 3",
  features: Array.from({ length: 30 }, (_, i) => ({ name: `feature ${i}`, value: String(i) })),
  explanations: ["lime", "kernel-shap"].map((name, k) => ({
    name,
    contributions: Array.from({ length: 30 }, (_, i) => (i - 12) * 10 ** k),
  })),
  ...more,
});
const svgText = (svg: string): string => [...svg.matchAll(/<text [^>]*>([^<]*)</g)].map(([, text]) => text).join(" ");
const pictures = (svg: string): number => svg.split("<image ").length - 1;

test("a sheet of images holds every explainer in every mode, and its bitmap and SVG have one layout", () => {
  for (const [count, expected] of [
    [1, 1 + 3 + 2],
    [3, 1 + 9 + 2],
    [8, 2 + 24 + 2],
  ]) {
    const sheet = explanationSheet(images(count));
    const svg = sheet.svg();
    check.is(pictures(svg), expected, `${count} explainers: inputs, maps and two scales`);
    check.equal(unclosed(svg), []);
    const { width, height } = sheet.picture();
    check.match(svg, `viewBox="0 0 ${width} ${height}"`);
    const png = decode(sheet.png());
    check.equal([png.width, png.height], [width, height]);
    for (let i = 0; i < count; i++) check.match(svgText(svg), `explainer-${i}`);
  }
  check.is(pictures(explanationSheet(images(3, { modes: ["overlay"] })).svg()), 1 + 3 + 1);
});

test("maps of a sheet have scales of their own, stated under each, or a shared one, stated once", () => {
  const own = svgText(explanationSheet(images(2)).svg());
  // Three channels each: |-8| + |-2| + |4| = 14 at the first pixel, up to |-3| + |3| + |9| = 15 at the last.
  check.match(own, /full colour at\s+15\.0/);
  check.match(own, /full colour at 150/);
  check.match(own, /Each map has its own scale: full colour at the 99th percentile/);
  const shared = svgText(explanationSheet(images(2, { scale: "shared", normalise: "max" })).svg());
  check.match(shared, /full colour at 150 for sizes and 90\.0 with sign \(maximum of 2 maps\)/);
  check.is(shared.split("full colour at").length - 1, 1);
});

test("sparse and empty maps say so on the sheet and on the page, those that are not finite name their explainer", () => {
  const large = { channels: 1, height: 20, width: 20 };
  const sparse = new Float32Array(400);
  sparse[5] = 1;
  const maps = [
    { name: "sparse", attribution: sparse },
    { name: "empty", attribution: new Float32Array(400) },
  ];
  const explanation = { title: "t", image: new Float32Array(400), size: large, maps };
  const text = svgText(explanationSheet(explanation).svg());
  check.match(text, /full colour at\s+1\.00 \(maximum, as\s+the 99th\s+percentile is 0\)/);
  check.match(text, "zero everywhere");
  const html = explanationPage(explanation);
  check.match(html, "attribution, full colour at 1.00 (maximum, as the 99th percentile is 0)");
  check.match(html, 'alt="empty: attribution, zero everywhere"');
  sparse[7] = Number.NaN;
  check.throws(() => explanationSheet(explanation), /^sparse: heatmap: 1 of 400 values are NaN or infinite/);
  check.throws(() => explanationPage(explanation), /^sparse: heatmap: 1 of 400 values/);
});

test("sheets that cannot be drawn are refused", () => {
  check.throws(() => explanationSheet(images(0)), /no maps; at least one/);
  check.throws(() => explanationSheet(images(1, { image: [1] })), /1 values for an image of \[3,2,3\]; 18/);
  check.throws(() => explanationSheet(images(1, { modes: [] })), /no modes/);
  check.throws(() => explanationSheet(images(1, { scale: "each" as "own" })), /scale "each" is unknown/);
  check.throws(() => explanationSheet(row({ explanations: [] })), /no charts/);
});

test("a sheet of a row has the same features in the same order for every explainer", () => {
  const svg = explanationSheet(row({ top: 4 })).svg();
  check.equal(unclosed(svg), []);
  const labels = [...svg.matchAll(/aria-label="(lime|kernel-shap): ([^"]*?)(?: = \d+)?, [+\u2212\d][^"]*"/g)];
  const of = (name: string) => labels.filter(([, one]) => one === name).map(([, , feature]) => feature);
  check.equal(of("lime"), ["feature 29", "feature 28", "feature 27", "feature 26", "26 other features, summed"]);
  check.equal(of("kernel-shap"), of("lime"));
  check.match(svgText(svg), /Each chart has its own scale/);
  check.match(svgText(explanationSheet(row({ scale: "shared" })).svg()), /All charts have one scale/);
});

const EVIL = `</script><script>alert("x")</script><img src=x onerror='alert(1)'>&.png`;

test("file names and labels with markup do no harm on a page or in SVG", () => {
  const name = { name: EVIL, note: EVIL };
  const pages = [
    explanationPage(images(1, { title: EVIL, footer: EVIL, maps: [map(EVIL, 1, name)] }), { lead: EVIL, footer: EVIL }),
    explanationPage({
      ...{ title: EVIL, footer: EVIL, features: [{ name: EVIL, value: EVIL }] },
      explanations: [{ name: EVIL, contributions: [1], note: EVIL }],
    }),
  ];
  for (const html of pages) {
    check.ok(!html.includes("<script>alert") && !html.includes("<img src=x"), "no markup of the text's own");
    check.equal(unclosed(html), []);
  }
  // The program and its data are two elements; nothing closes them early.
  check.is(pages[0].split("</script>").length - 1, 2);
  check.is(pages[1].split("<script").length - 1, 0, "bars need no program");
  const data = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(pages[0])![1];
  check.is((JSON.parse(data) as { maps: { name: string }[] }).maps[0].name, EVIL);
  check.ok(
    !explanationSheet(images(1, { title: EVIL }))
      .svg()
      .includes("<script"),
  );
});

test("a page loads nothing, and every picture has words", () => {
  const html = explanationPage(images(2));
  check.ok(
    !/<link|https?:|@import|url\(/i.test(html.replaceAll("http://www.w3.org/2000/svg", "")),
    "nothing from elsewhere",
  );
  const alts = [...html.matchAll(/<img [^>]*alt="([^"]*)"/g)].map(([, alt]) => alt);
  check.is(alts.length, 1 + 2 * 3);
  check.is(alts[0], "the input, 3 by 2 pixels, colour");
  check.match(
    alts[2],
    /^explainer-0: attribution, blue negative, red positive, full colour at 9\.00 \(99th percentile\)$/,
  );
  check.equal(
    [...html.matchAll(/src="([^"]{22})/g)].map(([, start]) => start),
    Array(7).fill("data:image/png;base64,"),
  );
});

test("the page of a row has all features as numbers", () => {
  const html = explanationPage(row());
  const cells = [...html.matchAll(/<td[^>]*>([^<]*)<\/td>/g)].map(([, text]) => text);
  check.is(cells.length, 30 * 4);
  check.equal(cells.slice(0, 4), ["feature 29", "29", "+17.0", "+170"]);
});

type Listener = (event: object) => void;

/** As much of a browser's document as the page's program uses. */
function browse(html: string) {
  const element = () => ({ style: {} as Record<string, string>, hidden: true, textContent: "", tabIndex: -1 });
  const frames = html.match(/class="frame"/g)!.map(() => {
    const cursor = element();
    const listeners: Record<string, Listener> = {};
    return {
      ...element(),
      cursor,
      listeners,
      querySelector: () => cursor,
      addEventListener: (name: string, listener: Listener) => {
        listeners[name] = listener;
      },
      getBoundingClientRect: () => ({ left: 10, top: 20, width: 300, height: 200 }),
    };
  });
  const byId: Record<string, ReturnType<typeof element>> = { reading: element(), data: element() };
  const [, data, program] = /id="data">(.*?)<\/script>\s*<script>(.*?)<\/script>/s.exec(html)!;
  byId.data.textContent = data;
  const document = { getElementById: (id: string) => byId[id], querySelectorAll: () => frames };
  runInNewContext(program, { document, atob });
  return { frames, reading: byId.reading };
}

test("pointer and arrow keys read the values of a pixel in every picture at once", () => {
  const { frames, reading } = browse(explanationPage(images(2)));
  check.is(frames.length, 7);
  check.ok(frames.every(({ tabIndex }) => tabIndex === 0) && !reading.hidden, "reached by keyboard");
  check.match(reading.textContent, /^Point at a picture/);
  // Column 2 of 3, row 1 of 2: element 5 of each plane of 6.
  frames[3].listeners.pointermove({ clientX: 10 + 250, clientY: 20 + 150 });
  const words =
    "row 1, column 2 · input 0.294, 0.647, 1.00 · explainer-0 9.00 (sizes 15.0) · explainer-1 90.0 (sizes 150)";
  check.is(reading.textContent, words);
  for (const { cursor } of frames) {
    check.equal([cursor.hidden, cursor.style.top], [false, "50%"]);
    check.ok(Math.abs(Number.parseFloat(cursor.style.left) - 200 / 3) < 1e-9);
  }
  let prevented = 0;
  const press = (key: string, more: object = {}) =>
    frames[0].listeners.keydown({ key, preventDefault: () => prevented++, ...more });
  press("ArrowLeft");
  press("ArrowUp");
  check.match(reading.textContent, /^row 0, column 1 · input 0\.0588, .* · explainer-0 \u22123\.00 \(sizes 13\.0\)/);
  press("ArrowUp");
  press("ArrowLeft", { shiftKey: true });
  check.match(reading.textContent, /^row 0, column 0 /);
  press("a");
  press("ArrowRight", { ctrlKey: true });
  check.is(prevented, 4, "other keys stay the browser's");
  press("Escape");
  check.ok(frames.every(({ cursor }) => cursor.hidden) && reading.textContent.startsWith("Point at"));
  press("ArrowRight");
  check.match(reading.textContent, /^row 1, column 1 /, "without a pixel, keys begin in the middle");
});

test("the picture of a sheet has the input's pixels", () => {
  const sheet = explanationSheet(images(1)).picture();
  // 3x2 pixels 74 times as large, under the title and two lines of captions.
  check.equal(pixel(sheet, 8, 8 + 22 + 8 + 44), [0, 90, 180]);
});
