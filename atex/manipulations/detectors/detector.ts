/** What notices or undoes a manipulation of explanations: its row in the table of detectors. */
import type { Tensor } from "../../../engine/index.js";

import type { ManipulationWorld, Side } from "../manipulation.js";

/** What somebody has who suspects an explanation. */
export interface DetectorContext {
  /** The network and the data that somebody holds who suspects a manipulation: of the world they use data and explainers, not the honest
   *  network, which they do not have. */
  readonly world: Pick<
    ManipulationWorld,
    "model" | "domain" | "classes" | "train" | "sensitive" | "seed" | "explaining" | "explainer" | "say"
  >;
  /** Name of the explainer whose maps are in doubt. */
  readonly explainer: string;
  /** Classes that are explained, i32 [n]. */
  readonly classes: Tensor;
  /** The attributions in doubt, where they are known already: of this side, this explainer and these classes. [n, ...shape] */
  readonly plain?: Tensor;
  /** What `restored` gave for them, where it was asked before. [n, ...shape] */
  readonly trusted?: Tensor;
}

/** A row of the table of detectors. At least one of `suspicion` and `restored` is there. */
export interface DetectorEntry {
  /** What configurations call it: "tangent-projection". */
  readonly name: string;
  readonly title: string;
  /** One line for people: what it looks at. */
  readonly help: string;
  readonly source: string;
  readonly takes: "images" | "tables" | "images and tables";
  /** Explainers whose maps it can say something about; default all. */
  readonly explainers?: readonly string[];
  /** How suspicious each sample of a side looks, the larger the more; NaN where it cannot say. [n] */
  suspicion?(side: Side, context: DetectorContext): Promise<ArrayLike<number>>;
  /** The attribution that is to be trusted in place of the plain one, [n, ...shape]. */
  restored?(side: Side, context: DetectorContext): Promise<Tensor>;
}
