/** The networks of the page: read from their files, trained in the page, or dropped as ONNX. */
import { dispose, type Tensor, type Tree } from "holdfast";
import { type Classifier, type Explainer, smoothed, surrogateOf } from "holdfast/atex";
import { type Layer, type OpenedNetwork, openNetwork } from "holdfast/nn";
import { DEFENCES, type DefenceCard } from "./defences.js";

/** A network as the page asks it. */
export interface Network {
  readonly title: string;
  readonly classifier: Classifier;
  readonly classes: readonly string[];
  /** Shape of a sample, [c,h,w]. */
  readonly shape: readonly number[];
  /** What the sanity check makes random; an ONNX network brings its own. */
  readonly layer: Layer;
  readonly params: Tree;
}

/** A file of weights as a network. Its tensors are kept until `dispose(network.params)`. @throws DataError for another file. */
export function networkFrom(bytes: Uint8Array, title: string): Network {
  const { network, params, classifier, card, domain }: OpenedNetwork = openNetwork(bytes);
  return { title, classifier, classes: card.classes, shape: domain.shape, layer: network, params };
}

/** How a defence explains and is attacked. */
export interface Defended {
  readonly network: Network;
  /** What the defence makes of an explainer. */
  defended(explainer: Explainer): Explainer;
  /** What attacks differentiate in the network's place; undefined where its own maps have slopes. */
  readonly surrogate?: Classifier;
}

/** A network under one of the defences. `beta`: sharpness of the softplus of beta-smoothing. */
export function defendedBy(name: string, network: Network, beta: number): Defended {
  // The smoothed maps have slopes; predictions are still the network's own.
  if (name === "smoothing") return { network, defended: (explainer) => betaSmoothed(explainer, beta) };
  return {
    network,
    defended: (explainer) => explainer,
    surrogate: surrogateOf(network.classifier, network.shape),
  };
}

/** An explainer of the same network with softplus in place of relu. Source: Dombrowski et al. 2019, sec. 5. */
function betaSmoothed(explainer: Explainer, beta: number): Explainer {
  const info = {
    ...explainer.info,
    name: `${explainer.info.name} by beta-smoothing`,
    source: "Dombrowski et al. 2019",
  };
  return Object.assign((...[score, x]: Parameters<Explainer>) => explainer(smoothed(score, beta), x), { info });
}

export type ReadFile = (name: string) => Promise<Uint8Array>;

/** Networks by name, each opened once; all are freed when the device is. */
export class Networks {
  readonly #read: ReadFile;
  readonly #files = new Map<string, Promise<Uint8Array>>();
  readonly #opened = new Map<string, Network>();
  /** Networks of the reader's: "trained", "onnx". */
  readonly #own = new Map<string, Network>();

  constructor(read: ReadFile) {
    this.#read = read;
  }

  /** Starts to read the files, so that they come while the device opens. */
  fetch(file: string): Promise<Uint8Array> {
    const bytes = this.#files.get(file) ?? this.#read(file);
    this.#files.set(file, bytes);
    bytes.catch(() => this.#files.delete(file));
    return bytes;
  }

  /** @throws RangeError for a network that was not made yet. */
  async of(defence: string, beta: number): Promise<Defended> {
    const own = this.#own.get(defence);
    if (own) return defendedBy(defence, own, beta);
    const card = (DEFENCES as Readonly<Record<string, DefenceCard | undefined>>)[defence];
    if (!card) throw new RangeError(`There is no network “${defence}” yet: train one here, or drop an ONNX file.`);
    const opened = this.#opened.get(card.file) ?? networkFrom(await this.fetch(card.file), card.title);
    this.#opened.set(card.file, opened);
    return defendedBy(defence, opened, beta);
  }

  /** Takes a network of the reader's, in place of an earlier one of that name. */
  put(name: string, network: Network): void {
    dispose(this.#own.get(name)?.params ?? []);
    this.#own.set(name, network);
  }

  has(name: string): boolean {
    return this.#own.has(name) || Object.hasOwn(DEFENCES, name);
  }

  /** Forgets all that lived on a device that was lost. */
  forget(): void {
    this.#opened.clear();
    this.#own.clear();
  }
}

/** Logits as probabilities, on the host. */
export function probabilities(logits: ArrayLike<number>): number[] {
  const most = Math.max(...Array.from(logits));
  const powers = Array.from(logits, (value) => Math.exp(value - most));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}

/** The values of a tensor, which is freed. */
export async function taken(t: Tensor): Promise<Float32Array> {
  try {
    return Float32Array.from(await t.read());
  } finally {
    dispose(t);
  }
}
