/** The page: what is asked of the worker, and what is shown of its answers. */
import { DEFENCES } from "../core/defences.js";
import type { Place } from "../core/place.js";
import { DEFENCE_NAMES, type Settings } from "../core/settings.js";
import { Client } from "./client.js";
import { choice, controls } from "./controls.js";
import { Columns } from "./defences.js";
import { byId, pause } from "./dom.js";
import { First } from "./first.js";
import { type Answer, Live } from "./live.js";
import { ownSection } from "./own.js";
import { sanitySection } from "./sanity.js";
import { saveButtons } from "./save.js";
import { Store } from "./store.js";
import { tableSection } from "./table.js";
import { trainingSection } from "./training.js";

/** An attack that takes longer is shown with fewer steps while a control moves; the page says so. */
const SLOW_MS = 1500;

const placeLine = byId("place");
const footer = byId("footer");

function say(...sentences: readonly (string | undefined)[]): void {
  // Its place is kept while it is empty: pictures do not move when it comes.
  const text = sentences.filter(Boolean).join(" ");
  placeLine.textContent = text;
}

/** Builds a section, then shows it. */
async function section<T>(id: string, build: () => T): Promise<T> {
  await pause();
  const built = build();
  byId(id).hidden = false;
  return built;
}

/** Piece by piece, so that nothing keeps the reader waiting: what comes first in the page is built first. */
async function start(): Promise<void> {
  const client = new Client();
  // Drawn before the worker waits for its device.
  const pictures = client.ask("pictures", {}).answer;
  await pause();
  const store = new Store();
  const first = new First(store);
  let place: Place | undefined;
  let problem = "";

  /** One line on where the page computes, if that is worth a line. */
  const describePlace = (answer?: Answer): string => {
    if (!place) return "";
    if (place.kind === "reference")
      return `No graphics device (${place.reason}): computed in float64 on the processor, with attacks of ${live.steps(store.settings)} steps in place of ${store.settings.steps}.`;
    const slow = answer?.attacked && answer.attacked.milliseconds > SLOW_MS;
    return slow ? "This adapter is slow: while a control moves, attacks take fewer steps." : "";
  };

  const live = new Live(client, {
    onAnswer(answer) {
      first.show(answer);
      columns.show(answer);
      if (!answer.attacked || answer.preview) return;
      problem = "";
      say(...store.problems, describePlace(answer));
      const { explained, attacked } = answer;
      footer.textContent =
        `${place?.name}: map in ${explained.milliseconds.toFixed(0)} ms, attack of ${attacked.steps} steps in ` +
        `${attacked.milliseconds.toFixed(0)} ms. Nothing leaves this page: it asks no other address, and what you draw or drop stays in this browser.`;
    },
    onIdle: (settings) => void others(settings),
    onPlace(opened, again) {
      place = opened;
      if (again && ["trained", "onnx"].includes(store.settings.defence)) {
        problem = "Your own network was lost with the device; the plain one is shown.";
        store.set({ defence: "plain" });
      }
      say(...store.problems, problem, describePlace());
    },
    onProblem(message) {
      problem = message;
      say(...store.problems, message);
    },
  });

  /** The same attack on the other networks, one after the other, until somebody asks for something else. */
  let round = 0;
  async function others(settings: Settings): Promise<void> {
    const mine = ++round;
    for (const defence of DEFENCE_NAMES) {
      if (defence === settings.defence) continue;
      if (mine !== round || live.isBusy) return;
      const asked = { ...settings, defence };
      try {
        const answer = await live.attack(asked, live.steps(asked));
        if (mine === round) columns.show({ settings: asked, ...answer, preview: false });
      } catch (error) {
        say((error as Error).message);
        return;
      }
    }
    performance.mark("all-defences");
  }

  /** Settings that change no picture at the top. */
  const elsewhere = new Set(["images", "epochs", "rate", "people", "person"]);

  // The address is for settings: the link to the controls may not change it.
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault();
    byId("controls").focus();
  });
  const opened = live.open();
  // Awaited below, when the page is built.
  opened.catch(() => {});
  byId("controls").append(
    ...controls(store, pictures),
    choice(
      store,
      "The network",
      [
        ...DEFENCE_NAMES.map((name): [string, string] => [name, DEFENCES[name].title]),
        ["trained", "Trained here"],
        ["onnx", "Dropped as ONNX"],
      ],
      ({ defence }) => defence,
      (defence) => ({ defence: defence as Settings["defence"] }),
    ),
    saveButtons(store, live, () => first.shown),
  );
  const columns = await section("defences", () => new Columns(store));
  const train = await section("training", () =>
    trainingSection(store, live, {
      onMap: (answer) => first.show(answer),
      onDone() {
        store.set({ defence: "trained" });
      },
    }),
  );
  const table = await section("table", () => tableSection(store, live));
  await section("own", () => ownSection(store, live, pictures, { onTable: (dropped) => table.take(dropped) }));
  await section("sanity", () => sanitySection(store, live));

  await opened;
  store.onChange((settings, change, changed) => {
    const names = Object.keys(changed);
    if (names.every((name) => elsewhere.has(name))) return;
    round++;
    if (names.some((name) => name !== "defence")) columns.wait();
    live.request(settings, change === "moving");
  });
  // A link to a network that was trained in a page trains it again: the seed is in the address.
  if (store.settings.defence === "trained") void train();
  else live.request(store.settings);
}

start().catch((error: Error) =>
  say(`The live version does not start here (${error.message}); the four pictures are finished and real.`),
);
