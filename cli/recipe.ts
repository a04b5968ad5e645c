/** What determines a training run, and how it stands in the metadata of the files that the run writes. */
import {
  ACTIVATIONS,
  buildNetwork,
  cardMetadata,
  DATASETS,
  type Dataset,
  type DatasetName,
  type ModelCard,
  type PresetName,
  presets,
  readCard,
} from "../nn/index.js";
import { choice } from "./arguments.js";
import { type NumberRange, numberOption, UsageError } from "./command.js";
import { type DataSource, dataSource, sizeOption, sourceOptions, sourceValues } from "./data.js";

export const NETWORKS = Object.keys(presets) as PresetName[];

export interface Recipe extends DataSource {
  readonly card: Omit<ModelCard, "classes">;
  readonly trainSize?: number;
  readonly testSize?: number;
  readonly seed: number;
  readonly batch: number;
  readonly learningRate: number;
}

/** The options of a recipe. Defaults are applied by `recipeFrom`, so that a resumed run can tell what was asked for. */
export const recipeOptions = {
  ...sourceOptions,
  "train-size": { type: "string", value: "n", help: "use the first n training samples only" },
  "test-size": { type: "string", value: "n", help: "use the first n test samples only" },
  network: {
    type: "string",
    value: "name",
    help: `${NETWORKS.join(", ")} (default tiny for grey images, residual for colour, mlp for rows)`,
  },
  activation: {
    type: "string",
    value: "name",
    help: `${ACTIVATIONS.join(", ")} (default softplus for paper, authors and tiny, relu for the others)`,
  },
  beta: { type: "string", value: "number", help: "sharpness of softplus; relu is its limit (default 10)" },
  batch: { type: "string", value: "n", help: "samples per step (default 64)" },
  lr: { type: "string", value: "rate", help: "learning rate of Adam (default 0.003 for tiny, 0.001 for the others)" },
  seed: { type: "string", value: "n", help: "seed of the first weights and of the order of samples (default 0)" },
} as const;

type RecipeValues = { readonly [K in keyof typeof recipeOptions]: string | undefined };

/** The network for a kind of samples, where none is asked for: rows, colour images, grey ones. */
function usualNetwork({ data, target, channels }: DataSource): PresetName {
  const shape = Object.hasOwn(DATASETS, data) ? DATASETS[data as DatasetName].shape : undefined;
  if (target !== undefined || shape?.length === 1) return "mlp";
  return (shape?.[0] ?? channels ?? 3) === 3 ? "residual" : "tiny";
}

/** Networks made for softplus; the others are known with relu. */
const SMOOTH: readonly PresetName[] = ["paper", "small", "authors", "tiny"];

export function recipeFrom(values: RecipeValues): Recipe {
  const number = (name: "beta" | "batch" | "lr" | "seed", initial: number, range: NumberRange): number =>
    values[name] === undefined ? initial : numberOption(name, values[name], range);
  const source = dataSource(values);
  const network = choice("network", values.network ?? usualNetwork(source), NETWORKS);
  const activation = SMOOTH.includes(network) ? "softplus" : "relu";
  return {
    card: {
      network,
      activation: choice("activation", values.activation ?? activation, ACTIVATIONS),
      beta: number("beta", 10, { min: 1e-3, max: 1e4 }),
    },
    ...source,
    trainSize: sizeOption("train-size", values["train-size"]),
    testSize: sizeOption("test-size", values["test-size"]),
    batch: number("batch", 64, { min: 1, integer: true }),
    learningRate: number("lr", network === "tiny" ? 3e-3 : 1e-3, { min: 0 }),
    seed: number("seed", 0, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true }),
  };
}

/** Option name → text, for metadata; what is not set is left out. */
export function recipeMetadata(recipe: Recipe): Record<string, string> {
  const { trainSize, testSize, seed, batch, learningRate: lr } = recipe;
  const all = { ...sourceValues(recipe), "train-size": trainSize, "test-size": testSize, batch, lr, seed };
  const set = Object.entries(all).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set.map(([name, value]) => [name, String(value)]));
}

/** What a file of weights says: how it was made, and what its inputs are; of a table how rows become inputs. */
export function fileMetadata(recipe: Recipe, card: ModelCard, dataset: Dataset): Record<string, string> {
  const { domain, preparation } = dataset;
  return {
    ...recipeMetadata(recipe),
    ...cardMetadata(card, buildNetwork(card)),
    shape: JSON.stringify(domain.shape),
    ...(preparation && { preparation: JSON.stringify(preparation) }),
  };
}

/** The recipe of a checkpoint. Options given beside it must agree with it.
 *  @throws UsageError for one that does not, DataError for a file that is no checkpoint. */
export function resumedRecipe(metadata: ReadonlyMap<string, string>, values: RecipeValues, path: string): Recipe {
  readCard(metadata);
  const of = (name: string): string | undefined => metadata.get(name);
  const names = Object.keys(recipeOptions) as (keyof RecipeValues)[];
  const stored = Object.fromEntries(names.map((name) => [name, of(name)])) as RecipeValues;
  const recipe = recipeFrom(stored);
  const described = (r: Recipe): Record<string, string> => ({
    ...recipeMetadata(r),
    ...cardMetadata({ ...r.card, classes: [] }),
  });
  const kept = described(recipe);
  const asked = described(recipeFrom({ ...stored, ...given(values) }));
  for (const name of names)
    if (asked[name] !== kept[name])
      throw new UsageError(
        `--${name} ${asked[name]}: ${path} was made with ${kept[name] ?? "all of them"}; leave it out to go on, or start anew`,
      );
  return recipe;
}

function given(values: RecipeValues): Partial<RecipeValues> {
  return Object.fromEntries(Object.entries(values).filter(([name, v]) => name in recipeOptions && v !== undefined));
}
