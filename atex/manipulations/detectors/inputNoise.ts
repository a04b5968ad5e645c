/** Samples at sharp places: a little noise, and the map is another one. */

import { callerScope, concat, div, equal, max, reshape, sub, type Tensor, where } from "../../../engine/index.js";
import { checkedOptions } from "../../../engine/options.js";
import { copiesAtOnce } from "../../copies.js";
import { explainer as explainerOf } from "../../explainers/explainer.js";
import { noisyMaps } from "../../explainers/smoothGrad.js";
import { lengthOf, ofFinite, rows } from "../../metrics/metric.js";
import { scoped } from "../explaining.js";
import type { DetectorEntry } from "./detector.js";
import { mapsBy } from "./maps.js";
import { NOISE_OPTIONS, type NoiseOptions, noiseOf } from "./noise.js";

const LITTLE = 0x0015e;

/** The largest relative change of the map among copies with a little noise, max ‖φ(x + δ) − φ(x)‖ / ‖φ(x)‖; NaN for a map of zeros. The noise
 *  is the same for all samples, so that its length is a common factor. Source: Alvarez-Melis, Jaakkola 2018 (local Lipschitz estimate, here
 *  over random neighbours and relative to the map). */
export function inputNoiseDetector(options: NoiseOptions = {}): DetectorEntry {
  const {
    ofRange = 0.02,
    ofDeviation = 0.05,
    copies = 8,
    ...others
  } = checkedOptions("inputNoiseDetector", options, NOISE_OPTIONS);
  return {
    name: "input-noise",
    title: "instability under noise",
    help: "how much the explanation changes with a little noise on the input",
    source: "Alvarez-Melis, Jaakkola 2018",
    takes: "images and tables",
    async suspicion(side, context) {
      const found = await scoped("input-noise", () => {
        const noise = noiseOf(context, { ofRange, ofDeviation, copies, ...others }, LITTLE);
        return mapsBy(side, context, (make) => async (name, x) => {
          const here = callerScope();
          const base = await here.wait(make(name, x));
          return explainerOf(base.info, (score, z) => {
            const own = base(score, z);
            const parts = noisyMaps({ ...noise, base, chunk: copiesAtOnce(z.size) }, score, z, (maps) =>
              relativeChange(maps, own),
            );
            return ofFinite(max(concat(parts), 0), own);
          });
        });
      });
      return found.read();
    },
  };
}

/** ‖map − own‖ / ‖own‖ of copies [k,n,...] of maps [n,...] → [k,n] */
function relativeChange(maps: Tensor, own: Tensor): Tensor {
  const [k, n] = maps.shape;
  const length = lengthOf(rows(own));
  const apart = lengthOf(reshape(sub(maps, own), [k, n, own.size / n]));
  return div(apart, where(equal(length, 0), Number.NaN, length));
}
