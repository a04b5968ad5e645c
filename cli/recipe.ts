/** What determines a training run, and how it stands in the metadata of the files that the run writes. */
import {
  ACTIVATIONS,
  cardMetadata,
  type DatasetName,
  type ModelCard,
  type PresetName,
  presets,
  readCard,
} from "../nn/index.js";
import { choice } from "./arguments.js";
import { type NumberRange, numberOption, UsageError } from "./command.js";
import { dataName, sizeOption } from "./data.js";

export const NETWORKS = Object.keys(presets) as PresetName[];

export interface Recipe {
  readonly card: Omit<ModelCard, "classes">;
  readonly data: DatasetName;
  readonly trainSize?: number;
  readonly testSize?: number;
  readonly seed: number;
  readonly batch: number;
  readonly learningRate: number;
}

/** The options of a recipe. Defaults are applied by `recipeFrom`, so that a resumed run can tell what was asked for. */
export const recipeOptions = {
  data: { type: "string", value: "name", help: "data set: shapes, fashion-mnist, mnist (default shapes)" },
  "train-size": { type: "string", value: "n", help: "use the first n training images only" },
  "test-size": { type: "string", value: "n", help: "use the first n test images only" },
  network: { type: "string", value: "name", help: `${NETWORKS.join(", ")} (default tiny)` },
  activation: { type: "string", value: "name", help: `${ACTIVATIONS.join(", ")} (default softplus)` },
  beta: { type: "string", value: "number", help: "sharpness of softplus; relu is its limit (default 10)" },
  batch: { type: "string", value: "n", help: "images per step (default 64)" },
  lr: { type: "string", value: "rate", help: "learning rate of Adam (default 0.003 for tiny, 0.001 for the others)" },
  seed: { type: "string", value: "n", help: "seed of the first weights and of the order of images (default 0)" },
} as const;

type RecipeValues = { readonly [K in keyof typeof recipeOptions]: string | undefined };

export function recipeFrom(values: RecipeValues): Recipe {
  const number = (name: "beta" | "batch" | "lr" | "seed", initial: number, range: NumberRange): number =>
    values[name] === undefined ? initial : numberOption(name, values[name], range);
  const network = choice("network", values.network ?? "tiny", NETWORKS);
  return {
    card: {
      network,
      activation: choice("activation", values.activation ?? "softplus", ACTIVATIONS),
      beta: number("beta", 10, { min: 1e-3, max: 1e4 }),
    },
    data: dataName(values.data ?? "shapes"),
    trainSize: sizeOption("train-size", values["train-size"]),
    testSize: sizeOption("test-size", values["test-size"]),
    batch: number("batch", 64, { min: 1, integer: true }),
    learningRate: number("lr", network === "tiny" ? 3e-3 : 1e-3, { min: 0 }),
    seed: number("seed", 0, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true }),
  };
}

/** Option name → text, for metadata; what is not set is left out. */
export function recipeMetadata({
  data,
  trainSize,
  testSize,
  seed,
  batch,
  learningRate,
}: Recipe): Record<string, string> {
  const all = { data, "train-size": trainSize, "test-size": testSize, batch, lr: learningRate, seed };
  const set = Object.entries(all).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set.map(([name, value]) => [name, String(value)]));
}

export function fileMetadata(recipe: Recipe, card: ModelCard): Record<string, string> {
  return { ...recipeMetadata(recipe), ...cardMetadata(card) };
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
