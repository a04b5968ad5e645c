/** The table: LIME of one person, before and after the scaffold. */
import type { Dropped, DroppedTable } from "../core/messages.js";
import type { PersonAnswer } from "../core/table.js";
import { percent } from "../core/words.js";
import { numberField, slider } from "./controls.js";
import { byId, el } from "./dom.js";
import type { Live } from "./live.js";
import type { Store } from "./store.js";

/** A coefficient as a bar from the middle. */
function bar(value: number, largest: number): HTMLElement {
  const width = largest > 0 ? (50 * Math.abs(value)) / largest : 0;
  const filled = el("span", { class: value < 0 ? "minus" : "" });
  filled.style.width = `${width}%`;
  filled.style.left = `${value < 0 ? 50 - width : 50}%`;
  return el("div", { class: "bar", "aria-hidden": "true" }, filled);
}

const signed = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;

function resultOf(answer: PersonAnswer, person: number): HTMLElement[] {
  const { features, values, before, after, sensitive, shownInstead, first, alike, count, verdicts } = answer;
  const order = features
    .map((_, i) => i)
    .sort((a, b) => Math.abs(before[b]) + Math.abs(after[b]) - Math.abs(before[a]) - Math.abs(after[a]));
  const largest = [before, after].map((list) => Math.max(...list.map(Math.abs)));
  const cells = (i: number): HTMLElement[] =>
    [before, after].flatMap((list, side) => [el("td", {}, bar(list[i], largest[side])), el("td", {}, signed(list[i]))]);
  const rows = order.map((i) =>
    el(
      "tr",
      { class: features[i] === sensitive ? "sensitive" : "" },
      el("th", { scope: "row" }, features[i]),
      el("td", {}, values[i]),
      ...cells(i),
    ),
  );
  return [
    el(
      "p",
      {},
      `The model looks at “${sensitive}” and nothing else. Without the scaffold LIME says so for ${percent(first[0])} of ${count} people, ` +
        `with it for ${percent(first[1])}, and shows “${shownInstead}” instead; ${percent(alike)} of the people are judged as before.`,
    ),
    el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "Coefficients" },
      el(
        "table",
        {},
        el(
          "caption",
          {},
          el(
            "span",
            {},
            `Person ${person + 1}: judged “${verdicts[0]}” without, “${verdicts[1]}” with the scaffold. LIME’s coefficients:`,
          ),
        ),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            ...["column", "value"].map((text) => el("th", { scope: "col" }, text)),
            ...["without scaffold", "with scaffold"].map((text) => el("th", { scope: "colgroup", colspan: 2 }, text)),
          ),
        ),
        el("tbody", {}, ...rows),
      ),
    ),
  ];
}

export interface TableSection {
  /** Takes a table of the reader's. */
  take(table: Dropped): Promise<void>;
}

export function tableSection(store: Store, live: Live): TableSection {
  const words = el("p", { role: "status" });
  const run = el("button", { type: "button", class: "main" }, "Explain");
  const chosen = el("div", { class: "controls" });
  const result = byId("table-result");
  let file: DroppedTable | undefined;
  let shown = false;

  const explain = async (): Promise<void> => {
    run.disabled = true;
    words.textContent = "Waiting for what was asked before …";
    try {
      const { settings } = store;
      const answer = await live.ask("table", { settings, file }, (told) => {
        words.textContent = told.words;
      });
      words.textContent = `Done in ${(answer.milliseconds / 1000).toFixed(1)} s: ${answer.name}.`;
      result.replaceChildren(...resultOf(answer, settings.person % answer.count));
      shown = true;
    } catch (error) {
      words.textContent = (error as Error).message;
    } finally {
      run.disabled = false;
    }
  };
  run.addEventListener("click", () => void explain());
  store.onChange((_, change, changed) => {
    if (shown && change === "settled" && "person" in changed) void explain();
  });
  byId("table-controls").append(
    numberField(store, "people", "People made up"),
    slider(store, "person", "Person", { shown: (value) => String(value + 1), max: 39 }),
    chosen,
    el("div", { class: "row" }, run),
    words,
  );
  return {
    async take(table) {
      const { name } = table;
      const columns = await live.ask("columns", table);
      const pick = (label: string, at: number, take: (value: string) => void): HTMLElement => {
        const select = el(
          "select",
          { "aria-label": label },
          ...columns.map((column) => el("option", { value: column }, column)),
        );
        select.value = columns[at];
        take(columns[at]);
        select.addEventListener("change", () => take(select.value));
        return el("div", { class: "field" }, el("span", { class: "label" }, label), select);
      };
      let [target, sensitive] = ["", ""];
      const put = (): void => {
        file = { ...table, target, sensitive };
      };
      const back = el("button", { type: "button" }, "Back to people made up");
      back.addEventListener("click", () => {
        file = undefined;
        chosen.replaceChildren();
      });
      chosen.replaceChildren(
        el("p", {}, `${name}: ${columns.length} columns.`),
        pick("What is predicted", columns.length - 1, (value) => {
          target = value;
          put();
        }),
        pick("What nobody should be judged by", 0, (value) => {
          sensitive = value;
          put();
        }),
        back,
      );
      byId("table").scrollIntoView();
    },
  };
}
