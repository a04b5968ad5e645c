/** Where commands get a network from. Each source is a file of this folder; `cli/model.ts` chooses among them. */
import type { Tensor, Tree } from "../../engine/index.js";
import type { Layer, NetworkFile } from "../../nn/index.js";

/** A network that options name, before the engine starts. */
export interface NetworkSource {
  /** What it says of itself; missing where only the open network can say that. */
  readonly file?: NetworkFile;
  /** The network, on the executor at hand. @throws UsageError when it makes no sense. */
  open(): Promise<LoadedModel>;
}

export interface LoadedModel extends NetworkFile {
  /** For people: the preset, the name that it gives itself, or how many layers there are. */
  readonly title: string;
  /** For people: the option and the file. */
  readonly origin: string;
  /** x [n, ...domain.shape] → logits [n, classes]. */
  readonly classifier: (x: Tensor) => Tensor;
  /** What explainers compare with, [m, ...domain.shape], where the network brings it along. */
  readonly background?: Tensor;
  /** Its classes have no names, only numbers: labels of a user's data must be these. */
  readonly numbered?: boolean;
  /** The same as a function of its parameters; missing where a source gives none. */
  readonly parametrised?: Parametrised;
}

/** A network whose parameters can be changed. */
export interface Parametrised {
  readonly network: Layer;
  /** Kept tensors. */
  readonly params: Tree;
  /** The layer at a path of parameters, for people. */
  layerTitle(path: string): string;
  /** Parameters of the same structure that know nothing of what was learnt. @throws UsageError when there can be none. */
  redraw(key: Tensor): Promise<Tree>;
  /** For people: how `redraw` makes them. */
  readonly redrawn: string;
}
