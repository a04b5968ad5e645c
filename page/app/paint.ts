/** Pictures and maps on 2D canvases: a WebGPU canvas would be blank in captures, and these are small. */
import { heatmap, imagePicture, mapScale, type Picture, pixelMaps } from "holdfast/atex";
import type { Shown } from "../core/attack.js";
import type { Settings } from "../core/settings.js";
import { shareOf } from "../core/words.js";

export function canvas(label = ""): HTMLCanvasElement {
  const made = document.createElement("canvas");
  if (label === "") made.setAttribute("aria-hidden", "true");
  else describe(made, label);
  return made;
}

/** Says to those who do not see it what a canvas shows. */
export function describe(on: HTMLCanvasElement, label: string): void {
  on.removeAttribute("aria-hidden");
  on.setAttribute("role", "img");
  on.setAttribute("aria-label", label);
}

export function paint(on: HTMLCanvasElement, { width, height, rgba }: Picture): void {
  if (on.width !== width) on.width = width;
  if (on.height !== height) on.height = height;
  on.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(rgba), width, height), 0, 0);
}

const sizeOf = ([channels, height, width]: readonly number[]) => ({ channels, height, width });

export function imageOf(image: Float32Array, shape: readonly number[]): Picture {
  return imagePicture(image, sizeOf(shape));
}

/** Attributions as pictures with one scale: shares of each map's whole, by size, or with signs. */
export function mapsOf(
  attributions: readonly Shown["attribution"][],
  shape: readonly number[],
  view: Settings["view"],
  own = false,
): Picture[] {
  const size = sizeOf(shape);
  const { height, width } = size;
  const maps = attributions.map((one) => shareOf(pixelMaps(one, size)[view === "size" ? "size" : "signed"]));
  const shared = own ? undefined : mapScale(maps, "p99");
  const mode = view === "size" ? "abs" : "diverging";
  return maps.map((values) => heatmap(values, { mode, height, width, normalise: "p99", scale: shared }));
}
