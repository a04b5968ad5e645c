/** An audit as plain data: what files hold and pages show. */

import { required } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { aList, aMap, textRecord } from "../../nn/kinds.js";
import { texts } from "../kinds.js";
import type { AuditFinding, AuditMeasurement, AuditNumber, AuditVerdict } from "./audit.js";
import { anAuditPlan, anAuditReport } from "./kinds.js";
import { type AuditPlan, judgeAudit } from "./run.js";
import { AUDIT_TABLE } from "./table.js";

/** What one candidate came to in one row. */
export interface AuditedCandidate {
  readonly name: string;
  readonly title: string;
  readonly control: boolean;
  readonly numbers: readonly Omit<AuditNumber, "values">[];
  readonly refused?: string;
}

/** One row of a report: what it asks, how it was set, what was found, and the numbers behind it. */
export interface AuditedRow {
  readonly number: number;
  readonly name: string;
  readonly title: string;
  readonly question: string;
  readonly words: string;
  readonly source: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** One for each explainer, or one about the network. */
  readonly findings: readonly AuditFinding[];
  readonly candidates: readonly AuditedCandidate[];
}

/** An audit as plain data: what JSON holds and pages show. */
export interface AuditReport {
  /** Where network and data came from, what was asked for, where it was computed. */
  readonly about: Readonly<Record<string, string>>;
  readonly explainers: readonly { readonly name: string; readonly title: string }[];
  /** In the order of the table. */
  readonly rows: readonly AuditedRow[];
  /** Rows of the table that were not asked for. */
  readonly left: readonly string[];
}

/** What is said on the first page of every audit. Source: Bilodeau, Jaques, Koh, Kim 2024 (PNAS), theorem 3.3. */
export const AUDIT_LIMIT =
  "What no audit can give: for rich networks, an attribution that is complete and linear, such as SHAP or integrated gradients, can be no better than guessing at the " +
  "question what the prediction would have been if a feature had been another (Bilodeau et al. 2024). Ask such a question by changing the input, not by reading a map.";

/** Puts findings and numbers together. */
export function auditReport(
  plan: AuditPlan,
  measured: ReadonlyMap<string, AuditMeasurement>,
  about: Readonly<Record<string, string>>,
): AuditReport {
  requireArguments("auditReport", {
    plan: [plan, anAuditPlan],
    measured: [measured, aMap],
    about: [about, textRecord],
  });
  const findings = judgeAudit(plan, measured);
  const asked = AUDIT_TABLE.filter(({ name }) => plan.rows.some(({ row }) => row === name));
  const everyone = [...plan.explainers, ...plan.controls];
  const rows = asked.map((row): AuditedRow => {
    const { number, name, title, question, words, source } = row;
    const candidates = row.about === "network" ? [{ name: "", title: "the network", control: false }] : everyone;
    return {
      ...{ number, name, title, question, words, source },
      settings: plan.rows.find((one) => one.row === name)?.settings ?? {},
      findings: findings.filter((one) => one.row === name),
      candidates: candidates.flatMap(({ name: of, title: called, control }) => {
        const found = measured.get(of === "" ? name : `${name}/${of}`);
        if (!found) return [];
        const numbers = found.numbers.map(({ values: _, ...one }) => one);
        return [{ name: of, title: called, control, numbers, refused: found.refused }];
      }),
    };
  });
  return {
    about,
    explainers: plan.explainers.map(({ name, title }) => ({ name, title })),
    rows,
    left: AUDIT_TABLE.filter((row) => !asked.includes(row)).map(({ number, title }) => `${number} ${title}`),
  };
}

const AUDIT_FAILS_OPTIONS: KindsOf<{ readonly verdicts: readonly AuditVerdict[]; readonly names?: readonly string[] }> =
  {
    verdicts: required(aList),
    names: texts,
  };

/** Whether any finding has one of these verdicts, in these rows (default all): what an exit status is made of. */
export function auditFails(
  report: AuditReport,
  options: { readonly verdicts: readonly AuditVerdict[]; readonly names?: readonly string[] },
): AuditFinding[] {
  requireArguments("auditFails", { report: [report, anAuditReport] });
  const { rows } = report;
  const { verdicts, names } = checkedOptions("auditFails", options, AUDIT_FAILS_OPTIONS);
  return rows
    .filter(({ name }) => names === undefined || names.includes(name))
    .flatMap(({ findings }) => findings.filter(({ verdict }) => verdicts.includes(verdict)));
}
