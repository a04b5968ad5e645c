/** What every manipulation of explanations has in common: what it is given, what it hands back, and its row in the table. */
import type { Tensor, Tree } from "../../engine/index.js";
import type { Domain, Layer, Split, TablePreparation } from "../../nn/index.js";
import type { Fields, Read } from "../../nn/schema.js";
import type { Conditions, PictureRows } from "../experiments/cells.js";
import type { Findings } from "../experiments/kind.js";
import type { Claim } from "../experiments/verdicts.js";
import type { FoolingInterval } from "../metrics/heo.js";
import type { Classifier } from "../score.js";
import type { ExplainingOptions, MakeExplainer } from "./explaining.js";

/** A network and the samples that it is asked about. */
export interface Side {
  readonly classifier: Classifier;
  /** [n, ...domain.shape] */
  readonly x: Tensor;
  /** Explainers of this side, where they compare with something else than the world's do. */
  readonly explainer?: MakeExplainer;
}

/** The same samples before and after a manipulation. Where only the network was changed, `x` is the same, and the other way round. */
export interface Pair {
  readonly clean: Side;
  readonly manipulated: Side;
  /** The classes that the manipulated side is meant to predict, i32 [n], which are then explained; default what the clean side predicts. */
  readonly wanted?: Tensor;
}

/** What is manipulated: an honest network with data that it was trained on and data that it was not. */
export interface ManipulationWorld {
  readonly model: Layer;
  /** Of the honest network; not to be changed or disposed of. */
  readonly params: Tree;
  /** The model with its parameters. */
  readonly classifier: Classifier;
  readonly domain: Domain;
  readonly classes: readonly string[];
  /** How rows of a table became samples. */
  readonly preparation?: TablePreparation;
  /** The feature by which nobody should be judged, by its name in the domain; only of tables. */
  readonly sensitive?: string;
  readonly train: Split;
  /** Not used in training. */
  readonly test: Split;
  /** Test samples that are manipulated, or judged where the network is. */
  readonly samples: readonly number[];
  /** Other test samples, on which it is seen whether a manipulation reaches beyond what it was made for. */
  readonly others: readonly number[];
  /** Networks trained alike from other first weights. */
  readonly siblings: readonly Classifier[];
  readonly seed: number;
  /** How explainers are made; `explainerMaker` makes others from it, say with another background. */
  readonly explaining: ExplainingOptions;
  readonly explainer: MakeExplainer;
  /** Told what goes on. */
  readonly say: (text: string) => void;
  readonly stop?: { readonly aborted: boolean };
}

/** One number with what it was measured under. */
export interface Measured {
  readonly metric: string;
  readonly value: number;
  /** Samples (or steps) behind it. */
  readonly count: number;
  readonly conditions?: Conditions;
}

/** What a statistic is computed from. */
export interface StatisticContext {
  /** Name of the explainer in question. */
  readonly explainer: string;
  readonly pair: Pair;
  /** Attributions of the clean side's predicted class, and of the class that the manipulated side is meant to predict; [n, ...shape] each. */
  readonly clean: Tensor;
  readonly manipulated: Tensor;
  /** Attributions by the same explainer of other classes, i32 [n]. */
  attributions(side: Side, classes: Tensor): Promise<Tensor>;
}

/** How it is seen on a sample whether its explanation was changed as intended. */
export interface Statistic {
  /** For tables: "top-k intersection". */
  readonly name: string;
  /** Where it counts as fooled, ends included. Source: Heo, Joo, Moon 2019, sec. 4. */
  readonly interval: FoolingInterval;
  /** One value for each sample; NaN where it has none. Tensors made in it are freed after it: what it needs again belongs to the
   *  manipulation. */
  of(context: StatisticContext): Promise<ArrayLike<number>>;
}

/** What a manipulation hands back. Tensors belong to the scope that was open when it ran, or are kept. */
export interface Manipulation {
  /** The explainer that it was made for, as the table of explainers calls it. */
  readonly explainer: string;
  readonly madeFor: Pair;
  /** The same on samples that it was not made for. Where it is missing and inputs were changed, their change is added to other samples. */
  readonly heldOut?: Pair;
  readonly statistic: Statistic;
  /** What it took: steps, queries, seconds ... by name. */
  readonly cost: Readonly<Record<string, number>>;
  /** What is special about it. */
  readonly measurements?: readonly Measured[];
  readonly pictures?: readonly PictureRows[];
  /** Of the manipulated network, structured like the world's; kept by the caller. */
  readonly params?: Tree;
  /** What else others may want to study: pictures aimed at, patches, triggers. */
  readonly tensors?: Readonly<Record<string, Tensor>>;
}

/** A row of the table of manipulations: what commands, configurations, reports and generated tests need. */
export interface ManipulationEntry<F extends Fields = Fields> {
  /** What commands and files call it: "fairwashing". */
  readonly name: string;
  readonly title: string;
  /** One line for people: what it does. */
  readonly help: string;
  /** A few sentences for the reader of a report. */
  readonly words: string;
  readonly source: string;
  /** What is changed. */
  readonly changes: "inputs" | "model" | "background";
  readonly takes: "images" | "tables" | "images and tables";
  /** Settings; none is called schemes, images, others, explainers, detectors or pictures, which the experiment has. */
  readonly options: F;
  /** @throws RangeError or TypeError in one sentence for a world that it cannot be made in. */
  run(settings: Read<F>, world: ManipulationWorld): Promise<Manipulation>;
  /** What the papers say about it, judged by what was measured. */
  claims?(findings: Findings): readonly Claim[];
}

/** An entry with the types of its settings inferred; the table needs none of them. */
export function manipulationEntry<const F extends Fields>(entry: ManipulationEntry<F>): ManipulationEntry {
  return entry as unknown as ManipulationEntry;
}

/** Whether a manipulation, or a detector, is made for the samples of a domain: images [c,h,w] or rows of a table [d]. */
export function isOfKind(
  { takes }: Pick<ManipulationEntry, "takes">,
  { domain }: Pick<ManipulationWorld, "domain">,
): boolean {
  return takes === "images and tables" || (takes === "images") === (domain.shape.length === 3);
}

/** @throws TypeError where a manipulation is given samples of the wrong kind. */
export function requireKind(
  { name, takes }: Pick<ManipulationEntry, "name" | "takes">,
  { domain }: Pick<ManipulationWorld, "domain">,
): void {
  if (isOfKind({ takes }, { domain })) return;
  throw new TypeError(
    `${name}: samples of [${domain.shape}] came; it is made for ${takes === "images" ? "images [c,h,w]" : "rows of a table [d]"}`,
  );
}
