/** Networks as data: what a network is made of, as JSON, and the network that JSON describes. */
import { aFunction, anObject, aText, listOf } from "../engine/kinds.js";
import { isList, isRecord, requireArguments, shown } from "../engine/options.js";
import { ACTIVATION_KINDS } from "./activations.js";
import { attentionKind, averageTokensKind, patchesKind, positionsKind } from "./attention.js";
import { concatenateKind, residualKind, sequentialKind } from "./containers.js";
import { aLayer } from "./kinds.js";
import { type Layer, mapParts, named } from "./layer.js";
import { type LayerKind, unknownWord } from "./layer-kind.js";
import * as layers from "./layers.js";
import * as norms from "./norms.js";
import { conv1dKind, embeddingKind } from "./sequences.js";

// biome-ignore lint/suspicious/noExplicitAny: settings and parts differ by kind.
type AnyKind = LayerKind<any, any>;

/** Every kind of layer that a file can name: a new one is its function and a row here. */
export const LAYER_KINDS: readonly AnyKind[] = [
  sequentialKind,
  residualKind,
  concatenateKind,
  layers.denseKind,
  layers.conv2dKind,
  conv1dKind,
  embeddingKind,
  layers.avgPoolKind,
  layers.maxPoolKind,
  layers.globalAvgPoolKind,
  layers.flattenKind,
  layers.reshapeKind,
  layers.dropoutKind,
  norms.batchNormKind,
  norms.layerNormKind,
  attentionKind,
  patchesKind,
  positionsKind,
  averageTokensKind,
  ...ACTIVATION_KINDS,
];

/** A layer as plain JSON: settings with their defaults spelled out, layers inside it by part. */
export interface LayerJson {
  readonly kind: string;
  readonly name?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly parts?: Readonly<Record<string, LayerJson | readonly LayerJson[]>>;
}

/** What a layer is made of. @throws TypeError for one that was written by hand and therefore is no data. */
export function layerToJson(layer: Layer): LayerJson {
  requireArguments("layerToJson", { layer: [layer, aLayer] });
  const { kind, name, options, parts } = layer;
  if (!options)
    throw new TypeError(
      `layerToJson: the layer "${name ?? kind}" was written by hand and is no data; make its kind with layerKind() first`,
    );
  return {
    kind,
    ...(name !== undefined && { name }),
    ...(Object.keys(options).length > 0 && { options }),
    ...(parts && Object.keys(parts).length > 0 && { parts: mapParts(parts, layerToJson) }),
  };
}

const KINDS = listOf(anObject("a kind of layer", { kind: aText, layer: aFunction }), "kinds of layers");

/** The layer that `layerToJson` described. `kinds` are the ones that may be named; your own go beside those of the library.
 *  @throws RangeError for an unknown kind, part or setting, with the nearest known one; TypeError for what is no description. */
export function layerFromJson(json: unknown, kinds: readonly AnyKind[] = LAYER_KINDS): Layer {
  requireArguments("layerFromJson", { kinds: [kinds, KINDS] });
  const { kind, name, options = {}, parts = {}, ...others } = fieldsOf(json);
  const stranger = Object.keys(others)[0];
  if (stranger !== undefined)
    throw new RangeError(unknownWord("architecture", "field", stranger, ["kind", "name", "options", "parts"]));
  const row = kinds.find((known) => known.kind === kind);
  if (!row)
    throw new RangeError(
      unknownWord(
        "architecture",
        "kind of layer",
        typeof kind === "string" ? kind : shown(kind),
        kinds.map((known) => known.kind),
      ),
    );
  const strangePart = Object.keys(fieldsOf(parts)).find((part) => !Object.hasOwn(row.parts, part));
  if (strangePart !== undefined)
    throw new RangeError(unknownWord(row.kind, "part", strangePart, Object.keys(row.parts)));
  const inside = Object.entries(fieldsOf(parts)).map(([part, held]) => [
    part,
    isList(held) ? held.map((one) => layerFromJson(one, kinds)) : layerFromJson(held, kinds),
  ]);
  const layer = row.layer(fieldsOf(options), Object.fromEntries(inside));
  return name === undefined ? layer : named(name as string, layer);
}

function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(json)) throw new TypeError(`architecture: ${shown(json)} came where a layer or settings were expected`);
  return json as Readonly<Record<string, unknown>>;
}
