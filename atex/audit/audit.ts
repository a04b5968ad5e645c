/** What every row of an audit has in common: what it is given, what it measures, how it judges. */
import type { Tensor, Tree } from "../../engine/index.js";
import type { Domain, Layer, Split } from "../../nn/index.js";
import type { Fields, Read } from "../../nn/schema.js";
import type { PictureRows } from "../experiments/cells.js";
import type { Explainer } from "../explainers/explainer.js";
import type { ExplainingOptions, MakeExplainer } from "../manipulations/explaining.js";
import type { PlotOptions } from "../render/plot.js";
import type { Classifier } from "../score.js";

/** What is audited: somebody's network, with data that it was made for. */
export interface AuditWorld {
  /** x [n, ...domain.shape] → logits [n, C]; differentiable, a plain function of ops. */
  readonly classifier: Classifier;
  readonly domain: Domain;
  readonly classes: readonly string[];
  /** Where the weights are known: the network as a function of them. Rows that randomise or retrain need it. */
  readonly weights?: {
    readonly params: Tree;
    readonly network: (params: Tree, x: Tensor) => Tensor;
    /** Parameters of the same structure that have learnt nothing. */
    readonly fresh: (seed: number) => Tree | Promise<Tree>;
    readonly layer?: Layer;
  };
  /** Labelled samples that the network was not trained on. */
  readonly test: Split;
  /** Of those, the ones that are explained and attacked. */
  readonly samples: readonly number[];
  /** What it was trained on, or other samples like them; what explainers compare with is taken from them. */
  readonly train: Split;
  /** The feature by which nobody should be judged; only of tables. */
  readonly sensitive?: string;
  /** Inputs whose outputs are known from elsewhere. */
  readonly reference?: { readonly inputs: Tensor; readonly outputs: Tensor };
  /** Where the network came from, for the first row: file, hash, preprocessing. */
  readonly about: Readonly<Record<string, string>>;
  readonly explaining: ExplainingOptions;
  readonly explainer: MakeExplainer;
  readonly seed: number;
  /** Told what goes on inside a cell. */
  readonly say: (text: string) => void;
  readonly stop?: { readonly aborted: boolean };
}

/** An explainer that is judged, or a control that is measured in the same way. */
export interface Candidate {
  /** As the table of explainers calls it, or the control's name. */
  readonly name: string;
  readonly title: string;
  readonly control: boolean;
  /** For samples x [n, ...shape]. `seed` in place of the world's: the same explainer, drawn again. */
  make(world: AuditWorld, x: Tensor, seed?: number): Promise<Explainer>;
}

/** One number with how sure it is. */
export interface AuditNumber {
  readonly name: string;
  /** What it was measured under, where a row tries several settings: "eps 0.02". */
  readonly setting?: string;
  readonly value: number;
  /** Ends of the 95 % interval; NaN where there is none. */
  readonly low: number;
  readonly high: number;
  /** Samples behind it. */
  readonly n: number;
  /** Sample by sample, where candidates are compared on the same ones. */
  readonly values?: readonly number[];
}

/** What one row measured of one candidate, as files hold it. */
export interface AuditMeasurement {
  readonly numbers: readonly AuditNumber[];
  readonly plots?: readonly PlotOptions[];
  readonly pictures?: readonly PictureRows[];
  /** Why it could not be measured. */
  readonly refused?: string;
}

export const AUDIT_VERDICTS = ["holds", "does not hold", "not tested"] as const;
/** What an audit says of a row: the property holds, does not, or could not be tested. */
export type AuditVerdict = (typeof AUDIT_VERDICTS)[number];

/** A verdict with its reasons, as reports print them. */
export interface AuditJudgement {
  readonly verdict: AuditVerdict;
  /** One sentence that a non-specialist understands, with the number that decides. */
  readonly sentence: string;
  /** What weakens it: a control that passes as well, a setting under which it is otherwise. */
  readonly caveats: readonly string[];
}

/** What an audit says of one row and one explainer. */
export interface AuditFinding extends AuditJudgement {
  /** Name of the row. */
  readonly row: string;
  /** Of the explainer that it is about; missing where it is about the network. */
  readonly explainer?: string;
}

/** A row of the table of an audit. */
export interface AuditRow<F extends Fields = Fields> {
  /** 1 to 10, as reports number them. */
  readonly number: number;
  /** What commands call it: "weights". */
  readonly name: string;
  readonly title: string;
  /** What a reader wants to know, as a question. */
  readonly question: string;
  /** How it is tested and what that cannot tell, for the reader of a report. */
  readonly words: string;
  readonly source: string;
  readonly about: "network" | "explainer";
  readonly takes: "images" | "tables" | "images and tables";
  /** It needs the weights as a tree, or a network of layers that can be trained. */
  readonly needs?: "weights" | "layer";
  /** Controls that are measured beside the explainers; default all. */
  readonly controls?: readonly string[];
  readonly options: F;
  /** Share of honest networks of which it says that it does not hold, at most, by the kind of data, where thresholds were chosen for one; missing
   *  where they were not, or where it judges explainers, whatever the network. */
  readonly errorRate?: Readonly<Partial<Record<"images" | "table", number>>>;
  /** Settings in place of the defaults for a quick audit. */
  readonly quick?: Partial<Read<F>>;
  /** Asked before anything is measured. @throws RangeError for settings that do not fit the world; a RefusalError waits for `measure`. */
  check?(settings: Read<F>, world: AuditWorld): void;
  /** Without a candidate where the row is about the network. @throws RefusalError where this cannot be measured: the audit tells it and goes
   *  on. Any other error ends it. */
  measure(settings: Read<F>, world: AuditWorld, candidate: Candidate | undefined): Promise<AuditMeasurement>;
  /** From numbers alone, so that a stored audit can be judged again. `own` is of the explainer (or the network), `controls` by name. */
  judge(own: AuditMeasurement, controls: Readonly<Record<string, AuditMeasurement>>, settings: Read<F>): AuditJudgement;
}

/** A row with the types of its settings inferred; the table needs none of them. */
export function auditRow<const F extends Fields>(row: AuditRow<F>): AuditRow {
  return row as unknown as AuditRow;
}
