/** The sanity check as a table of maps. */
import type { SanityAnswer } from "../core/sanity.js";
import type { Settings } from "../core/settings.js";
import { percent } from "../core/words.js";
import { byId, el } from "./dom.js";
import type { Live } from "./live.js";
import { canvas, describe, paint } from "./paint.js";
import type { Store } from "./store.js";

function cascade({ rows, layers, count }: SanityAnswer): HTMLElement {
  const heads = ["explainer", "as trained", ...layers.map((layer) => `without ${layer}`), "verdict"];
  const body = rows.map(({ explainer, maps, alike, verdict }) => {
    const cells = maps.map((map, i) => {
      const on = canvas();
      const likeness = Number.isNaN(alike[i]) ? "no likeness defined" : `${alike[i].toFixed(2)} alike`;
      paint(on, map);
      describe(on, `${explainer}, ${heads[i + 1]}: ${likeness}`);
      return el("td", {}, on, el("small", {}, i === 0 ? "" : likeness));
    });
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, explainer),
      ...cells,
      el("td", {}, el("small", {}, `${verdict.grade}: ${verdict.words}`)),
    );
  });
  return el(
    "table",
    { class: "cascade" },
    el(
      "caption",
      {},
      el(
        "span",
        {},
        `Maps of one picture; each has its own scale. “Alike” is the rank correlation with the trained network’s maps, the mean of ${count} pictures.`,
      ),
    ),
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, ...body),
  );
}

export function sanitySection(store: Store, live: Live): void {
  const words = el("p", { role: "status" });
  const run = el("button", { type: "button", class: "main" }, "Make it forget");
  /** What the maps on the page are of. */
  let shown: string | undefined;
  const keyOf = ({ image, pixels, defence, seed, view }: Settings): string =>
    JSON.stringify([image, pixels, defence, seed, view]);
  const tellAge = (): void => {
    words.textContent =
      shown === keyOf(store.settings) ? "" : "These maps are of other settings; press again for those at the top.";
  };
  store.onChange(() => {
    if (shown !== undefined && !run.disabled) tellAge();
  });
  run.addEventListener("click", async () => {
    run.disabled = true;
    try {
      const { settings } = store;
      words.textContent = "Explaining …";
      const answer = await live.ask("sanity", { settings }, ({ share }) => {
        words.textContent = `${percent(share)} done`;
      });
      byId("sanity-result").replaceChildren(cascade(answer));
      shown = keyOf(settings);
      tellAge();
    } catch (error) {
      words.textContent = (error as Error).message;
    } finally {
      run.disabled = false;
    }
  });
  byId("sanity-controls").append(el("div", { class: "row" }, run), words);
}
