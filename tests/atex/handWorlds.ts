/** Worlds for audits whose networks are written by hand, so that verdicts are known. */
import { type AuditWorld, type Classifier, explainerMaker } from "../../atex/index.js";
import { concat, mul, reshape, sum, type Tensor, tensor } from "../../engine/index.js";
import { type Domain, type Split, sampleTensor } from "../../nn/index.js";
import { generator } from "../values.js";

export interface HandWorld {
  readonly classifier: Classifier;
  readonly domain: Domain;
  readonly split: Split;
  /** How many of the split are explained. */
  readonly samples: number;
  readonly sensitive?: string;
  readonly weights?: AuditWorld["weights"];
  readonly settings?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Training and test samples are the same ones. */
export function handWorld({ split, samples, settings, domain, ...rest }: HandWorld): AuditWorld {
  const first = Array.from({ length: Math.min(8, split.labels.length) }, (_, i) => i);
  const explaining = { domain, background: sampleTensor(split, first), seed: 0, settings };
  return {
    ...{ ...rest, domain, explaining, explainer: explainerMaker(explaining), about: {}, seed: 0, say: () => {} },
    ...{ classes: ["no", "yes"], test: split, train: split },
    samples: Array.from({ length: samples }, (_, i) => i),
  };
}

/** Numbers evenly between two bounds, labels in turn. */
export function evenSplit(shape: readonly number[], count: number, low: number, high: number): Split {
  const next = generator(7);
  const size = shape.reduce((a, b) => a * b, 1);
  return {
    shape,
    samples: Float32Array.from({ length: count * size }, () => low + (high - low) * next()),
    labels: Int32Array.from({ length: count }, (_, i) => i % 2),
  };
}

/** Logits −s and s of the sum s of what is made of each element, weighted. */
export function ofElements(weights: readonly number[], made: (rows: Tensor) => Tensor = (rows) => rows): Classifier {
  return (x) => {
    const rows = reshape(x, [x.shape[0], weights.length]);
    const s = sum(mul(made(rows), tensor(Float64Array.from(weights), [1, weights.length])), 1, { keepDims: true });
    return concat([mul(s, -1), s], 1);
  };
}
