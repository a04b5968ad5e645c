/** Right calls of `holdfast/draw`. */
import * as a from "../../../atex/index.js";
import type { Row } from "../row.js";

const size = { channels: 1, height: 2, width: 3 };
const values = Float32Array.of(0, 0.1, 0.2, 0.3, 0.4, 0.5);
const picture = (): a.Picture => ({ width: 2, height: 1, rgba: new Uint8Array(8) });

export const DRAW: Readonly<Record<string, Row>> = {
  colourAt: { args: () => [a.DIVERGING, 0.5] },
  heatmap: { args: () => [values, { mode: "abs", normalise: "max", height: 2, width: 3 }] },
  pixelMaps: { args: () => [values, size] },
  enlarge: { args: () => [picture(), 2] },
  imagePicture: { args: () => [values, size] },
  toDataUri: { args: () => [picture()] },
  toPng: { args: () => [picture()] },
  mapScale: { args: () => [[values], "max"] },
  wordMap: { args: () => ["AI", 20, 20] },
};
