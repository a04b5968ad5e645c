/** Pictures on 2D canvases: a WebGPU canvas would be blank in captures, and these are small. */
import type { Picture } from "holdfast/atex";
import { SIDE } from "../core/settings.js";

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

/** Bytes of a picture of the page's size as shades of grey. */
export function greyPicture(bytes: Uint8Array): Picture {
  const rgba = new Uint8Array(4 * bytes.length).fill(255);
  bytes.forEach((grey, i) => {
    rgba.fill(grey, 4 * i, 4 * i + 3);
  });
  return { width: SIDE, height: SIDE, rgba };
}
