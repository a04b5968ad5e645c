/** The cases in Holdfast, through its public interface: every one is a captured step. */
import {
  add,
  type Captured,
  capture,
  conv2d,
  conv2dFilter,
  conv2dInput,
  dispose,
  keep,
  leaves,
  matmul,
  mul,
  softplus,
  sum,
  type Tensor,
  type Tree,
  tensor,
} from "../engine/index.js";
import type { Results } from "./goldens.js";
import { type CaseName, convInputs, type HostTensor, matmulInputs, softplusInputs, sumInputs } from "./inputs.js";
import { inputGradient, secondOrder, trainStep } from "./network.js";
import { atexStep, naiveStep } from "./schemes.js";

/** A case with its inputs on the device. */
export interface BenchCase {
  /** Runs it and reads its results. */
  results(): Promise<Results>;
  /** Issues it without waiting; results stay on the device and are freed. */
  submit(): void;
  /** The captured step, for its plan. */
  readonly step: Pick<Captured<never, never>, "describe">;
  dispose(): void;
}

export function upload({ shape, data }: HostTensor): Tensor {
  return keep(tensor(data, shape));
}

/** A function of tensors as a case; its results have names. */
export function pure(f: (...args: Tensor[]) => Record<string, Tensor>, args: readonly HostTensor[]): BenchCase {
  const step = capture(f);
  const given = args.map(upload);
  return caseOf(step, given);
}

/** A captured function with its arguments as a case; results are read as they come. */
export function caseOf<A extends Tree[]>(step: Captured<A, Record<string, Tensor>>, args: A): BenchCase {
  return {
    async results() {
      const made = step(...args);
      const read = Object.entries(made).map(async ([name, t]) => [name, await t.read()] as const);
      const results = Object.fromEntries(await Promise.all(read));
      dispose(made);
      return results;
    },
    submit: () => dispose(step(...args)),
    step,
    dispose() {
      step.dispose();
      for (const t of leaves(args)) t.dispose();
    },
  };
}

const product = (size: number) => {
  const { a, b } = matmulInputs(size);
  return pure((a, b) => ({ c: matmul(a, b) }), [a, b]);
};

const convolution = (layer: "conv1" | "conv2") => {
  const { x, w } = convInputs(layer);
  return pure((x, w) => ({ y: conv2d(x, w, { padding: "same" }) }), [x, w]);
};

/** Every case, not yet built. */
export const cases: Readonly<Record<CaseName, () => BenchCase>> = {
  "matmul-512": () => product(512),
  "matmul-1024": () => product(1024),
  conv1: () => convolution("conv1"),
  conv2: () => convolution("conv2"),
  "conv2-input-gradient"() {
    const { g, w } = convInputs("conv2");
    return pure((g, w) => ({ x: conv2dInput(g, w, { image: [14, 14], padding: "same" }) }), [g, w]);
  },
  "conv2-filter-gradient"() {
    const { x, g } = convInputs("conv2");
    return pure((x, g) => ({ w: conv2dFilter(x, g, { window: [5, 5], padding: "same" }) }), [x, g]);
  },
  "softplus-4m"() {
    const { x, w, b } = softplusInputs();
    return pure((x, w, b) => ({ y: softplus(add(mul(x, w), b)) }), [x, w, b]);
  },
  "sum-4m": () => pure((x) => ({ sum: sum(x) }), [sumInputs().x]),
  "train-step": trainStep,
  "input-gradient": inputGradient,
  "second-order": secondOrder,
  "naive-step": naiveStep,
  "atex-step": atexStep,
};
