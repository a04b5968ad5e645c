/** An explanation as a page: everything of its sheet, with the values of each pixel and each feature to be read. */
import { barChart, featureOrder } from "./bars.js";
import { barsDrawing } from "./bars-drawing.js";
import { readableZoom, toSvg, type Zoom, zoomed } from "./drawing.js";
import type { Heatmap, HeatmapMode } from "./heatmap.js";
import { HOVER_PROGRAM, type HoverData } from "./hover.js";
import { type Content, escapeHtml, type Html, page, section, table } from "./html.js";
import { base64, imagePicture, type Picture, toDataUri } from "./picture.js";
import { signed } from "./scale.js";
import {
  type DrawnMap,
  drawMaps,
  type ImageExplanation,
  MODE_NAMES,
  mapNote,
  type RowsExplanation,
  scaleWords,
} from "./sheet.js";

export interface PageWords {
  /** One or two sentences under the title. */
  readonly lead?: Content;
  /** The last line: versions, adapter, seed. */
  readonly footer?: Content;
}

/** The longer side of a picture on the page is at most this, in CSS pixels, or twice that if it is large itself. */
const READABLE = 224;

/** Of a picture with its caption, in CSS pixels. */
const NARROWEST = 192;

/**
 * The page of an explanation: one file that needs nothing else, readable without its script, in light and dark; every picture says in words
 * what it shows, and pixels and bars are reached by pointer and keyboard.
 * @throws RangeError as `explanationSheet`.
 */
export function explanationPage(explanation: ImageExplanation | RowsExplanation, words: PageWords = {}): string {
  const { title, footer = "" } = explanation;
  const common = { title, lead: words.lead ?? footer, footer: words.footer };
  if (!("image" in explanation)) return page({ ...common, sections: rowSections(explanation) });
  const drawn = drawMaps(explanation);
  return page({
    ...common,
    sections: imageSections(explanation, drawn),
    script: { program: HOVER_PROGRAM, data: hoverData(explanation, drawn) },
  });
}

function imageSections(explanation: ImageExplanation, drawn: readonly DrawnMap[]): Html[] {
  const { image, size, scale = "own", modes = ["abs", "diverging", "overlay"] } = explanation;
  const input = imagePicture(image, size);
  const shape = `${size.width} by ${size.height} pixels, ${size.channels === 1 ? "grey" : "colour"}`;
  const form = { abs: "size", diverging: "signed", overlay: "over" } as const;
  const blocks = drawn.map((map) => {
    const figures = modes.map((mode) => mapFigure(map, map[form[mode]], mode, scale === "own"));
    const note = map.note ? `<p>${escapeHtml(map.note)}</p>` : "";
    return `<h3>${escapeHtml(map.name)}</h3>${note}<div class="maps">${figures.join("")}</div>`;
  });
  const colours =
    "Sizes from black, nothing, to yellow. With sign, red speaks for the output and blue against it; over the input, where " +
    `nothing speaks, the input shows. ${scaleWords(drawn, scale)}`;
  return [
    section("Input", { html: `<div class="maps">${frame(input, `the input, ${shape}`, shape)}</div>` }),
    section(drawn.length === 1 ? "Map" : "Maps", colours, { html: blocks.join("\n") }),
    { html: '<output class="reading" id="reading" hidden></output>' },
  ];
}

function mapFigure({ name }: DrawnMap, map: Heatmap, mode: HeatmapMode, own: boolean): string {
  const note = mapNote(map, own);
  return frame(
    map,
    `${name}: ${MODE_NAMES[mode]}, ${map.caption}`,
    [MODE_NAMES[mode], note].filter(Boolean).join(", "),
  );
}

/** A picture whose pixels can be read. */
function frame(picture: Picture, alt: string, caption: string): string {
  const zoom: Zoom = readableZoom(picture, READABLE);
  const { width, height } = zoomed(picture, zoom);
  const smooth = zoom < 1 ? ' style="image-rendering:auto"' : "";
  // The caption is as wide as the picture, so that those of a row are in line.
  return `<figure style="width:${Math.max(width, NARROWEST)}px"><div class="frame"><img width="${width}" height="${height}"${smooth} alt="${escapeHtml(alt)}" src="${toDataUri(picture)}"><i hidden></i></div><figcaption>${escapeHtml(caption)}</figcaption></figure>`;
}

function hoverData({ image, size }: ImageExplanation, drawn: readonly DrawnMap[]): HoverData {
  return {
    ...{ width: size.width, height: size.height, channels: size.channels, input: floats(image) },
    maps: drawn.map(({ name, maps }) => ({
      name,
      signed: floats(maps.signed),
      ...(size.channels > 1 ? { size: floats(maps.size) } : {}),
    })),
  };
}

/** Little-endian float32, on any machine. */
function floats(values: ArrayLike<number>): string {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i], true);
  return base64(new Uint8Array(view.buffer));
}

function rowSections({ title, features, explanations, top, scale = "own" }: RowsExplanation): Html[] {
  const order = featureOrder(explanations);
  const charts = explanations.map((explanation) => barChart(features, explanation, { top, order }));
  const sorted = explanations.length > 1 ? "Features by their mean share of all |contributions|." : "";
  const drawing = barsDrawing(charts, { scale, across: 3, footer: sorted });
  const names = explanations.map(({ name }) => name);
  const rows = order.map((i) => [
    features[i].name,
    features[i].value,
    ...explanations.map(({ contributions }) => signed(contributions[i])),
  ]);
  const numbers = table(
    ["feature", "value", ...names],
    rows,
    "Contributions of all features, in the order of the chart.",
  );
  const chart = toSvg(drawing, `Contributions of features, ${names.join(", ")}: ${title}`).replace(
    "<svg ",
    '<svg class="wide" ',
  );
  return [
    section(
      names.length === 1 ? "Contributions" : "Contributions, by explainer",
      { html: `<figure>${chart}</figure>` },
      { html: `<details><summary>All ${features.length} features as numbers</summary>${numbers.html}</details>` },
    ),
  ];
}
