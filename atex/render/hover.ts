/** The program of a page with maps: the pixel under the pointer or the arrow keys, in all pictures, and its values in words. */

/** What the program reads: little-endian float32 as base64. */
export interface HoverData {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** [channels·height·width] */
  readonly input: string;
  readonly maps: readonly {
    readonly name: string;
    /** Summed over the channels, [height·width]. */
    readonly signed: string;
    /** Sizes summed over the channels; for images of one channel left out. */
    readonly size?: string;
  }[];
}

/** Runs in browsers as it stands: plain JavaScript, for pages made by `explanationPage`. */
export const HOVER_PROGRAM = `(() => {
  "use strict";
  const { width, height, channels, input, maps } = JSON.parse(document.getElementById("data").textContent);
  const floats = (text) => {
    const view = new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
    return (i) => view.getFloat32(4 * i, true);
  };
  const pixels = floats(input);
  const signed = maps.map((map) => floats(map.signed));
  const sizes = maps.map((map) => map.size && floats(map.size));
  const frames = [...document.querySelectorAll(".frame")];
  const reading = document.getElementById("reading");
  const number = (v) => (v < 0 ? "\\u2212" : "") + Math.abs(v).toPrecision(3);
  const hint = "Point at a picture, or move through it with the arrow keys, to read the values of a pixel.";
  let at = null;
  const show = (x, y) => {
    at = [Math.min(width - 1, Math.max(0, x)), Math.min(height - 1, Math.max(0, y))];
    const i = at[1] * width + at[0];
    const planes = Array.from({ length: channels }, (_, c) => number(pixels(c * width * height + i)));
    const words = maps.map(({ name }, m) => {
      const size = sizes[m] ? " (sizes " + number(sizes[m](i)) + ")" : "";
      return name + " " + number(signed[m](i)) + size;
    });
    reading.textContent = ["row " + at[1] + ", column " + at[0], "input " + planes.join(", "), ...words].join(" \\u00b7 ");
    for (const frame of frames) {
      const cursor = frame.querySelector("i");
      cursor.hidden = false;
      cursor.style.left = (100 * at[0]) / width + "%";
      cursor.style.top = (100 * at[1]) / height + "%";
      cursor.style.width = 100 / width + "%";
      cursor.style.height = 100 / height + "%";
    }
  };
  const hide = () => {
    at = null;
    reading.textContent = hint;
    for (const frame of frames) frame.querySelector("i").hidden = true;
  };
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  for (const frame of frames) {
    frame.tabIndex = 0;
    frame.addEventListener("pointermove", (event) => {
      const box = frame.getBoundingClientRect();
      const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      show(Math.floor(x * width), Math.floor(y * height));
    });
    frame.addEventListener("pointerleave", hide);
    frame.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
      const step = steps[event.key];
      if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      const far = event.shiftKey ? 10 : 1;
      const from = at || [Math.floor(width / 2) - far * step[0], Math.floor(height / 2) - far * step[1]];
      show(from[0] + far * step[0], from[1] + far * step[1]);
    });
  }
  reading.hidden = false;
  hide();
})();`;
