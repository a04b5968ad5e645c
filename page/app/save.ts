/** What the reader takes along: the link, the program, the pictures, the numbers. */
import { programOf } from "../core/program.js";
import { type Settings, writeSettings } from "../core/settings.js";
import { sentenceOf } from "../core/words.js";
import { download, el } from "./dom.js";
import type { Answer, Live } from "./live.js";
import type { Store } from "./store.js";

const SIDE = 280;
const GAP = 20;
const WORDS = 70;

/** The page with these settings; what the browser shows may be a moment older. */
const addressOf = (settings: Settings): string => new URL(`#${writeSettings(settings)}`, location.href).href;

/** The four pictures and the sentence as one PNG. */
async function pictureOf({ settings, explained, attacked, pictures }: Answer): Promise<Blob> {
  const four = pictures.flatMap((one) => (one ? [one.image, one.map[settings.view]] : []));
  const sheet = new OffscreenCanvas(4 * SIDE + 5 * GAP, SIDE + 2 * GAP + WORDS);
  const context = sheet.getContext("2d")!;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, sheet.width, sheet.height);
  context.imageSmoothingEnabled = false;
  for (const [i, { width, height, rgba }] of four.entries()) {
    const small = await createImageBitmap(new ImageData(new Uint8ClampedArray(rgba), width, height));
    context.drawImage(small, GAP + i * (SIDE + GAP), GAP, SIDE, SIDE);
  }
  context.fillStyle = "#222";
  context.font = "16px system-ui, sans-serif";
  context.fillText(sentenceOf(settings, explained, attacked!), GAP, SIDE + 2 * GAP + 20, sheet.width - 2 * GAP);
  context.font = "12px system-ui, sans-serif";
  context.fillText(addressOf(settings), GAP, SIDE + 2 * GAP + 44, sheet.width - 2 * GAP);
  return sheet.convertToBlob({ type: "image/png" });
}

/** All numbers behind the pictures. */
function numbersOf({ settings, explained, attacked }: Answer): Blob {
  const plain = (_: string, value: unknown): unknown => (value instanceof Float32Array ? Array.from(value) : value);
  const about = { address: addressOf(settings), settings, explained, attacked };
  return new Blob([JSON.stringify(about, plain, 1)], { type: "application/json" });
}

/** Buttons; `shown` is the answer on the page. */
export function saveButtons(store: Store, live: Live, shown: () => Answer | undefined): HTMLElement {
  const words = el("p", { role: "status", class: "unseen" });
  const program = el("textarea", { readonly: true, hidden: true, rows: 8, "aria-label": "The program" });
  const copy = async (text: string, what: string): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      words.textContent = `${what} copied.`;
    } catch {
      // Some browsers allow no clipboard: the text is there to be selected.
      program.hidden = false;
      program.value = text;
      program.focus();
      program.select();
    }
  };
  const button = (label: string, act: () => void): HTMLElement => {
    const made = el("button", { type: "button" }, label);
    made.addEventListener("click", act);
    return made;
  };
  const save = async (name: string, of: (answer: Answer) => Blob | Promise<Blob>): Promise<void> => {
    const answer = shown();
    try {
      if (answer) download(name, await of(answer));
      words.textContent = answer ? `${name} is saved.` : "There is nothing to save before the first attack.";
    } catch (error) {
      words.textContent = (error as Error).message;
    }
  };
  return el(
    "div",
    { class: "controls", role: "group", "aria-label": "Take it along" },
    el(
      "div",
      { class: "row" },
      button("Copy link", () => void copy(addressOf(store.settings), "The link is")),
      button(
        "Copy as TypeScript",
        () => void copy(programOf(store.settings, live.steps(store.settings)), "The program is"),
      ),
      button("Save picture", () => void save("holdfast.png", pictureOf)),
      button("Save numbers", () => void save("holdfast.json", numbersOf)),
    ),
    program,
    words,
  );
}
