/** What generated tests explain: networks of several kinds over images, colour images and rows of a table, as plain functions. */
import type { ExplainerContext } from "../../atex/index.js";
import {
  add,
  avgPool2d,
  conv2d,
  label,
  matmul,
  maxPool2d,
  mean,
  mul,
  random,
  relu,
  reshape,
  softplus,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { generator } from "../values.js";

export interface TestSubject {
  readonly name: string;
  /** x [n, ...shape] → [n, 3] */
  readonly logits: (x: Tensor) => Tensor;
  readonly shape: readonly number[];
  readonly x: (n: number) => Tensor;
  readonly context: () => ExplainerContext;
}

/** The same numbers on every executor. */
export function numbers(shape: readonly number[], seed: number, low = -1, high = 1): Tensor {
  const next = generator(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    new Float32Array(size).map(() => low + next() * (high - low)),
    shape,
  );
}

/** Convolution, max pooling, dense layers: grey images. */
function greyNetwork(x: Tensor): Tensor {
  const h = label("conv1", () => softplus(add(conv2d(x, numbers([3, 1, 3, 3], 1)), numbers([3, 1, 1], 2)), 3));
  const p = maxPool2d(h, { size: 2 });
  return label("dense1", () => matmul(reshape(p, [x.shape[0], -1]), numbers([27, 3], 3)));
}

/** A residual block, average pooling, a mean over positions: colour images. */
function residualNetwork(x: Tensor): Tensor {
  const h = label("stem", () => softplus(conv2d(x, numbers([4, 3, 3, 3], 4), { padding: "same" }), 3));
  const block = label("block", () => {
    const inner = softplus(conv2d(h, numbers([4, 4, 3, 3], 5, -0.4, 0.4), { padding: "same" }), 3);
    return add(h, inner);
  });
  const p = avgPool2d(block, { size: 2 });
  return label("head", () => add(matmul(mean(p, [2, 3]), numbers([4, 3], 6)), numbers([3], 7)));
}

/** Two hidden layers: rows of a table. */
function tableNetwork(x: Tensor): Tensor {
  const h = label("hidden", () => softplus(add(matmul(x, numbers([6, 8], 8)), numbers([8], 9)), 3));
  return label("out", () =>
    add(matmul(h, numbers([8, 3], 10)), mul(relu(add(matmul(x, numbers([6, 3], 11)), 5)), 0.1)),
  );
}

function subject(
  name: string,
  logits: TestSubject["logits"],
  shape: readonly number[],
  [low, high]: readonly [number, number],
): TestSubject {
  return {
    ...{ name, logits, shape },
    x: (n) => numbers([n, ...shape], 20, low, high),
    context: () => ({
      domain: { shape, range: { low, high } },
      key: random.key(5),
      background: numbers([7, ...shape], 21, low, high),
    }),
  };
}

export const SUBJECTS: readonly TestSubject[] = [
  subject("grey images", greyNetwork, [1, 8, 8], [0, 1]),
  subject("colour images", residualNetwork, [3, 6, 7], [0, 1]),
  subject("rows of a table", tableNetwork, [6], [-2, 2]),
];
