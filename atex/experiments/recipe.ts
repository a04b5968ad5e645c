/** What decides about a network's weights, spelt out in full: equal recipes give equal weights on one adapter. */
import { ConfigError } from "../../nn/schema.js";
import type { DataName, ReproduceConfig, SchemeConfig } from "./config.js";

/** Which network an experiment wants. */
export interface NetworkRequest {
  readonly data: DataName;
  readonly seed: number;
  readonly scheme: string;
  /** eps1 to train for; default the data plan's. */
  readonly eps?: number;
  /** Passes, in place of the scheme's; 0 is the network it starts from. */
  readonly epochs?: number;
  /** Architecture, in place of the configuration's. */
  readonly network?: ReproduceConfig["network"];
  /** What it starts from, in place of the normally trained network. */
  readonly start?: NetworkRequest;
}

export interface Recipe {
  readonly network: ReproduceConfig["network"];
  readonly data: DataName;
  readonly seed: number;
  /** Training images, the first ones. */
  readonly images: number;
  readonly epochs: number;
  readonly scheme: SchemeConfig;
  /** eps1 it is trained for; of no meaning for normal training. */
  readonly eps?: number;
  readonly start?: Recipe;
}

/** The recipe of a request, with everything that scheme and data plan say. */
export function recipeOf(config: ReproduceConfig, request: NetworkRequest): Recipe {
  const { data, seed } = request;
  const plan = config.data[data];
  const scheme = config.schemes[request.scheme];
  const isNormal = scheme.kind === "normal";
  const fresh = isNormal || scheme.from === "scratch";
  const start = request.start ?? (fresh ? undefined : { data, seed, scheme: "normal" });
  const eps = request.eps ?? plan.trainEps;
  if (!isNormal && eps === undefined)
    throw new ConfigError(`data.${data}.trainEps: missing; ${scheme.title} is trained for a largest change, give one`);
  return {
    ...{ network: request.network ?? plan.network ?? config.network, data, seed, scheme },
    images: Math.min(scheme.images ?? plan.train, plan.train),
    epochs: request.epochs ?? (isNormal ? plan.epochs : scheme.epochs),
    eps: isNormal ? undefined : eps,
    start: start && recipeOf(config, start),
  };
}
