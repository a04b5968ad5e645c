/** A network that somebody wrote as a plain function of parameters, as checks need it: layers in order, parameters drawn anew. */
import { entries, gather, mapTree, random, reshape, scope, Tensor, type Tree } from "../../engine/index.js";
import type { Layer } from "../../nn/index.js";
import { sampleSize } from "../../nn/index.js";
import { UsageError } from "../command.js";
import type { Parametrised } from "./source.js";

export interface WrittenNetwork {
  readonly network: (params: Tree, x: Tensor) => Tensor;
  readonly params: Tree;
  /** Fresh parameters of a key u32[2]; without it, entries are permuted. */
  readonly init?: (key: Tensor) => Tree;
}

/** One layer's parameters by name. */
type LayerTensors = Readonly<Record<string, Tensor>>;

/** Where each tensor of a tree is among the layers. */
interface Plan {
  /** Names of the layers, in the order in which they are written: from input to output. */
  readonly names: readonly string[];
  /** Of a path in the tree: number of the layer, name in it. */
  readonly places: ReadonlyMap<string, readonly [layer: number, name: string]>;
}

/** Tensors of one object or list are a layer, a tensor at the top is one by itself. The order is that of writing: trees sort by name, and
 *  "head" comes before "stem". */
export function planOf(params: Tree): Plan {
  const names: string[] = [];
  const places = new Map<string, readonly [number, string]>();
  const visit = (tree: Tree, path: string): void => {
    if (tree instanceof Tensor) {
      const cut = path.lastIndexOf(".");
      const name = cut < 0 ? path : path.slice(0, cut);
      if (!names.includes(name)) names.push(name);
      places.set(path, [names.indexOf(name), path.slice(cut + 1)]);
    } else if (typeof tree === "object" && tree !== null && !ArrayBuffer.isView(tree))
      for (const [key, inside] of Object.entries(tree)) visit(inside, path === "" ? key : `${path}.${key}`);
  };
  visit(params, "");
  return { names, places };
}

/** The network with its parameters as a list of layers. */
export function writtenNetwork({ network, params, init }: WrittenNetwork, origin: string): Parametrised {
  const { names, places } = planOf(params);
  const listed = (tree: Tree): LayerTensors[] => {
    const layers: Record<string, Tensor>[] = names.map(() => ({}));
    for (const [path, t] of entries(tree)) {
      const [layer, name] = places.get(path)!;
      layers[layer][name] = t;
    }
    return layers;
  };
  const asWritten = (layers: readonly LayerTensors[]): Tree =>
    mapTree(params, (_, path) => {
      const [layer, name] = places.get(path)!;
      return layers[layer][name];
    });
  const fresh = (key: Tensor): LayerTensors[] =>
    listed(init ? sameStructure(params, init(key), origin) : permuted(params, key));
  const layer: Layer = {
    kind: "function",
    init: (key, shape) => ({ params: fresh(key), shape }),
    apply: (layers, x) => network(asWritten(layers), x),
  };
  const layerTitle = (path: string): string => names[Number(path)] ?? path;
  return {
    ...{ network: layer, params: listed(params), layerTitle },
    redrawn: init
      ? "what init of the module makes of another key"
      : "each tensor's entries in random order, as Quantus has it (Hedström et al. 2023)",
    async redraw(key) {
      const drawn = scope(() => fresh(key));
      await requireChange(listed(params), drawn, (i) => `${origin}: params.${names[i]}`);
      return drawn;
    },
  };
}

/** Entries of each tensor in random order: its values keep their distribution, and variances stay positive. */
export function permuted(params: Tree, key: Tensor): Tree {
  let i = 0;
  return mapTree(params, (t) => {
    const size = sampleSize(t.shape);
    return reshape(gather(reshape(t, [size]), random.permutation(random.fold(key, i++), size)), t.shape);
  });
}

function sameStructure(params: Tree, drawn: unknown, origin: string): Tree {
  const shapes = (tree: Tree) => new Map(entries(tree).map(([path, t]) => [path, `[${t.shape}]`]));
  const [needed, came] = [shapes(params), shapes(drawn)];
  const wrong = [...new Set([...needed.keys(), ...came.keys()])].find((path) => needed.get(path) !== came.get(path));
  if (wrong !== undefined)
    throw new UsageError(
      `${origin}: init(key) gives ${came.get(wrong) ?? "nothing"} at ${wrong}, params has ${needed.get(wrong) ?? "nothing"} there; the same structure is needed`,
    );
  return drawn;
}

/** @throws UsageError for a layer that is drawn as it was: every explanation would seem blind to it. */
async function requireChange(
  before: readonly LayerTensors[],
  after: readonly LayerTensors[],
  title: (layer: number) => string,
): Promise<void> {
  for (const [i, tensors] of before.entries()) {
    let changed = false;
    for (const [name, t] of Object.entries(tensors)) {
      const [old, drawn] = [await t.read(), await after[i][name].read()];
      changed ||= old.some((v, j) => v !== drawn[j]);
    }
    if (!changed)
      throw new UsageError(
        `${title(i)}: drawn anew it is as before, and every explanation would seem blind to it; put it into one object with its weights, or out of params`,
      );
  }
}
