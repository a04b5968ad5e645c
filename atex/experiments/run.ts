/** One cell of the grid. */
import { openScope } from "../../engine/index.js";
import type { Cell, Outcome } from "./cells.js";
import { checks } from "./checks.js";
import { hardening } from "./hardening.js";
import type { Lab } from "./lab.js";
import { reference } from "./reference.js";
import { robustness } from "./robustness.js";
import { smoothing } from "./smoothing.js";
import { strength } from "./strength.js";
import { timing } from "./timing.js";

/** Trains what the cell needs, attacks and measures. */
export async function runCell(lab: Lab, cell: Cell): Promise<Outcome> {
  using _ = openScope(cell.id);
  const experiment = lab.config.experiments[cell.experiment];
  switch (experiment.kind) {
    case "robustness":
      return await robustness(lab, cell, experiment);
    case "strength":
      return await strength(lab, cell, experiment);
    case "reference":
      return await reference(lab, cell, experiment);
    case "smoothing":
      return await smoothing(lab, cell, experiment);
    case "checks":
      return await checks(lab, cell, experiment);
    case "hardening":
      return await hardening(lab, cell, experiment);
    case "timing":
      return await timing(lab, cell, experiment);
  }
}
