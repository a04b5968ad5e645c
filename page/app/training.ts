/** Training from scratch, with curves. */
import type { TrainingTold } from "../core/training.js";
import { percent } from "../core/words.js";
import type { Task } from "./client.js";
import { numberField } from "./controls.js";
import { byId, el } from "./dom.js";
import type { Answer, Live } from "./live.js";
import type { Store } from "./store.js";

const WIDTH = 560;
const HEIGHT = 220;
const NAMESPACE = "http://www.w3.org/2000/svg";

interface Point {
  /** Share of the training. */
  readonly at: number;
  readonly loss: number;
  readonly accuracy: number;
}

function svg(tag: string, attributes: Readonly<Record<string, string | number>>, text = ""): SVGElement {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.textContent = text;
  return element;
}

/** Loss (falling) and accuracy (rising) over the training. */
class Curves {
  readonly element = svg("svg", { viewBox: `0 -24 ${WIDTH} ${HEIGHT + 54}`, class: "curves", role: "img" });
  #points: Point[] = [];
  #frame: number | undefined;

  constructor() {
    this.#draw();
  }

  clear(): void {
    this.#points = [];
    this.#draw();
  }

  /** Adds a point, drawn with the next frame: a GPU may do many steps between two. */
  add(point: Point): void {
    const last = this.#points.at(-1);
    // No more points than can be told apart, however long the training is.
    if (last && Math.floor(last.at * WIDTH) === Math.floor(point.at * WIDTH)) this.#points.pop();
    this.#points.push(point);
    this.#frame ??= requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#frame = undefined;
    const points = this.#points;
    const most = Math.max(0.1, ...points.map(({ loss }) => loss));
    const line = (of: (point: Point) => number): string =>
      points
        .map(
          (point, i) =>
            `${i === 0 ? "M" : "L"}${(point.at * WIDTH).toFixed(1)} ${(HEIGHT * (1 - of(point))).toFixed(1)}`,
        )
        .join("");
    const last = points.at(-1);
    this.element.replaceChildren(
      svg("path", { class: "axis", d: `M0 0V${HEIGHT}H${WIDTH}` }),
      svg("path", { class: "loss", d: line(({ loss }) => loss / most) }),
      svg("path", { class: "accuracy", d: line(({ accuracy }) => accuracy) }),
      svg("text", { x: 6, y: -9 }, `loss ${last ? last.loss.toFixed(3) : "…"} (full height ${most.toFixed(1)})`),
      svg("text", { x: WIDTH, y: -9, "text-anchor": "end" }, `accuracy ${last ? percent(last.accuracy) : "…"}`),
      svg("text", { x: WIDTH, y: HEIGHT + 18, "text-anchor": "end" }, "end of the training"),
    );
    this.element.setAttribute(
      "aria-label",
      last ? `Curves: loss ${last.loss.toFixed(3)}, accuracy ${percent(last.accuracy)}` : "Curves of the training",
    );
  }
}

export interface TrainingHooks {
  /** The current picture's map by the network as it learns. */
  onMap(answer: Answer): void;
  onDone(): void;
}

/** The section; its function starts a training, and ends with whether it came to its end. */
export function trainingSection(store: Store, live: Live, { onMap, onDone }: TrainingHooks): () => Promise<boolean> {
  const words = el("p", { role: "status" });
  const start = el("button", { type: "button", class: "main" }, "Train");
  const stop = el("button", { type: "button", disabled: true }, "Stop");
  const curves = new Curves();
  let running: Task<"train"> | undefined;

  const run = async (): Promise<boolean> => {
    if (start.disabled) return false;
    const { settings } = store;
    curves.clear();
    start.disabled = true;
    stop.disabled = false;
    // What was asked for before comes first.
    words.textContent = "Waiting for the picture at the top …";
    const tell = (told: TrainingTold): void => {
      if ("doing" in told) {
        words.textContent = `${told.doing} …`;
        return;
      }
      const { step, steps, loss, accuracy, epoch, epochs, secondsLeft, test, seen } = told;
      curves.add({ at: step / steps, loss, accuracy });
      words.textContent =
        `Pass ${epoch} of ${epochs}, about ${Math.ceil(secondsLeft)} s left` +
        (test === undefined ? "" : `; ${percent(test)} of test pictures right`);
      if (seen) onMap({ settings, ...seen, preview: true });
    };
    try {
      const { accuracy, seconds, stopped } = await live.ask("train", { settings }, tell, (task) => {
        running = task;
      });
      words.textContent = `${stopped ? "Stopped" : "Trained"} in ${seconds.toFixed(1)} s: ${percent(accuracy)} of test pictures right. It is the network at the top now.`;
      onDone();
      return true;
    } catch (error) {
      words.textContent = (error as Error).message;
      return false;
    } finally {
      running = undefined;
      start.disabled = false;
      stop.disabled = true;
    }
  };
  start.addEventListener("click", () => void run());
  stop.addEventListener("click", () => running?.stop());
  byId("training-controls").append(
    numberField(store, "images", "Training pictures"),
    numberField(store, "epochs", "Passes over them"),
    numberField(store, "rate", "Learning rate of Adam"),
    el("div", { class: "row" }, start, stop),
    words,
  );
  byId("training-curves").append(curves.element);
  return run;
}
