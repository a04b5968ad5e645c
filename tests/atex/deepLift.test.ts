import { classScore, deepLift } from "../../atex/index.js";
import { add, type Tensor, tensor } from "../../engine/index.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { images, NETWORKS, uniform } from "./insideNets.js";

const classes = (...list: number[]): Tensor => tensor(Int32Array.from(list));

for (const rule of ["rescale", "reveal-cancel"] as const)
  for (const [name, network] of Object.entries(NETWORKS))
    referenceTest(`${rule}: what a network with ${name} gives sums to the difference of the scores`, async () => {
      for (const of of ["logit", "probability", "logProbability"] as const) {
        const score = classScore(network, classes(0, 2), { of });
        for (const reference of [0, uniform(77, [2, 2, 6, 6], 1), add(images(3, 2), 1e-7)]) {
          const explain = deepLift({ reference, rule });
          const x = images(3, 2);
          const gap = await explain.gap!(score, x, explain(score, x)).read();
          check.close(gap, [0, 0], { atol: 1e-12 }, `${of}`);
        }
      }
    });
