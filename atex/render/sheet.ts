/** One sheet with everything that several explainers say about one prediction: an image or a row of a table. */
import { barChart, featureOrder, type RowExplanation, type ShownFeature } from "./bars.js";
import { barsDrawing } from "./bars-drawing.js";
import { DIVERGING, SEQUENTIAL } from "./colours.js";
import { type Drawing, rasterise, stack, toSvg } from "./drawing.js";
import { EMPTY, type Heatmap, type HeatmapMode, heatmap, type PixelMaps, pixelMaps } from "./heatmap.js";
import { type ColourBar, legend, panelDrawing, paragraph, spread } from "./panel.js";
import { checkImage, type ImageSize, imagePicture, type Picture, toPng } from "./picture.js";
import { digits, type MapScale, mapScale, type Normalisation } from "./scale.js";

/** What one explainer says about one image. */
export interface ExplainedMap {
  /** The explainer's name. */
  readonly name: string;
  /** Signed, of the image's size [channels·height·width], or one value per pixel [height·width]. */
  readonly attribution: ArrayLike<number>;
  /** A few words for the reader: "sum misses the output by 0.002". */
  readonly note?: string;
}

interface ExplanationWords {
  /** What was explained: "cat.png: logit of "tabby"". */
  readonly title: string;
  /** Network, prediction, settings. */
  readonly footer?: string;
  /**
   * "own": each explainer has its own scale, because a gradient is in other units than a share of the output; "shared": one scale for
   * all, for explainers of one unit. Default "own".
   */
  readonly scale?: "own" | "shared";
}

export interface ImageExplanation extends ExplanationWords {
  /** In [0,1], [channels·height·width], grey or colour. */
  readonly image: ArrayLike<number>;
  readonly size: ImageSize;
  readonly maps: readonly ExplainedMap[];
  /** What gets the full colour. Default "p99". */
  readonly normalise?: Normalisation;
  /** The rows of the sheet. Default all three. */
  readonly modes?: readonly HeatmapMode[];
}

export interface RowsExplanation extends ExplanationWords {
  readonly features: readonly ShownFeature[];
  readonly explanations: readonly RowExplanation[];
  /** How many features are shown one by one. Default 10. */
  readonly top?: number;
}

/** A sheet in the forms that can be kept. */
export interface Sheet {
  readonly picture: () => Picture;
  /** A PNG file. */
  readonly png: () => Uint8Array;
  /** An SVG file, with the text as text. */
  readonly svg: () => string;
}

/** The maps of a mode by other words, as captions of rows. */
export const MODE_NAMES: Readonly<Record<HeatmapMode, string>> = {
  abs: "|attribution|",
  diverging: "attribution",
  overlay: "attribution over the input",
};

/** The most explainers beside each other. */
const ACROSS = 6;
/** Of a sheet, in pixels: room for its text. */
const NARROWEST = 560;

/**
 * Explanations of one prediction side by side: maps of an image under each other in size, with sign and over the input; bars of a
 * row of a table with the same features in the same order. Maps that cannot be drawn honestly are refused.
 * @throws RangeError when sizes do not agree, a value is not finite, or there is no explanation.
 */
export function explanationSheet(explanation: ImageExplanation | RowsExplanation): Sheet {
  const drawing = "image" in explanation ? imageSheet(explanation) : rowsSheet(explanation);
  return {
    picture: () => rasterise(drawing),
    png: () => toPng(rasterise(drawing)),
    svg: () => toSvg(drawing, explanation.title),
  };
}

/** A map in every form a sheet or a page shows. */
export interface DrawnMap {
  readonly name: string;
  readonly note: string;
  readonly maps: PixelMaps;
  readonly size: Heatmap;
  readonly signed: Heatmap;
  readonly over: Heatmap;
}

/** Every map of an explanation, drawn on the scales it asks for. */
export function drawMaps({ image, size, maps, normalise = "p99", scale = "own" }: ImageExplanation): DrawnMap[] {
  checkImage("explanationSheet", image, size);
  if (maps.length === 0) throw new RangeError("explanationSheet: no maps; at least one is needed");
  if (scale !== "own" && scale !== "shared") {
    throw new RangeError(`explanationSheet: scale "${scale}" is unknown; there is "own" and "shared"`);
  }
  const values = maps.map(({ attribution, name }) => named(name, () => pixelMaps(attribution, size)));
  const shared =
    scale === "shared"
      ? {
          size: mapScale(
            values.map((map) => map.size),
            normalise,
          ),
          signed: mapScale(
            values.map((map) => map.signed),
            normalise,
          ),
        }
      : undefined;
  const { height, width, channels } = size;
  return maps.map(({ name, note = "" }, i) => {
    const draw = (of: keyof PixelMaps, mode: HeatmapMode): Heatmap =>
      named(name, () =>
        heatmap(values[i][of], {
          ...{ mode, height, width, image: { values: image, channels } },
          scale: shared?.[of] ?? mapScale([values[i][of]], normalise),
        }),
      );
    return {
      ...{ name, note, maps: values[i] },
      ...{ size: draw("size", "abs"), signed: draw("signed", "diverging"), over: draw("signed", "overlay") },
    };
  });
}

/** Puts the name of the explainer in front of a complaint about its map. */
function named<T>(name: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof RangeError) throw new RangeError(`${name}: ${error.message}`);
    throw error;
  }
}

function imageSheet(explanation: ImageExplanation): Drawing {
  const { image, size, title, footer = "", modes = ["abs", "diverging", "overlay"], scale = "own" } = explanation;
  if (modes.length === 0) throw new RangeError("explanationSheet: no modes; at least one is needed");
  const drawn = drawMaps(explanation);
  const input = imagePicture(image, size);
  const words = [scaleWords(drawn, scale), footer].filter(Boolean).join(" ");
  const form = { abs: "size", diverging: "signed", overlay: "over" } as const;
  const noteOf = (map: DrawnMap, mode: HeatmapMode): string => mapNote(map[form[mode]], scale === "own");
  const bars = modes.includes("abs") ? [SIZES] : [];
  if (modes.some((mode) => mode !== "abs")) bars.push(SIGNS);
  if (drawn.length === 1) {
    const [map] = drawn;
    return panelDrawing([[input, ...modes.map((mode) => map[form[mode]])]], {
      title,
      columns: ["input", ...modes.map((mode) => MODE_NAMES[mode])],
      notes: [["", ...modes.map((mode) => noteOf(map, mode))]],
      bars,
      footer: [`${map.name}.`, map.note && `${map.note}.`, words].filter(Boolean).join(" "),
    });
  }
  const blocks = spread(drawn, ACROSS).map((block) =>
    // The input stands once, beside the first row.
    panelDrawing(
      modes.map((mode, row) => [row === 0 ? input : undefined, ...block.map((map) => map[form[mode]])]),
      {
        columns: ["input", ...block.map(({ name }) => name)],
        rows: modes.map((mode) => MODE_NAMES[mode]),
        notes: modes.map((mode, row) => [
          "",
          ...block.map((map) =>
            [noteOf(map, mode), row === modes.length - 1 ? map.note : ""].filter(Boolean).join("; "),
          ),
        ]),
      },
    ),
  );
  const grid = stack(blocks, 8);
  const width = Math.max(grid.width, NARROWEST);
  return stack([paragraph(title, width, 8), grid, legend(bars, width), paragraph(words, width, 0)]);
}

/** The words under one map. */
export function mapNote({ empty, range, measure }: Heatmap, own: boolean): string {
  if (empty) return EMPTY;
  const [first, fallback] = measure.split("; ");
  return own ? `full colour at ${digits(range)}${fallback ? ` (${first}, as ${fallback})` : ""}` : "";
}

const SIZES: ColourBar = { colours: SEQUENTIAL, from: "0", to: "full colour, and more" };
const SIGNS: ColourBar = { colours: DIVERGING, from: "against", to: "for the output" };

/** How the maps were scaled. */
export function scaleWords(drawn: readonly DrawnMap[], scale: "own" | "shared"): string {
  const usual = ({ measure }: MapScale): string => measure.split(";")[0];
  if (scale === "shared") {
    const [{ size, signed }] = drawn;
    return `One scale for all maps of a row: full colour at ${digits(size.range)} for sizes and ${digits(signed.range)} with sign (${size.measure}).`;
  }
  // The fallback of sparse maps is named under them.
  const measures = drawn.flatMap((map) => [usual(map.size), usual(map.signed)]);
  const most = measures.includes("99th percentile") ? "99th percentile of its |values|" : "largest |value|";
  return `Each map has its own scale: full colour at the ${most} and more.`;
}

function rowsSheet({ title, footer, features, explanations, top, scale = "own" }: RowsExplanation): Drawing {
  const order = featureOrder(explanations);
  const charts = explanations.map((explanation) => barChart(features, explanation, { top, order }));
  const sorted = explanations.length > 1 ? "Features by their mean share of all |contributions|." : "";
  return barsDrawing(charts, { title, scale, footer: [sorted, footer].filter(Boolean).join(" ") });
}
