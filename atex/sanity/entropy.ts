import { log, maximum, mul, neg, sum, type Tensor } from "../../engine/index.js";
import { aTensor } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { relativeImportance } from "../metrics/importance.js";

/** Shannon entropy of the relative importance of a map, in nats: 0 where one feature has all, log d where all have the same.
 *  [n,...] → [n]. Source: Bhatt et al. 2020, eq. 6 (complexity). */
export function entropyOf(map: Tensor): Tensor {
  requireArguments("entropyOf", { map: [map, aTensor] });
  const share = relativeImportance(map);
  return neg(sum(mul(share, log(maximum(share, 1e-30))), 1));
}
