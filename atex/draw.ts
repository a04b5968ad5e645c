/** Pictures of maps: scales, colours, heat-maps, panels as PNG. */

export { type ColourMap, colourAt, DIVERGING, SEQUENTIAL } from "./render/colours.js";
export {
  HEATMAP_MODES,
  type Heatmap,
  type HeatmapMode,
  type HeatmapOptions,
  heatmap,
  type PixelMaps,
  pixelMaps,
} from "./render/heatmap.js";
export {
  enlarge,
  type ImageSize,
  imagePicture,
  type MapSize,
  type Picture,
  toDataUri,
  toPng,
} from "./render/picture.js";
export { type MapScale, mapScale, type Normalisation as MapScaleNormalisation } from "./render/scale.js";
export { wordMap } from "./render/word.js";
