/** Every row of an audit: a new one is its file and a row here. */

import { aNumber, aText, either } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import type { AuditRow } from "./audit.js";
import { agreementRow } from "./rows/agreement.js";
import { attackRow } from "./rows/attack.js";
import { causeRow } from "./rows/cause.js";
import { certificateRow } from "./rows/certificate.js";
import { contractRow } from "./rows/contract.js";
import { manipulatedRow } from "./rows/manipulated.js";
import { relevanceRow } from "./rows/relevance.js";
import { removalRow } from "./rows/removal.js";
import { sumsRow } from "./rows/sums.js";
import { weightsRow } from "./rows/weights.js";

/** The ten rows of an audit, numbered 1 to 10: contract, weights, relevance, removal, sums, cause, agreement, attack, certificate,
 *  manipulated. */
export const AUDIT_TABLE: readonly AuditRow[] = [
  contractRow,
  weightsRow,
  relevanceRow,
  removalRow,
  sumsRow,
  causeRow,
  agreementRow,
  attackRow,
  certificateRow,
  manipulatedRow,
];

/** The row of a name or number. @throws RangeError naming those there are. */
export function auditRowOf(name: string | number): AuditRow {
  requireArguments("auditRowOf", { name: [name, either(aText, aNumber)] });
  const found = AUDIT_TABLE.find((row) => row.name === name || row.number === Number(name));
  if (!found)
    throw new RangeError(
      `audit: row "${name}" is unknown; there is ${AUDIT_TABLE.map((row) => `${row.number} ${row.name}`).join(", ")}`,
    );
  return found;
}
