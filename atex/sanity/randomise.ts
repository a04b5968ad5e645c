/** Networks whose layers have lost what they learnt: for tests of whether an explanation depends on the network at all. */

import { entries, mapTree, type Tree } from "../../engine/index.js";
import { aText, aTree } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { type Layer, placesAlong } from "../../nn/index.js";
import { aLayer } from "../../nn/kinds.js";
import { anOrder } from "./kinds.js";

/** A network with some layers' parameters drawn anew. */
export interface Randomised {
  /** The layer that was drawn anew last (cascading), or alone (independent): the path of its parameters, "3" or "block.body.0". */
  readonly layer: string;
  readonly params: Tree;
}

/** From the output down, each network with one more layer drawn anew; or each with one layer drawn anew and the others as learnt. */
export type RandomisationOrder = "cascading" | "independent";

/** Paths of the layers that have parameters, from input to output: the order of the tree. */
export function layersWithParameters(params: Tree): string[] {
  requireArguments("layersWithParameters", { params: [params, aTree] });
  return [...new Set(entries(params).map(([path]) => parentOf(path)))];
}

/** Networks from the learnt one to one with fresh parameters. `fresh` has the structure of `params`: what `init` gives for another
 *  key. The tensors are those of the two trees, not copies. Source: Adebayo et al. 2018, sec. 3.
 *  @throws RangeError when the two trees differ, or there is no layer with parameters. */
export function randomisations(params: Tree, fresh: Tree, order: RandomisationOrder): Randomised[] {
  requireArguments("randomisations", {
    params: [params, aTree],
    fresh: [fresh, aTree],
    order: [order, anOrder],
  });
  const layers = layersWithParameters(params);
  const other = new Map(entries(fresh));
  const missing = entries(params).find(([path, t]) => String(other.get(path)?.shape) !== String(t.shape));
  if (layers.length === 0 || missing)
    throw new RangeError(
      `randomisations: ${missing ? `the fresh parameters lack ${missing[0]} [${missing[1].shape}]` : "there are no parameters"}; give what init of the same network makes`,
    );
  return layers.toReversed().map((layer, i, all) => {
    const drawn = new Set(order === "cascading" ? all.slice(0, i + 1) : [layer]);
    return { layer, params: mapTree(params, (t, path) => (drawn.has(parentOf(path)) ? other.get(path)! : t)) };
  });
}

/** A path of parameters for people: names of layers where they have one, else their kind and number: "conv1", "block2.body.0", "dense 4". */
export function layerTitle(model: Layer, path: string): string {
  requireArguments("layerTitle", { model: [model, aLayer], path: [path, aText] });
  const { places, rest } = placesAlong(model, path);
  const words = places.map(({ at, layer }) => layer.name ?? (Number.isNaN(Number(at)) ? at : `${layer.kind} ${at}`));
  return [...words, ...rest].join(".");
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf(".")));
}
