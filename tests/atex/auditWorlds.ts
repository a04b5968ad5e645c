/** Worlds of audits in which the right answer is known: networks whose every output is a sum of weighted inputs. */
import { type AuditWorld, type Candidate, explainerMaker, randomMap } from "../../atex/index.js";
import { argmax, matmul, random, reshape, type Tensor, tensor } from "../../engine/index.js";
import type { Domain, Split } from "../../nn/index.js";
import { sampleTensor } from "../../nn/index.js";
import { generator } from "../values.js";

function worldOf(
  classifier: (x: Tensor) => Tensor,
  domain: Domain,
  classes: readonly string[],
  samples: Float32Array,
  count: number,
): AuditWorld {
  const split: Split = { shape: domain.shape, samples, labels: new Uint8Array(samples.length / sizeOf(domain.shape)) };
  const all = [...split.labels.keys()];
  const explaining = { domain, background: sampleTensor(split, all), seed: 0 };
  return {
    ...{ classifier, domain, classes, test: split, train: split, samples: all.slice(0, count), explaining, about: {} },
    ...{ explainer: explainerMaker(explaining), seed: 0, say: () => {} },
  };
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Images of which one quarter is bright; the logit of each quarter is the weighted sum of its pixels, all weights above 0. */
export function linearImages(count = 12, channels = 1, side = 6): AuditWorld {
  const next = generator(1);
  const d = channels * side * side;
  const quarter = (i: number): number =>
    2 * Number(Math.floor((i % (side * side)) / side) >= side / 2) + Number(i % side >= side / 2);
  const weights = tensor(
    Float32Array.from({ length: 4 * d }, (_, at) => (quarter(at >> 2) === at % 4 ? 0.2 + next() : 0)),
    [d, 4],
  );
  const total = 2 * count;
  const samples = Float32Array.from({ length: total * d }, (_, at) =>
    quarter(at % d) === Math.floor(at / d) % 4 ? 0.5 + 0.5 * next() : 0.3 * next(),
  );
  const classifier = (x: Tensor): Tensor => matmul(reshape(x, [x.shape[0], d]), weights);
  const domain = { shape: [channels, side, side], range: { low: 0, high: 1 } };
  return worldOf(classifier, domain, ["a", "b", "c", "d"], samples, count);
}

/** Rows of four numbers and a category of three; two logits that mirror each other, of the first two numbers and the category alone. */
export function linearTable(count = 20): AuditWorld {
  const next = generator(2);
  const w = [2, -1.5, 0, 0, 1, 0, -1];
  const total = 2 * count;
  const samples = Float32Array.from(
    Array.from({ length: total }, () => {
      const category = Math.floor(3 * next());
      const numbers = Array.from({ length: 4 }, () => 4 * next() - 2);
      return [...numbers, ...[0, 1, 2].map((c) => Number(c === category))];
    }).flat(),
  );
  const weights = tensor(Float32Array.from(w.flatMap((v) => [v, -v])), [7, 2]);
  const numeric = [0, 1, 2, 3].map((i) => ({ name: `n${i}`, kind: "numeric" as const, at: [i] }));
  const domain: Domain = {
    shape: [7],
    range: { low: [-2, -2, -2, -2, 0, 0, 0], high: [2, 2, 2, 2, 1, 1, 1] },
    features: [...numeric, { name: "c", kind: "categorical", at: [4, 5, 6], values: ["x", "y", "z"] }],
  };
  return worldOf((x) => matmul(x, weights), domain, ["no", "yes"], samples, count);
}

/** Noise that passes for an explainer: another draw than the control's, for each sample. */
export const impostor: Candidate = {
  ...{ name: "impostor", title: "noise in disguise", control: true },
  make: async ({ seed }, _, other = seed) => randomMap(random.key(other + 1_000_003)),
};

/** The classes that the network predicts. */
export async function predicted({ classifier, test, samples }: AuditWorld): Promise<number[]> {
  return Array.from(await argmax(classifier(sampleTensor(test, samples)), 1).read());
}
