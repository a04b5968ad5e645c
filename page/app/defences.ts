/** The same attack on several networks, side by side. */
import { DEFENCES } from "../core/defences.js";
import { DEFENCE_NAMES, type DefenceName, type Settings } from "../core/settings.js";
import { byId, el } from "./dom.js";
import type { Answer } from "./live.js";
import { canvas, describe, paint } from "./paint.js";
import type { Store } from "./store.js";

interface Column {
  readonly button: HTMLButtonElement;
  readonly before: HTMLCanvasElement;
  readonly after: HTMLCanvasElement;
  readonly count: HTMLElement;
  readonly meter: HTMLElement;
}

export class Columns {
  readonly #columns: Readonly<Record<DefenceName, Column>>;

  constructor(store: Store) {
    const made = DEFENCE_NAMES.map((name): [DefenceName, Column] => [name, column(name, store)]);
    this.#columns = Object.fromEntries(made) as Record<DefenceName, Column>;
    byId("columns").append(...made.map(([, { button }]) => button));
    const show = ({ defence }: Settings): void => {
      for (const name of DEFENCE_NAMES)
        this.#columns[name].button.setAttribute("aria-pressed", String(name === defence));
    };
    store.onChange(show);
    show(store.settings);
  }

  /** Shows the answer of one of them; others are none of its business. */
  show({ settings, explained, attacked, pictures }: Answer): void {
    const column = this.#columns[settings.defence as DefenceName] as Column | undefined;
    const [before, after] = pictures;
    if (!column || !attacked || !after) return;
    const name = explained.classes[explained.predicted];
    const { title } = DEFENCES[settings.defence as DefenceName];
    paint(column.before, before.map[settings.view]);
    describe(column.before, `${title}: map before the attack`);
    paint(column.after, after.map[settings.view]);
    describe(column.after, `${title}: map after the attack`);
    column.count.textContent = `${attacked.kept} of the top ${attacked.k} are left; it says “${name}”`;
    column.meter.style.transform = `scaleX(${attacked.kept / attacked.k})`;
  }

  /** Dims what belongs to other settings. */
  wait(): void {
    for (const { count } of Object.values(this.#columns)) count.textContent = "…";
  }
}

function column(name: DefenceName, store: Store): Column {
  const { title, words, source } = DEFENCES[name];
  const [before, after] = [canvas(), canvas()];
  const [count, meter] = [el("span", { class: "count" }, "…"), el("span")];
  const button = el(
    "button",
    { type: "button", class: "column", click: () => store.set({ defence: name }) },
    el("strong", {}, title),
    el("div", { class: "pair" }, before, after),
    el("div", { class: "meter", "aria-hidden": "true" }, meter),
    count,
    el("small", {}, source ? `${words} ${source}.` : words),
  );
  meter.style.transform = "scaleX(0)";
  return { button, before, after, count, meter };
}
