/** What is usual in an audit: explainers and controls by the kind of data, settings of a quick one, and which samples are drawn. */
import { drawFrom } from "../../nn/data/integer-random.js";
import type { Domain } from "../../nn/index.js";
import { explainerEntryOf } from "../explainers/table.js";
import { CONTROLS, tableCandidate } from "./controls.js";
import type { AuditPlan } from "./run.js";
import { AUDIT_TABLE, auditRowOf } from "./table.js";

/** Explainers that are audited where nobody says. */
const USUAL = {
  images: ["gradient", "integrated-gradients", "smoothgrad"],
  rows: ["gradient-x-input", "lime", "kernel-shap"],
};

export interface UsualPlan {
  /** Names of rows; default all. */
  readonly rows?: readonly string[];
  /** Names of explainers; default three that are usual for the data. */
  readonly explainers?: readonly string[];
  /** With the rows' settings for a quick audit. */
  readonly quick?: boolean;
  /** Settings by row, before those of a quick audit. */
  readonly settings?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** A plan with all controls that fit the data. @throws RangeError for an unknown row or explainer. */
export function usualPlan(
  domain: Domain,
  { rows = AUDIT_TABLE.map(({ name }) => name), explainers, quick = false, settings = {} }: UsualPlan,
): AuditPlan {
  const image = domain.shape.length === 3;
  return {
    rows: rows.map((row) => ({
      row,
      settings: { ...(quick ? auditRowOf(row).quick : {}), ...settings[row] },
    })),
    explainers: [...new Set(explainers ?? (image ? USUAL.images : USUAL.rows))].map((name) =>
      tableCandidate(name, explainerEntryOf(name).info.name),
    ),
    controls: CONTROLS.filter(({ name }) => image || name !== "edges"),
  };
}

/** `count` of `all` samples, at most all, drawn without putting back; the same for the same seed. */
export function drawnSamples(all: number, count: number, seed: number): number[] {
  const order = Array.from({ length: all }, (_, i) => i);
  const draw = drawFrom(seed, 0x5a17);
  const taken = Math.min(all, count);
  for (let i = 0; i < taken; i++) {
    const j = i + draw.below(all - i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order.slice(0, taken);
}
