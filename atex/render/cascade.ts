/** What becomes of explanations while the layers of a network are made random, one after another (Adebayo et al. 2018). */
import { DIVERGING, SEQUENTIAL } from "./colours.js";
import type { Drawing } from "./drawing.js";
import { EMPTY, type Heatmap, heatmap, pixelMaps } from "./heatmap.js";
import type { Html } from "./html.js";
import { panelDrawing } from "./panel.js";
import { type ImageSize, imagePicture, type Picture } from "./picture.js";
import { linePlot } from "./plot.js";
import { digits, mapScale, type Normalisation } from "./scale.js";

/** One explainer's attributions: of the trained network, then with each of the layers made random. */
export interface CascadeRow {
  readonly name: string;
  /** Each [channels·height·width] or [height·width]; one more than there are layers. */
  readonly attributions: readonly ArrayLike<number>[];
}

export interface CascadeOptions {
  readonly title?: string;
  /** In [0,1], [channels·height·width]. */
  readonly image: ArrayLike<number>;
  readonly size: ImageSize;
  /** The layers from the output down, as captions. */
  readonly layers: readonly string[];
  readonly rows: readonly CascadeRow[];
  readonly mode?: "abs" | "diverging";
  readonly normalise?: Normalisation;
  /** "own": a scale for each map, because random layers change the size of everything; "row": one for each explainer. Default "own". */
  readonly scale?: "own" | "row";
  readonly footer?: string;
}

/**
 * A row of maps for each explainer: trained, then a column for each layer made random.
 * @throws RangeError if numbers of maps and layers do not agree, or a map cannot be drawn.
 */
export function cascadeDrawing(options: CascadeOptions): Drawing {
  const { title, image, size, layers, rows, mode = "abs", normalise = "p99", scale = "own", footer = "" } = options;
  if (mode !== "abs" && mode !== "diverging") {
    throw new RangeError(`cascade: mode "${mode}" is unknown; there is "abs" and "diverging"`);
  }
  if (scale !== "own" && scale !== "row") {
    throw new RangeError(`cascade: scale "${scale}" is unknown; there is "own" and "row"`);
  }
  if (rows.length === 0) throw new RangeError("cascade: no rows; at least one explainer is needed");
  const { height, width } = size;
  const input = imagePicture(image, size);
  const drawn = rows.map(({ name, attributions }): Heatmap[] => {
    if (attributions.length !== layers.length + 1) {
      throw new RangeError(
        `cascade: ${attributions.length} maps of ${name} for ${layers.length} layers; one of the trained network and one for each layer are needed`,
      );
    }
    const values = attributions.map((one) => pixelMaps(one, size)[mode === "abs" ? "size" : "signed"]);
    const shared = scale === "row" ? mapScale(values, normalise) : undefined;
    return values.map((map) => heatmap(map, { mode, height, width, normalise, scale: shared }));
  });
  const note = (map: Heatmap): string => (map.empty ? EMPTY : scale === "own" ? digits(map.range) : "");
  // In rows with one scale the first map that is not empty says what it is.
  const notes = drawn.map((maps) => {
    const first = maps.findIndex((map) => !map.empty);
    return ["", ...maps.map((map, i) => (scale === "row" && i === first ? digits(map.range) : note(map)))];
  });
  const percentile =
    normalise === "p99" ? "99th percentile of |values| (the maximum where that is 0)" : "largest |value|";
  const words =
    scale === "own"
      ? `Each map has its own scale: full colour at the number under it, its ${percentile}.`
      : `The maps of a row have one scale: full colour at the number under the first, their ${percentile}.`;
  return panelDrawing(
    drawn.map((maps, row): (Picture | undefined)[] => [row === 0 ? input : undefined, ...maps]),
    {
      ...{ title, notes, side: 144 },
      columns: ["input", "trained", ...layers],
      rows: rows.map(({ name }) => name),
      bars: [
        mode === "abs"
          ? { colours: SEQUENTIAL, from: "0", to: "full colour, and more" }
          : { colours: DIVERGING, from: "against", to: "for the output" },
      ],
      footer: [words, footer].filter(Boolean).join(" "),
    },
  );
}

/** How alike an explainer's maps stay to those of the trained network. */
export interface SimilaritySeries {
  readonly name: string;
  /** One per layer; NaN where it is not defined, as the correlation with a map of one value. */
  readonly values: readonly number[];
  /** Half of each error bar. */
  readonly halves?: readonly number[];
}

export interface SimilarityOptions {
  readonly title: string;
  /** The measure's name: "Spearman of |values|". */
  readonly measure: string;
  readonly layers: readonly string[];
  readonly series: readonly SimilaritySeries[];
  /** Whether each layer was lost with all above it (default) or alone. */
  readonly order?: "cascading" | "independent";
}

/** Similarity by layer, a line for each explainer; values that are not defined are left out, and the legend counts them.
 *  @throws RangeError if numbers of values and layers do not agree, or no value is defined. */
export function similarityPlot({ title, measure, layers, series, order = "cascading" }: SimilarityOptions): Html {
  return linePlot({
    ...{ title, y: measure, names: layers },
    x: order === "cascading" ? "layers made random, from the output down to" : "the layer made random",
    series: series.map(({ name, values, halves }) => {
      if (values.length !== layers.length || (halves && halves.length !== layers.length)) {
        throw new RangeError(
          `similarityPlot: ${values.length} values and ${halves?.length ?? "no"} error bars of ${name} for ${layers.length} layers; one each is needed`,
        );
      }
      const points = values.flatMap((y, x) => (Number.isNaN(y) ? [] : [{ x, y, half: halves?.[x] ?? Number.NaN }]));
      const missing = values.length - points.length;
      return { name: missing === 0 ? name : `${name} (${missing} not defined)`, points };
    }),
  });
}
