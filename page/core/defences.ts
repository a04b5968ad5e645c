/** The defences side by side: what is said of them, and whose weights they are. */
import type { DefenceName } from "./settings.js";

/** What is shown of a defence. */
export interface DefenceCard {
  readonly title: string;
  readonly words: string;
  /** Nothing where there is no defence. */
  readonly source: string;
  /** File of weights in `networks`. */
  readonly file: "plain" | "atex" | "r2et";
}

export const DEFENCES: Readonly<Record<DefenceName, DefenceCard>> = {
  plain: {
    title: "Plain",
    words: "A small network with relu, trained on labels alone.",
    source: "",
    file: "plain",
  },
  smoothing: {
    title: "Beta-smoothing",
    words: "The same weights; maps are made with a soft relu. Predictions stay.",
    source: "Dombrowski et al. 2019",
    file: "plain",
  },
  atex: {
    title: "ATEX",
    words: "Trained on to answer alike along its own explanation.",
    source: "Tang et al. 2022",
    file: "atex",
  },
  r2et: {
    title: "R2ET",
    words: "Trained on to widen the gap around its most important pixels.",
    source: "Chen et al. 2024",
    file: "r2et",
  },
};
