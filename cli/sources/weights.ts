/** A network in a file of weights (safetensors), of any architecture. */

import { layerTitle } from "../../atex/index.js";
import { random, scope } from "../../engine/index.js";
import { ACTIVATIONS, type NetworkFile, openNetwork, readNetworkFile, readSafetensors } from "../../nn/index.js";
import { choice } from "../arguments.js";
import { numberOption, UsageError } from "../command.js";
import { parsing, readInput } from "../files.js";
import { NETWORKS } from "../recipe.js";
import { ONNX_KEY } from "./onnx-parameters.js";
import type { LoadedModel, NetworkSource, Parametrised } from "./source.js";

/** What files that say little of themselves need beside them. */
export const cardOptions = {
  network: { type: "string", value: "name", help: `for weights that do not name theirs: ${NETWORKS.join(", ")}` },
  activation: { type: "string", value: "name", help: `for weights that do not name theirs: ${ACTIVATIONS.join(", ")}` },
  beta: { type: "string", value: "number", help: "for weights that do not give theirs: sharpness of softplus" },
} as const;

export const weightsOptions = {
  weights: {
    type: "string",
    value: "file",
    help: "weights that `holdfast train` or PyTorch wrote (safetensors); needed",
  },
  ...cardOptions,
} as const;

export type WeightsValues = { readonly [K in keyof typeof weightsOptions]: string | undefined };

/** A source that says all of itself before the engine starts. */
export interface WeightsSource extends NetworkSource {
  readonly file: NetworkFile;
  open(): Promise<LoadedModel & { readonly parametrised: Parametrised }>;
}

/** The file of weights that options name. @throws UsageError for one that cannot be read or does not say enough. */
export async function readWeights(values: WeightsValues): Promise<WeightsSource> {
  const path = values.weights;
  if (path === undefined)
    throw new UsageError(
      "--weights is missing; give a file that `holdfast train` wrote, for example out/weights.safetensors",
    );
  const bytes = await readInput("weights", path);
  const given = {
    network: values.network === undefined ? undefined : choice("network", values.network, NETWORKS),
    activation: values.activation === undefined ? undefined : choice("activation", values.activation, ACTIVATIONS),
    beta: values.beta === undefined ? undefined : numberOption("beta", values.beta, { min: 1e-3, max: 1e4 }),
  };
  const file = await parsing(path, () => {
    const { metadata } = readSafetensors(bytes);
    if (metadata.has("step"))
      throw new UsageError(`--weights ${path}: it is a checkpoint; give the weights written beside it`);
    const onnx = metadata.get(ONNX_KEY);
    if (onnx !== undefined)
      throw new UsageError(
        `--weights ${path}: it holds parameters of an ONNX file; give that beside it, --model ${onnx}`,
      );
    return readNetworkFile(bytes, given);
  });
  return { file, open: () => parsing(path, () => opened(openNetwork(bytes, given), path)) };
}

function opened({ network, params, ...rest }: ReturnType<typeof openNetwork>, path: string) {
  const layers = network.parts?.layers;
  return {
    ...rest,
    title: rest.card.network ?? `${Array.isArray(layers) ? layers.length : 1}-layer`,
    origin: `--weights ${path}`,
    parametrised: {
      ...{ network, params, redrawn: "drawn as training draws its first" },
      layerTitle: (at: string) => layerTitle(network, at),
      redraw: async (key: Parameters<Parametrised["redraw"]>[0]) =>
        scope(() => network.init(random.fold(key, FRESH), rest.domain.shape).params),
    },
  };
}

/** Keeps fresh parameters from being those that training with the same seed began with. */
const FRESH = 0x5a17;
