import { cascadeDrawing, similarityPlot } from "../../atex/render/cascade.js";
import { colourAt, SEQUENTIAL } from "../../atex/render/colours.js";
import { linePlot } from "../../atex/render/plot.js";
import { check, test } from "../harness.js";
import { pixel, unclosed } from "./render.js";

const base = {
  image: [0, 0.5, 1, 0],
  size: { channels: 1, height: 2, width: 2 },
  layers: ["dense", "conv"],
  rows: [
    { name: "gradient", attributions: [[4, -2, 0, 0], [0.5, 0, 0, 1], new Float32Array(4)] },
    {
      name: "lrp",
      attributions: [
        [1, 1, 1, 1],
        [1, 0, 0, 0],
        [0, 0, 0, -3],
      ],
    },
  ],
};

function parts(options: object) {
  const { marks } = cascadeDrawing({ ...base, ...options });
  const pictures = marks.flatMap((mark) => ("picture" in mark && mark.zoom > 1 ? [mark] : []));
  return { pictures, text: marks.flatMap((mark) => ("text" in mark ? [mark.text] : [])).join(" ") };
}

test("a cascade has a row for each explainer and a column for each layer, from trained to random", () => {
  const { pictures, text } = parts({});
  check.is(pictures.length, 1 + 2 * 3);
  check.match(text, /input trained dense conv gradient/);
  const [, trained, dense, conv] = pictures;
  check.ok(trained.left < dense.left && dense.left < conv.left && trained.top === conv.top);
  check.equal(pixel(trained.picture, 1, 0), colourAt(SEQUENTIAL, 0.5), "sizes, up to the map's own maximum");
  check.equal(pixel(dense.picture, 1, 1), colourAt(SEQUENTIAL, 1));
  check.match(text, /Each map has its own scale/);
  check.match(text, /4\.00 1\.00 zero everywhere/);
});

test("with one scale for a row, maps that lost their size look so", () => {
  const { pictures, text } = parts({ scale: "row" });
  check.equal(pixel(pictures[2].picture, 1, 1), colourAt(SEQUENTIAL, 0.25));
  check.match(text, /The maps of a row have one scale/);
  check.match(text, /lrp 3\.00/, "the number stands under the first map");
});

test("cascades that do not fit together are refused", () => {
  check.throws(() => parts({ layers: ["one"] }), /3 maps of gradient for 1 layers; one of the trained network and one/);
  check.throws(() => parts({ rows: [] }), /no rows; at least one explainer/);
  check.throws(() => parts({ mode: "overlay" }), /mode "overlay" is unknown/);
  check.throws(() => parts({ scale: "all" }), /scale "all" is unknown/);
});

test("similarity by layer: a line for each explainer, layers by name, values that are not defined counted", () => {
  const { html } = similarityPlot({
    title: "t",
    measure: "Spearman",
    layers: ["dense", "<b>a-layer-with-a-very-long-name</b>", "conv"],
    series: [
      { name: "gradient", values: [0.9, 0.5, 0.1], halves: [0.1, 0.1, 0.1] },
      { name: "lrp", values: [1, Number.NaN, 0.5] },
    ],
  });
  check.equal(unclosed(html), []);
  check.match(html, />dense<title>dense<\/title>/);
  check.match(html, ">&lt;b&gt;a-layer-with-a-very-…<title>&lt;b&gt;a-layer-with-a-very-long-name&lt;/b&gt;</title>");
  check.match(html, "lrp (1 not defined)");
  check.equal(
    [...html.matchAll(/points="([^"]*)"/g)].map(([, points]) => points.split(" ").length),
    [3, 2],
  );
});

test("plots refuse what they cannot place", () => {
  const series = (points: { x: number; y: number; half: number }[]) => [{ name: "s", points }];
  const plot = { title: "t", x: "x", y: "y" };
  const one = { x: 0, y: 1, half: Number.NaN };
  check.throws(() => linePlot({ ...plot, series: series([one, { ...one, y: Number.NaN }]) }), /1 of 2 points are NaN/);
  check.throws(
    () => linePlot({ ...plot, names: ["a"], series: series([one, { ...one, x: 1 }]) }),
    /1 names for x up to 1/,
  );
  check.throws(() => linePlot({ ...plot, series: [] }), /no points given/);
  const options = { title: "t", measure: "m", layers: ["a"], series: [{ name: "s", values: [1, 2] }] };
  check.throws(() => similarityPlot(options), /2 values and no error bars of s for 1 layers/);
});
