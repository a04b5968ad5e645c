/** Every kind of experiment: a new one is its file and a row here; one about a manipulation follows from the table of manipulations. */
import { openScope } from "../../engine/index.js";
import { MANIPULATION_TABLE } from "../manipulations/table.js";
import type { PlotOptions } from "../render/plot.js";
import type { Quantity } from "./aggregate.js";
import { select } from "./aggregate.js";
import type { Cell, Outcome } from "./cells.js";
import type { ReproduceConfig } from "./config.js";
import type { ExperimentKind, Findings } from "./kind.js";
import { authorsAttack } from "./kinds/authorsAttack.js";
import { checks } from "./kinds/checks.js";
import { hardening } from "./kinds/hardening.js";
import { manipulationKind } from "./kinds/manipulation.js";
import { planted } from "./kinds/planted.js";
import { robustness } from "./kinds/robustness.js";
import { smoothing } from "./kinds/smoothing.js";
import { strength } from "./kinds/strength.js";
import { timing } from "./kinds/timing.js";
import type { Lab } from "./lab.js";
import type { TableData } from "./tables.js";
import type { Claim } from "./verdicts.js";

export const KINDS: readonly ExperimentKind[] = [
  robustness,
  strength,
  authorsAttack,
  checks,
  smoothing,
  hardening,
  timing,
  planted,
  ...MANIPULATION_TABLE.map(manipulationKind),
];

/** The kind of an experiment of a configuration. */
export function kindOf({ kind }: { readonly kind: string }): ExperimentKind {
  const found = KINDS.find((one) => one.kind === kind);
  if (!found) throw new RangeError(`experiment: "${kind}" is unknown; there is ${KINDS.map((k) => k.kind).join(", ")}`);
  return found;
}

/** Does one cell of the grid. */
export async function runCell(lab: Lab, cell: Cell): Promise<Outcome> {
  using here = openScope(cell.id);
  const experiment = lab.config.experiments[cell.experiment];
  return await here.wait(kindOf(experiment).run(lab, cell, experiment));
}

/** What came of an experiment; undefined before its first result. */
function findingsOf(name: string, config: ReproduceConfig, all: readonly Quantity[]): Findings | undefined {
  const mine = select(all, { experiment: name });
  return mine.length === 0
    ? undefined
    : { name, experiment: config.experiments[name], config, all: mine, everything: all };
}

/** The tables of one experiment. */
export function tablesOf(name: string, config: ReproduceConfig, all: readonly Quantity[]): readonly TableData[] {
  const findings = findingsOf(name, config, all);
  return findings ? kindOf(findings.experiment).tables(findings) : [];
}

/** Its curves. */
export function plotsOf(name: string, config: ReproduceConfig, all: readonly Quantity[]): readonly PlotOptions[] {
  const findings = findingsOf(name, config, all);
  return (findings && kindOf(findings.experiment).plots?.(findings)) ?? [];
}

/** Tables over several experiments, kind by kind. */
export function overviews(config: ReproduceConfig, all: readonly Quantity[]): TableData[] {
  return KINDS.flatMap(({ overview }) => overview?.(config, all) ?? []);
}

/** What the paper claims, beside what was measured, kind by kind. */
export function claims(config: ReproduceConfig, all: readonly Quantity[]): Claim[] {
  return KINDS.flatMap(({ kind, claims }) =>
    Object.entries(config.experiments).flatMap(([name, experiment]) => {
      const findings = experiment.kind === kind ? findingsOf(name, config, all) : undefined;
      return findings && claims ? [...claims(findings)] : [];
    }),
  );
}
