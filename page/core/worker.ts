/** The worker: computes one task after the other, so that the page itself never waits. */
import { DeviceLostError } from "holdfast";
import { attack, type Explained, explain, type Question } from "./attack.js";
import { testPictures } from "./images.js";
import type { Asked, FromWorker, TaskName, Tasks, ToWorker } from "./messages.js";
import { type Network, Networks } from "./networks.js";
import { drawn } from "./pictures.js";
import { openEngine } from "./place.js";
import { mapKey } from "./settings.js";

/** What is used of a worker's global scope. */
interface Port {
  postMessage(message: FromWorker): void;
  onmessage: ((event: { readonly data: ToWorker }) => void) | null;
}
const port = globalThis as unknown as Port;

const networks = new Networks(async (name) => {
  const response = await fetch(`networks/${name}.safetensors`);
  if (!response.ok) throw new Error(`The network ${name} did not come (${response.status}); is the folder complete?`);
  return new Uint8Array(await response.arrayBuffer());
});
// They come while the device opens.
void networks.fetch("plain").catch(() => {});

interface Work {
  readonly tell: (told: unknown) => void;
  readonly signal: { readonly aborted: boolean };
}

/** The last explanations, oldest first: they stay right while only the attack changes. */
const explanations = new Map<string, { readonly network: Network; readonly explained: Explained }>();
const REMEMBERED = 8;

async function explanationOf(question: Question): Promise<Explained> {
  const key = mapKey(question.settings);
  const { network } = question.on;
  const known = explanations.get(key);
  if (known?.network === network) return known.explained;
  const explained = await explain(question);
  explanations.delete(key);
  explanations.set(key, { network, explained });
  for (const old of [...explanations.keys()].slice(0, -REMEMBERED)) explanations.delete(old);
  return explained;
}

const bytesOf = async (file: Blob): Promise<Uint8Array> => new Uint8Array(await file.arrayBuffer());

type Handlers = { [K in TaskName]: (asks: Tasks[K]["asks"], work: Work) => Promise<Tasks[K]["answers"]> };

const handlers: Handlers = {
  async open(opening) {
    networks.forget();
    explanations.clear();
    return openEngine(opening);
  },
  async attack({ settings, steps }, { tell }) {
    const on = await networks.of(settings.defence, settings.beta);
    const question = { settings, on };
    const explained = await explanationOf(question);
    const { shape } = explained;
    const [alone] = drawn([explained], shape);
    tell({ explained, pictures: [alone] });
    const attacked = await attack(question, explained, steps);
    const [before, after] = drawn([explained, attacked], shape);
    return { explained, attacked, pictures: [before, after] };
  },
  async train({ settings }, { tell, signal }) {
    const { trainNetwork } = await import("./training.js");
    const { network, result } = await trainNetwork(settings, tell, signal);
    networks.put("trained", network);
    return result;
  },
  async sanity({ settings }, { tell }) {
    const { sanityCascade } = await import("./sanity.js");
    return sanityCascade(settings, await networks.of(settings.defence, settings.beta), (share) => tell({ share }));
  },
  async table({ settings, file }, { tell }) {
    const { explainPerson } = await import("./table.js");
    const read = file && { ...file, csv: await file.file.text() };
    return explainPerson(settings, read, (words) => tell({ words }));
  },
  async columns({ file, name }) {
    const { columnsOfFile } = await import("./files.js");
    return columnsOfFile(await file.text(), name);
  },
  async pictures() {
    return testPictures();
  },
  async picture({ file }) {
    const { pixelsOfFile } = await import("./files.js");
    return pixelsOfFile(await bytesOf(file));
  },
  async onnx({ file, name }) {
    const { networkFromOnnx } = await import("./onnx.js");
    const { network, words } = await networkFromOnnx(await bytesOf(file), name);
    networks.put("onnx", network);
    return { words };
  },
};

/** Tasks follow each other; of the one under way it is known how to end it. */
let queue: Promise<void> = Promise.resolve();
const stopped = new Set<number>();

async function work({ id, task, asks }: Asked): Promise<void> {
  const signal = {
    get aborted() {
      return stopped.has(id);
    },
  };
  try {
    const handler = handlers[task] as (asks: unknown, work: Work) => Promise<unknown>;
    port.postMessage({
      id,
      answers: await handler(asks, { tell: (tells) => port.postMessage({ id, tells }), signal }),
    });
  } catch (error) {
    const lost = error instanceof DeviceLostError;
    port.postMessage({ id, failure: { message: error instanceof Error ? error.message : String(error), lost } });
  } finally {
    stopped.delete(id);
  }
}

port.onmessage = ({ data }) => {
  if ("stop" in data) stopped.add(data.stop);
  else queue = queue.then(() => work(data));
};
