/** The four pictures, and the sentence above them. */
import type { Picture } from "holdfast/atex";
import { fittedRegion, mapKey, type Region, readRegion, type Settings, SIDE, writeRegion } from "../core/settings.js";
import { sentenceOf, wordsOf } from "../core/words.js";
import { byId, el } from "./dom.js";
import type { Answer } from "./live.js";
import { canvas, describe, paint } from "./paint.js";
import type { Store } from "./store.js";

const FIGURES = ["image", "map", "attacked", "attackedMap"] as const;
type FigureName = (typeof FIGURES)[number];

interface Figure {
  readonly frame: HTMLElement;
  readonly caption: HTMLElement;
  readonly canvas: HTMLCanvasElement;
}

export class First {
  readonly #figures: Readonly<Record<FigureName, Figure>>;
  readonly #sentence = byId("sentence");
  readonly #spoken = byId("spoken");
  /** What is shown. */
  shown: Answer | undefined;

  constructor(store: Store) {
    const figures = FIGURES.map((name): [FigureName, Figure] => {
      const figure = byId(name);
      const [frame, caption] = [figure.querySelector<HTMLElement>(".frame"), figure.querySelector("figcaption")];
      return [name, { frame: frame!, caption: caption!, canvas: canvas() }];
    });
    this.#figures = Object.fromEntries(figures) as Record<FigureName, Figure>;
    regionOn(this.#figures.attackedMap.frame, store);
  }

  /** Shows an answer; the finished pictures of the template give way to the first one. */
  show(answer: Answer): void {
    const { settings, explained, attacked, preview } = answer;
    const [before, after] = answer.pictures;
    if (!attacked || !after) {
      // The attack is under way: a map that is not there yet is shown, with a scale of its own.
      if (this.shown && mapKey(this.shown.settings) === mapKey(settings) && settings.defence !== "trained") return;
      this.#put("image", before.image);
      this.#put("map", before.map[settings.view]);
      return;
    }
    this.shown = answer;
    this.#put("image", before.image);
    this.#put("map", before.map[settings.view]);
    this.#put("attacked", after.image);
    this.#put("attackedMap", after.map[settings.view]);
    const words = wordsOf(settings, explained, attacked);
    for (const name of FIGURES) {
      const { caption, canvas } = this.#figures[name];
      caption.textContent = words[`${name}Words`];
      describe(canvas, words[`${name}Words`]);
    }
    const sentence = sentenceOf(settings, explained, attacked);
    this.#sentence.textContent = sentence;
    if (!preview) this.#spoken.textContent = sentence;
    byId("pictures").classList.toggle("sign", settings.view === "sign");
  }

  #put(name: FigureName, picture: Picture): void {
    const { frame, canvas } = this.#figures[name];
    paint(canvas, picture);
    if (!canvas.isConnected) frame.querySelector("img")?.replaceWith(canvas);
  }
}

const MOVES: Readonly<Record<string, readonly [down: number, right: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** Lets the reader draw the region that a map is to fill, with a pointer or with arrow keys. */
function regionOn(frame: HTMLElement, store: Store): void {
  const box = el("div", { class: "region", "aria-hidden": "true" });
  const put = ({ top, left, height, width }: Region): void => {
    const share = (v: number): string => `${(100 * v) / SIDE}%`;
    Object.assign(box.style, { top: share(top), left: share(left), height: share(height), width: share(width) });
  };
  const show = ({ objective, region }: Settings): void => {
    const draws = objective === "target";
    frame.classList.toggle("drawable", draws);
    box.hidden = !draws;
    put(readRegion(region));
    if (!draws) {
      for (const name of ["tabindex", "role", "aria-label"]) frame.removeAttribute(name);
      return;
    }
    frame.tabIndex = 0;
    frame.setAttribute("role", "group");
    frame.setAttribute("aria-label", `Region ${region}: arrow keys move it, with Shift they change its size`);
  };
  frame.append(box);
  store.onChange(show);
  show(store.settings);

  let from: readonly [y: number, x: number] | undefined;
  const at = ({ clientX, clientY }: PointerEvent): [number, number] => {
    const { left, top, width, height } = frame.getBoundingClientRect();
    const cell = (share: number): number => Math.min(SIDE - 1, Math.max(0, Math.floor(SIDE * share)));
    return [cell((clientY - top) / height), cell((clientX - left) / width)];
  };
  const drawn = (event: PointerEvent): string => {
    const [[y0, x0], [y1, x1]] = [from!, at(event)];
    const [top, left] = [Math.min(y0, y1), Math.min(x0, x1)];
    return writeRegion({ top, left, height: Math.abs(y1 - y0) + 1, width: Math.abs(x1 - x0) + 1 });
  };
  frame.addEventListener("pointerdown", (event) => {
    if (store.settings.objective !== "target") return;
    from = at(event);
    frame.setPointerCapture(event.pointerId);
  });
  frame.addEventListener("pointermove", (event) => {
    if (from) store.set({ region: drawn(event) }, "moving");
  });
  frame.addEventListener("pointerup", (event) => {
    if (!from) return;
    const region = drawn(event);
    from = undefined;
    store.set({ region });
  });
  frame.addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move || store.settings.objective !== "target") return;
    event.preventDefault();
    const { top, left, height, width } = readRegion(store.settings.region);
    const [down, right] = move;
    const moved = event.shiftKey
      ? { top, left, height: height + down, width: width + right }
      : { top: Math.min(SIDE - height, top + down), left: Math.min(SIDE - width, left + right), height, width };
    store.set({ region: writeRegion(fittedRegion(moved)) });
  });
}
