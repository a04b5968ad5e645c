/** One step of naive training and one of ATEX, on inputs that all systems share; the schemes are those of holdfast/atex. */
import { atex, batchLoss, type Defence, linf, naive, squaredL2 } from "../atex/index.js";
import { random, type Tensor, type Tree, tensor } from "../engine/index.js";
import { type BenchCase, upload } from "./cases.js";
import { around, type HostTensor, lesson, neighbours } from "./inputs.js";
import { batchOf, training } from "./network.js";
import { model } from "./steps.js";

function lossOf(scheme: Defence, params: Tree, x: Tensor, y: Tensor): Tensor {
  const indices = tensor(Int32Array.from({ length: x.shape[0] }, (_, i) => i));
  const [loss] = batchLoss(scheme)(model, params, x, y, { training: true, key: random.key(5), indices });
  return loss;
}

/** Eq. 2 with the neighbours of the case in place of random ones. */
export function naiveStep(): BenchCase {
  const { images, labels } = batchOf("naive-step");
  const { samples, radius, weight } = around;
  return training(
    (params, x, y, beside) => {
      const ball = { ...linf(radius), sample: () => beside };
      return lossOf(naive({ ball, neighbours: samples, distance: squaredL2, weight, a1: 1, a2: 1 }), params, x, y);
    },
    [images, labels, upload(neighbours())],
  );
}

/** Eq. 4 with directions and the teacher's predictions at hand. The points lie on a grid along the directions: shifts across them
 *  are random, and of length 0 here. */
export function atexStep(): BenchCase {
  const { images, labels } = batchOf("atex-step");
  const { directions, taught } = lesson();
  const { samples: points, radius: length } = around;
  const along = { length, points, spacing: "grid", normalisation: "maxAbs" } as const;
  return training(
    (params, x, y, direction, logits) => {
      const predictions = { along, logits };
      const scheme = atex({
        // Never asked, with predictions at hand.
        teacher: () => logits,
        directions: () => [direction],
        predictions,
        ...{ delta1: length, delta2: 0, points, spacing: "grid", normalisation: "maxAbs", copies: 1, steepest: 0 },
        ...({ alpha: 1, temperature: 1, matching: "predictions" } as const),
      });
      return lossOf(scheme, params, x, y);
    },
    [images, labels, upload(directions), upload(perImage(taught, images.shape[0]))],
  );
}

/** Sample after sample [s·n,C] → image after image [n,s·C], as predictions are kept. */
function perImage({ shape: [rows, classes], data }: HostTensor, n: number): HostTensor {
  const samples = rows / n;
  const at = (i: number): number => {
    const [image, sample] = [Math.floor(i / (samples * classes)), Math.floor(i / classes) % samples];
    return (sample * n + image) * classes + (i % classes);
  };
  return { shape: [n, samples * classes], data: Float32Array.from(data, (_, i) => data[at(i)]) };
}
