import type { Fields, Read } from "../../nn/schema.js";
import type { PlotOptions } from "../render/plot.js";
import type { Quantity } from "./aggregate.js";
import type { Cell, Outcome } from "./cells.js";
import type { ReproduceConfig } from "./config.js";
import type { Lab } from "./lab.js";
import type { ExperimentConfig } from "./settings.js";
import type { TableData } from "./tables.js";
import type { Claim } from "./verdicts.js";

export type Experiment<F extends Fields> = ExperimentConfig & Read<F>;

/** What came of one experiment, for those who put it into tables and words. */
export interface Findings<E = ExperimentConfig> {
  /** What the configuration calls it. */
  readonly name: string;
  readonly experiment: E;
  readonly config: ReproduceConfig;
  /** Of this experiment, at least one. */
  readonly all: readonly Quantity[];
  /** Of all experiments. */
  readonly everything: readonly Quantity[];
}

/** A cell as far as its experiment decides about it. */
export type CellPart = Pick<Cell, "scheme" | "eps">;

/** A kind of experiment: all that configurations, the grid, reports and generated tests need. */
export interface ExperimentKind<F extends Fields = Fields> {
  /** What configurations call it. */
  readonly kind: string;
  /** Besides those of every experiment. */
  readonly settings: F;
  /** What the experiment is about, for the reader of a report. */
  readonly words: string;
  /** Its numbers are wrong where anything runs beside it. */
  readonly alone?: boolean;
  /** It does without the eps1 of its data: missing where it needs them. */
  readonly withoutEps?: boolean;
  /** The schemes it trains. */
  schemes(e: Experiment<F>): readonly string[];
  /** Its cells for one data set and seed; default one for each scheme. */
  cells?(e: Experiment<F>, config: ReproduceConfig, data: Cell["data"]): readonly CellPart[];
  /** What its schema cannot say. `path` is its place in the configuration. @throws ConfigError. */
  check?(e: Experiment<F>, config: ReproduceConfig, path: string): void;
  /** Trains what the cell needs, attacks and measures. */
  run(lab: Lab, cell: Cell, e: Experiment<F>): Promise<Outcome>;
  tables(findings: Findings<Experiment<F>>): readonly TableData[];
  /** Curves with error bars, where it has a scale to draw them against. */
  plots?(findings: Findings<Experiment<F>>): readonly PlotOptions[];
  /** Titles of the columns of its pictures. */
  readonly pictureColumns?: readonly string[];
  /** Tables over all experiments of this kind, which a report shows once. */
  overview?(config: ReproduceConfig, everything: readonly Quantity[]): readonly TableData[];
  /** What the paper claims about it. */
  claims?(findings: Findings<Experiment<F>>): readonly Claim[];
}

/** A kind with the types of its settings inferred; the table needs none of them. */
export function experimentKind<const F extends Fields>(kind: ExperimentKind<F>): ExperimentKind {
  return kind as unknown as ExperimentKind;
}

/** One cell for all schemes, which are compared in it. */
export const together = (): readonly CellPart[] => [{}];
