/** The controls beside the pictures, made from the table of settings. */
import { PICTURES, SETTINGS, type SettingName, type Settings, SIDE } from "../core/settings.js";
import { OBJECTIVE_WORDS, percent } from "../core/words.js";
import { el, field } from "./dom.js";
import { canvas, greyPicture, paint } from "./paint.js";
import type { Store } from "./store.js";

/** What the library's table says of explainers: written in by the build, so that this thread needs no table. */
declare const EXPLAINERS: Readonly<Record<string, { readonly title: string; readonly source: string }>>;

type NumberName = {
  [K in SettingName]: (typeof SETTINGS)[K] extends { readonly min: number } ? K : never;
}[SettingName];

interface NumberOptions {
  /** How the value is written beside the label. */
  readonly shown?: (value: number) => string;
  readonly max?: number;
  readonly className?: string;
}

/** A slider for a setting. */
export function slider(store: Store, name: NumberName, label: string, options: NumberOptions = {}): HTMLElement {
  const { min, step, max: most } = SETTINGS[name];
  const { shown = String, max = most, className } = options;
  const output = el("output");
  const input = el("input", { type: "range", min, max, step });
  const show = ({ [name]: value }: Settings): void => {
    if (Number(input.value) !== value) input.value = String(value);
    output.value = shown(value);
    input.setAttribute("aria-valuetext", shown(value));
  };
  input.addEventListener("input", () => store.set({ [name]: Number(input.value) }, "moving"));
  input.addEventListener("change", () => store.set({ [name]: Number(input.value) }));
  store.onChange(show);
  show(store.settings);
  const made = field(label, input, output);
  if (className) made.classList.add(className);
  return made;
}

/** A field for a number that is typed. */
export function numberField(store: Store, name: NumberName, label: string): HTMLElement {
  const { min, max, step } = SETTINGS[name];
  const input = el("input", { type: "number", min, max, step, value: store.settings[name] });
  input.addEventListener("change", () => {
    const value = SETTINGS[name].read(input.value);
    if (value === undefined) input.setCustomValidity(`${SETTINGS[name].needed} is needed`);
    else {
      input.setCustomValidity("");
      store.set({ [name]: value });
    }
    input.reportValidity();
  });
  store.onChange((settings) => {
    input.value = String(settings[name]);
  });
  return field(label, input);
}

type Options = readonly (readonly [value: string, label: string])[];

/** A choice between words; `onChoose` may say which settings follow. */
export function choice(
  store: Store,
  label: string,
  options: Options,
  valueIn: (settings: Settings) => string,
  changed: (value: string) => Partial<Settings>,
): HTMLElement {
  const select = el("select", {}, ...options.map(([value, text]) => el("option", { value }, text)));
  const show = (settings: Settings): void => {
    select.value = valueIn(settings);
  };
  select.addEventListener("change", () => store.set(changed(select.value)));
  store.onChange(show);
  show(store.settings);
  return field(label, select);
}

/** Bytes of all test pictures, one after the other: the worker draws them. */
export type TestPictures = Promise<Uint8Array>;

/** One of the test pictures. */
export function testPicture(pictures: Uint8Array, image: number): Uint8Array {
  return pictures.subarray(image * SIDE * SIDE, (image + 1) * SIDE * SIDE);
}

/** The test pictures as buttons. */
function thumbnails(store: Store, pictures: TestPictures): HTMLElement {
  const buttons = Array.from({ length: PICTURES / 2 }, (_, image) => {
    const picture = canvas();
    pictures.then(
      (all) => paint(picture, greyPicture(testPicture(all, image))),
      // The page says why the worker does not work.
      () => {},
    );
    const take = (): void => store.set({ image, pixels: "" });
    return el("button", { type: "button", "aria-label": `Picture ${image + 1}`, click: take }, picture);
  });
  const show = ({ image, pixels }: Settings): void => {
    for (const [i, button] of buttons.entries())
      button.setAttribute("aria-pressed", String(pixels === "" && i === image));
  };
  store.onChange(show);
  show(store.settings);
  return el("div", { class: "thumbs", role: "group", "aria-label": "Picture" }, ...buttons);
}

const explainers: Options = SETTINGS.explainer.all.map((name) => [name, EXPLAINERS[name].title]);
const objectives: Options = SETTINGS.objective.all.map((name) => [name, OBJECTIVE_WORDS[name]]);

/** Shows an element for some settings only. */
function onlyFor(store: Store, element: HTMLElement, holds: (settings: Settings) => boolean): HTMLElement {
  const show = (settings: Settings): void => {
    element.hidden = !holds(settings);
  };
  store.onChange(show);
  show(store.settings);
  return element;
}

/** Letters, or the number of another picture. */
function targetFields(store: Store): HTMLElement {
  const letters = el("input", { type: "text", maxlength: 4, autocomplete: "off", spellcheck: "false" });
  const show = ({ target }: Settings): void => {
    if (target.startsWith("word:") && document.activeElement !== letters) letters.value = target.slice(5);
  };
  letters.addEventListener("input", () => {
    const word = letters.value.toUpperCase();
    if (word.trim() !== "") store.set({ target: `word:${word}` });
  });
  store.onChange(show);
  show(store.settings);
  const pictures: Options = [
    ["word", "letters"],
    ...Array.from({ length: 10 }, (_, i): [string, string] => [`image:${i}`, `the map of picture ${i + 1}`]),
  ];
  const kind = choice(
    store,
    "The map is to show",
    pictures,
    ({ target }) => (target.startsWith("word:") ? "word" : target),
    (value) => ({ target: value === "word" ? `word:${letters.value.toUpperCase() || "NO"}` : value }),
  );
  const word = onlyFor(store, field("Letters, up to four", letters), ({ target }) => target.startsWith("word:"));
  return el("div", { class: "controls" }, kind, word);
}

/** The choice of an explainer, and where it comes from. */
function explainerField(store: Store): HTMLElement {
  const source = el("small");
  const show = ({ explainer }: Settings): void => {
    source.textContent = EXPLAINERS[explainer].source;
  };
  store.onChange(show);
  show(store.settings);
  const made = choice(
    store,
    "The map is made by",
    explainers,
    (s) => s.explainer,
    (v) => ({ explainer: v as Settings["explainer"] }),
  );
  made.append(source);
  return made;
}

/** All controls of the attack. */
export function controls(store: Store, pictures: TestPictures): HTMLElement[] {
  const takesCopies = ["smoothgrad", "vargrad", "expected-gradients", "integrated-gradients"];
  return [
    slider(store, "eps", "How much a pixel may change", { shown: percent, className: "big" }),
    thumbnails(store, pictures),
    choice(
      store,
      "The attack is to",
      objectives,
      (s) => s.objective,
      (v) => ({ objective: v as Settings["objective"] }),
    ),
    onlyFor(store, slider(store, "k", "How many pixels", { max: 200 }), (s) => s.objective === "top-k"),
    onlyFor(
      store,
      el(
        "p",
        { class: "note" },
        "Draw the region on the map at the lower right, or use the arrow keys there; with Shift they change its size.",
      ),
      (s) => s.objective === "target",
    ),
    onlyFor(store, targetFields(store), (s) => s.objective === "target-map"),
    explainerField(store),
    onlyFor(store, slider(store, "copies", "Noisy copies, or points of the path", { max: 50 }), (s) =>
      takesCopies.includes(s.explainer),
    ),
    onlyFor(
      store,
      slider(store, "beta", "Sharpness of the soft relu, beta", { max: 20 }),
      (s) => s.defence === "smoothing",
    ),
    el(
      "details",
      {},
      el("summary", {}, "More settings"),
      el(
        "div",
        { class: "controls" },
        slider(store, "steps", "Steps of the attack", { max: 100 }),
        choice(
          store,
          "Colours",
          [
            ["size", "how much a pixel counts"],
            ["sign", "for (red) or against (blue)"],
          ],
          (s) => s.view,
          (v) => ({ view: v as Settings["view"] }),
        ),
        numberField(store, "seed", "Seed of all that is random"),
      ),
    ),
  ];
}
