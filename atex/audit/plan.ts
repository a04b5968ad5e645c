/** What is usual in an audit: explainers and controls by the kind of data, settings of a quick one, and which samples are drawn. */

import { aCount, aFlag, aNatural } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { drawFrom } from "../../nn/data/integer-random.js";
import type { Domain } from "../../nn/index.js";
import { aDomain, anyObject } from "../../nn/kinds.js";
import { explainerEntryOf } from "../explainers/table.js";
import { texts } from "../kinds.js";
import { CONTROLS, tableCandidate } from "./controls.js";
import type { AuditPlan } from "./run.js";
import { AUDIT_TABLE, auditRowOf } from "./table.js";

/** Explainers that are audited where nobody says. */
const USUAL = {
  images: ["gradient", "integrated-gradients", "smoothgrad"],
  rows: ["gradient-x-input", "lime", "kernel-shap"],
};

/** What is to be otherwise than in the usual audit: all rows with their defaults, for three explainers. */
export interface UsualPlan {
  /** Names of rows; default all. */
  readonly rows?: readonly string[];
  /** Names of explainers; default three that are usual for the data. */
  readonly explainers?: readonly string[];
  /** With the rows' settings for a quick audit. */
  readonly quick?: boolean;
  /** Settings by the names of rows; they go before those of a quick audit. */
  readonly settings?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const USUAL_PLAN_OPTIONS: KindsOf<UsualPlan> = {
  rows: texts,
  explainers: texts,
  quick: aFlag,
  settings: anyObject,
};

/** A plan with all controls that fit the data. @throws RangeError for an unknown row or explainer, and for
 *  settings of a row that is not asked for. */
export function usualPlan(domain: Domain, options: UsualPlan): AuditPlan {
  requireArguments("usualPlan", { domain: [domain, aDomain] });
  const {
    rows = AUDIT_TABLE.map(({ name }) => name),
    explainers,
    quick = false,
    settings = {},
  } = checkedOptions("usualPlan", options, USUAL_PLAN_OPTIONS);
  const image = domain.shape.length === 3;
  const lost = Object.keys(settings).find((name) => !rows.includes(name));
  if (lost !== undefined)
    throw new RangeError(`usualPlan: settings of "${lost}", which is not asked for; the rows are ${rows.join(", ")}`);
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
  requireArguments("drawnSamples", { all: [all, aNatural], count: [count, aCount], seed: [seed, aNatural] });
  const order = Array.from({ length: all }, (_, i) => i);
  const draw = drawFrom(seed, 0x5a17);
  const taken = Math.min(all, count);
  for (let i = 0; i < taken; i++) {
    const j = i + draw.below(all - i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order.slice(0, taken);
}
