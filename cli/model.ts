/** The trained network that commands work on, from one of several sources. */
import { argmax, scope, softmax, tensor } from "../engine/index.js";
import { UsageError } from "./command.js";
import { percent } from "./live.js";
import { moduleOptions, readModule } from "./sources/module.js";
import { ONNX_OPTIONS, type OnnxValues, onnxOptions, readOnnx } from "./sources/onnx.js";
import type { LoadedModel, NetworkSource, Parametrised } from "./sources/source.js";
import { cardOptions, readWeights, type WeightsValues, weightsOptions } from "./sources/weights.js";

export type { LoadedModel, NetworkSource } from "./sources/source.js";

export const modelOptions = {
  ...weightsOptions,
  weights: {
    ...weightsOptions.weights,
    help: weightsOptions.weights.help.replace(
      "; needed",
      "; this, --module or --model; beside --model: parameters in place of its own",
    ),
  },
  ...moduleOptions,
  ...onnxOptions,
} as const;

type ModelValues = WeightsValues & Omit<OnnxValues, "table"> & { readonly module: string | undefined };

/** The network that options name; `table` is a file of rows that it is to take. @throws UsageError when they name none or two, or a file
 *  that cannot be read. */
export async function readModel(values: ModelValues, table?: string): Promise<NetworkSource> {
  const given = (["weights", "module", "model"] as const).filter((name) => values[name] !== undefined);
  // Weights beside an ONNX file are parameters in place of its own.
  const named = given.includes("model") ? given.filter((name) => name !== "weights") : given;
  if (named.length === 0)
    throw new UsageError(
      "no network is given; pass --weights with a file that `holdfast train` wrote, --model with an ONNX file, or --module with a network that you wrote",
    );
  if (named.length > 1)
    throw new UsageError(`${named.map((name) => `--${name}`).join(" and ")} exclude each other; give one of them`);
  const [source] = named;
  for (const [owner, options] of [
    ["weights", Object.keys(cardOptions)],
    ["model", ONNX_OPTIONS],
  ] as const) {
    const strange = options.find((name) => (values as Readonly<Record<string, unknown>>)[name]);
    if (strange !== undefined && owner !== source)
      throw new UsageError(`--${strange} goes with --${owner}; leave it out beside --${source}`);
  }
  if (source === "model") return readOnnx(values.model!, { ...values, table });
  return source === "module" ? readModule(values.module!) : readWeights(values);
}

/** @throws UsageError for a network that is no function of parameters. */
export function parametersOf({ parametrised, origin }: LoadedModel): Parametrised {
  if (parametrised) return parametrised;
  throw new UsageError(
    `${origin}: it gives no params and no network, which are needed to draw parameters anew; network is (params, x) => logits`,
  );
}

export interface Prediction {
  readonly predicted: number;
  readonly probabilities: readonly number[];
}

/** @throws UsageError for logits that are not finite: nothing could be explained. */
export async function predict(model: LoadedModel, values: Float32Array): Promise<Prediction> {
  const [classes, probabilities, logits] = scope(() => {
    const logits = model.classifier(tensor(values, [1, ...model.domain.shape]));
    return [argmax(logits, 1), softmax(logits), logits];
  });
  requireFinite(await logits.read(), model.origin);
  return { predicted: await classes.item(), probabilities: Array.from(await probabilities.read()) };
}

/** @throws UsageError for logits that are not finite. */
export function requireFinite(logits: ArrayLike<number>, origin: string): void {
  const bad = Array.from(logits).find((v) => !Number.isFinite(v));
  if (bad !== undefined)
    throw new UsageError(
      `${origin}: the network gives the logit ${bad}; finite numbers are needed, look for a logarithm or a division of zero, or for inputs out of range`,
    );
}

/** The most probable classes, a line each. */
export function predictionLines({ probabilities }: Prediction, classes: readonly string[], label?: number): string {
  const ranked = probabilities.map((p, i) => [p, i]).sort(([a], [b]) => b - a);
  const width = Math.max(...classes.map((name) => name.length));
  return ranked
    .slice(0, 5)
    .map(
      ([p, i]) => `  ${classes[i].padEnd(width)}  ${percent(p, 2).padStart(8)}${i === label ? "  (true class)" : ""}`,
    )
    .join("\n");
}
