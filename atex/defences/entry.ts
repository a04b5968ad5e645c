import type { Done, LongOptions, Tensor } from "../../engine/index.js";
import { aFunction, aNumber, either } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { adam, type FeatureRange, type Optimiser, type ResidentImages, type Schedule } from "../../nn/index.js";
import { described, type Fields, type Infer, optional, type Read, type Schema } from "../../nn/schema.js";
import type { Classifier } from "../score.js";
import type { Defence, DefenceInfo } from "./defence.js";
import { aDefenceEntry } from "./kinds.js";

/** What a defence may need to know beyond its settings. */
export interface DefenceContext<P = unknown> {
  /** Largest change of an element to defend against; lengths and radii of some settings are multiples of it. */
  readonly eps: number;
  /** f of defences that learn from a trained network. */
  readonly teacher?: Classifier;
  /** Valid values; default 0 to 1 for images [n,c,h,w], none otherwise. */
  readonly range?: FeatureRange;
  /** What the entry's `prepare` made. */
  readonly prepared?: P;
}

/** What `prepare` works on. */
export interface PreparationContext extends Omit<DefenceContext, "prepared">, LongOptions<Done> {
  readonly data: ResidentImages;
  readonly key: Tensor;
}

/** How far from a sample a defence looks. */
export interface Reach {
  /** In units of the inputs. */
  readonly most: number;
  /** Of the change: its largest element, or its root mean square. */
  readonly of: "largest element" | "root mean square";
  /** Factors on the points where it looks, for one that looks along the ways to them from a baseline of 0; default 1. */
  readonly scales?: readonly number[];
}

/** Settings that validation chose, as `holdfast defend` takes them. */
export interface Preset<S = Readonly<Record<string, unknown>>> {
  /** What tables call it. */
  readonly title: string;
  /** For a largest change `eps`; the learning rate and the batch belong to the training and not to the defence. */
  settings(eps: number): Partial<S> & { readonly learningRate?: number; readonly batch?: number };
}

/** A row of the table of defences: all that configurations, the command line, help and generated tests need. */
export interface DefenceEntry<F extends Fields = Fields, P = unknown> {
  /** The `kind` of a scheme in configurations: "inputGradient". */
  readonly name: string;
  readonly info: DefenceInfo;
  /** Order of the highest derivative in a training step: 1 where no gradient is differentiated again. */
  readonly order: 1 | 2 | 3;
  /** What it needs besides inputs. */
  readonly needs: readonly ("labels" | "teacher")[];
  /** Training as usual, without a defence: it needs none beside it to be compared with. */
  readonly plain?: boolean;
  /** Default Adam. */
  readonly optimiser?: (rate: number | Schedule) => Optimiser;
  /** Defaults made by `implied` are not written into settings that are read, and stand in `make`. */
  readonly options: F;
  /** Missing where it looks at the samples themselves only. */
  reach?(settings: Read<F>, eps: number): Reach;
  /** Points around a sample that a step looks at, for defences that look at several. */
  samples?(settings: Read<F>): number;
  /** By the names that the command line knows. */
  readonly presets: Readonly<Record<string, Preset<Read<F>>>>;
  /** What schemas cannot say. @throws RangeError for settings that exclude each other. */
  check?(settings: Read<F>, eps: number): void;
  /** What never changes while it trains, made once before; freed when it is disposed. */
  prepare?(settings: Read<F>, context: PreparationContext): Promise<P & Disposable>;
  make(settings: Read<F>, context: DefenceContext<P>): Defence;
}

/** An entry with the types of its settings inferred; the table needs none of them. */
export function defenceEntry<const F extends Fields, P = never>(entry: DefenceEntry<F, P>): DefenceEntry {
  return entry as unknown as DefenceEntry;
}

/** A setting whose default is told but not filled in, so that stored settings from before it was told stay what they are. */
export function implied<S extends Schema<unknown>>(
  schema: S,
  value: Infer<S>,
  description: string,
): Schema<Infer<S> | undefined> {
  const left = optional(described(schema, description));
  return { ...left, json: { ...left.json, default: value } } as Schema<Infer<S> | undefined>;
}

/** What a defence is trained with. */
export function optimiserOf(entry: DefenceEntry, rate: number | Schedule): Optimiser {
  requireArguments("optimiserOf", { entry: [entry, aDefenceEntry], rate: [rate, either(aNumber, aFunction)] });
  const { optimiser } = entry;
  return optimiser ? optimiser(rate) : adam({ lr: rate });
}
