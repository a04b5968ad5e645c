/** The reader's own: a drawing, a dropped picture, network or table. */

import type { Dropped } from "../core/messages.js";
import { decodePixels, encodePixels, type Settings, SIDE } from "../core/settings.js";
import { type TestPictures, testPicture } from "./controls.js";
import { byId, el } from "./dom.js";
import type { Live } from "./live.js";
import { canvas, describe, greyPicture, paint } from "./paint.js";
import type { Store } from "./store.js";

/** What the pen adds to a pixel and its neighbours. */
const PEN = [
  [0, 0, 200],
  [0, 1, 90],
  [1, 0, 90],
  [0, -1, 90],
  [-1, 0, 90],
] as const;
const GROUND = 45;

/** A pad to draw on, with a pointer, or with arrow keys and the space bar. */
function pad(store: Store, pictures: TestPictures): HTMLElement[] {
  const board = canvas();
  board.className = "pad";
  board.tabIndex = 0;
  describe(board, "Drawing pad: arrow keys move the pen, space draws");
  let bytes: Uint8Array = new Uint8Array(SIDE * SIDE).fill(GROUND);
  let pen: [y: number, x: number] = [14, 14];
  let marked = false;
  const show = (): void => {
    paint(board, greyPicture(bytes));
    if (!marked) return;
    const context = board.getContext("2d")!;
    context.fillStyle = "#f08030";
    context.fillRect(pen[1], pen[0], 1, 1);
  };
  const take = (settings: Settings): void => {
    bytes = decodePixels(settings.pixels)?.slice() ?? bytes;
    show();
  };
  const dot = (): void => {
    for (const [down, right, amount] of PEN) {
      const [y, x] = [pen[0] + down, pen[1] + right];
      if (y >= 0 && y < SIDE && x >= 0 && x < SIDE) bytes[y * SIDE + x] = Math.min(230, bytes[y * SIDE + x] + amount);
    }
  };
  const settle = (): void => store.set({ pixels: encodePixels(bytes) });
  const move = ({ clientX, clientY }: PointerEvent): void => {
    const { left, top, width, height } = board.getBoundingClientRect();
    pen = [Math.floor((SIDE * (clientY - top)) / height), Math.floor((SIDE * (clientX - left)) / width)];
  };
  let drawing = false;
  board.addEventListener("pointerdown", (event) => {
    drawing = true;
    marked = false;
    board.setPointerCapture(event.pointerId);
    move(event);
    dot();
    show();
  });
  board.addEventListener("pointermove", (event) => {
    if (!drawing) return;
    for (const part of event.getCoalescedEvents?.() ?? [event]) {
      move(part);
      dot();
    }
    show();
  });
  board.addEventListener("pointerup", () => {
    drawing = false;
    settle();
  });
  const steps: Readonly<Record<string, readonly [number, number]>> = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
  };
  board.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (!step && event.key !== " ") return;
    event.preventDefault();
    marked = true;
    if (step)
      pen = [Math.min(SIDE - 1, Math.max(0, pen[0] + step[0])), Math.min(SIDE - 1, Math.max(0, pen[1] + step[1]))];
    else dot();
    show();
    if (!step) settle();
  });
  const clear = el("button", { type: "button" }, "Empty");
  clear.addEventListener("click", () => {
    bytes = new Uint8Array(SIDE * SIDE).fill(GROUND);
    settle();
    show();
  });
  const from = el("button", { type: "button" }, "Take the picture above");
  const words = el("p", { role: "status" });
  from.addEventListener("click", async () => {
    const { pixels, image } = store.settings;
    try {
      bytes = decodePixels(pixels) ?? testPicture(await pictures, image).slice();
    } catch (error) {
      words.textContent = `The picture cannot be taken (${(error as Error).message}); draw one here.`;
      return;
    }
    settle();
    show();
  });
  store.onChange((settings, _, changed) => {
    if ("pixels" in changed) take(settings);
  });
  take(store.settings);
  return [board, el("div", { class: "row" }, clear, from), words];
}

export interface OwnHooks {
  onTable(table: Dropped): Promise<void>;
}

/** The section, and dropping anywhere on the page. */
export function ownSection(store: Store, live: Live, pictures: TestPictures, { onTable }: OwnHooks): void {
  const words = el("p", { role: "status" });
  const take = async (file: File): Promise<void> => {
    const { name } = file;
    words.textContent = `Reading ${name} …`;
    try {
      if (/\.onnx$/i.test(name)) {
        words.textContent = (await live.ask("onnx", { file, name })).words;
        store.set({ defence: "onnx" });
      } else if (/\.(csv|tsv|txt)$/i.test(name)) {
        await onTable({ file, name });
        words.textContent = `${name} is the table below.`;
      } else {
        const pixels = await live.ask("picture", { file, name });
        store.set({ pixels: encodePixels(pixels) });
        words.textContent = `${name}, cut to its middle and to ${SIDE}×${SIDE} grey pixels, is the picture at the top.`;
      }
    } catch (error) {
      words.textContent = (error as Error).message;
    }
  };
  const input = el("input", {
    type: "file",
    accept: ".png,.jpg,.jpeg,.onnx,.csv,.tsv",
    "aria-label": "A picture, an ONNX network or a CSV table",
  });
  input.addEventListener("change", () => {
    if (input.files?.[0]) void take(input.files[0]);
  });
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    const file = event.dataTransfer?.files[0];
    if (file) void take(file);
  });
  byId("pad").append(...pad(store, pictures));
  byId("drop").append(
    el(
      "div",
      { class: "dropzone" },
      el("p", {}, "Drop a file here, or choose one. It is read in this browser and goes nowhere."),
      input,
      words,
    ),
  );
}
