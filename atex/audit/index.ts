/** Audits: how far the explanations of somebody's own network can be trusted. */
export {
  type Attacked,
  type AttackSettings,
  attacksOn,
  type BatchAttacks,
  flippedBy,
  hasSlope,
  type Left,
} from "./attacks.js";
export type {
  AuditFinding,
  AuditJudgement,
  AuditMeasurement,
  AuditNumber,
  AuditRow,
  AuditVerdict,
  AuditWorld,
  Candidate,
} from "./audit.js";
export { CONTROLS, edgeMap, inputMap, randomMap, tableCandidate } from "./controls.js";
export {
  boundedNumber,
  meanNumber,
  numberOf,
  pairedDifference,
  plainNumber,
  shareNumber,
} from "./numbers.js";
export { drawnSamples, type UsualPlan, usualPlan } from "./plan.js";
export {
  atWork,
  type Planted,
  type PlantOptions,
  plantedCause,
  plantingLoss,
  type TeachOptions,
  taughtCopy,
} from "./planted.js";
export {
  AUDIT_LIMIT,
  type AuditedCandidate,
  type AuditedRow,
  type AuditReport,
  auditFails,
  auditReport,
} from "./report.js";
export {
  type AuditCell,
  type AuditPlan,
  type AuditProgress,
  type AuditStore,
  auditCells,
  judgeAudit,
  runAudit,
} from "./run.js";
export { type AlongData, alongData, backgroundTest, bendBetween, likenessAmong, oddAnswers } from "./signs.js";
export { AUDIT_TABLE, auditRowOf } from "./table.js";
