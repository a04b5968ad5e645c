/** Runs one random function everywhere and compares: float64 decides, and how much it changes when its arguments are rounded says
 *  how exact an f32 executor can be. */
import { capture } from "../../engine/capture.js";
import { withExecutor } from "../../engine/executor.js";
import { grad } from "../../engine/grad.js";
import { add, mul } from "../../engine/ops/arithmetic.js";
import { sum } from "../../engine/ops/reduce.js";
import { ReferenceExecutor } from "../../engine/reference.js";
import { scope } from "../../engine/scope.js";
import { type Tensor, tensor } from "../../engine/tensor.js";

export interface Problem {
  /** What it is made of, to be looked at when executors disagree. */
  readonly text: string;
  readonly shapes: readonly (readonly number[])[];
  readonly data: readonly Float32Array[];
  /** Everything to be compared, as tensors of numbers. */
  readonly results: (...xs: Tensor[]) => Tensor[];
}

/** Of the largest element, for values, gradients and second order alike. */
const RTOL = 2e-3;
/** Rounding on the way counts as much as so many roundings of the arguments. */
const CONDITION = 64;

/** f(x), its gradient, and the gradient of the gradient's squared norm, in every argument. */
export function threeOrders(f: (...xs: Tensor[]) => Tensor, count: number): (...xs: Tensor[]) => Tensor[] {
  const argument = Array.from({ length: count }, (_, i) => i);
  const first = grad(f, { argument });
  const energy = (...xs: Tensor[]): Tensor =>
    first(...xs)
      .map((g: Tensor) => sum(mul(g, g)))
      .reduce((a: Tensor, b: Tensor) => add(a, b));
  const second = grad(energy, { argument });
  return (...xs) => [mul(f(...xs), 1), ...first(...xs), ...second(...xs)];
}

async function read(problem: Problem, data: readonly ArrayLike<number>[], run = problem.results): Promise<number[][]> {
  const xs = problem.shapes.map((shape, i) => tensor(Float64Array.from(data[i]), shape));
  const results = scope(() => run(...xs));
  const out: number[][] = [];
  for (const y of results) out.push([...(await y.read())]);
  for (const t of [...results, ...xs]) t.dispose();
  return out;
}

/** On the float64 reference. */
export async function exactly(
  problem: Problem,
  data: readonly ArrayLike<number>[] = problem.data,
): Promise<number[][]> {
  const results = withExecutor(new ReferenceExecutor(), () => {
    const xs = problem.shapes.map((shape, i) => tensor(Float64Array.from(data[i]), shape));
    return scope(() => problem.results(...xs));
  });
  const out: number[][] = [];
  for (const y of results) out.push([...(await y.read())]);
  return out;
}

export type Way = "eager" | "captured";

/** The first place where a way of running the problem is further from float64 than rounding explains; undefined where none is. */
export async function disagreement(problem: Problem, ways: readonly Way[]): Promise<string | undefined> {
  const expected = await exactly(problem);
  let sign = 1;
  const rounded = problem.data.map((list) =>
    Float64Array.from(list, (v) => {
      sign = -sign;
      return v * (1 + sign * 2 ** -22);
    }),
  );
  const moved = await exactly(problem, rounded);
  for (const way of ways) {
    let actual: number[][];
    if (way === "captured") {
      using step = capture(problem.results);
      actual = await read(problem, problem.data, step);
    } else actual = await read(problem, problem.data);
    for (const [k, e] of expected.entries()) {
      let [scale, condition] = [0, 0];
      for (const [i, v] of e.entries()) {
        scale = Math.max(scale, Math.abs(v));
        condition = Math.max(condition, Math.abs(moved[k][i] - v));
      }
      const tolerance = 1e-4 + RTOL * scale + CONDITION * condition;
      for (const [i, v] of e.entries())
        if (!(Math.abs(actual[k][i] - v) <= tolerance))
          return `${way}: result ${k}, element ${i} is ${actual[k][i]}, in float64 ${v}, tolerance ${tolerance.toExponential(1)}`;
    }
  }
  return undefined;
}
