/** How far KernelSHAP is from exact Shapley values, by the number of coalitions it asks about. */
import { elementGroups, exactShapley, kernelShap, type Score } from "../atex/index.js";
import { swapExecutor } from "../engine/executor.js";
import {
  add,
  callerScope,
  matmul,
  mul,
  openScope,
  ReferenceExecutor,
  random,
  reshape,
  type Tensor,
  tanh,
} from "../engine/index.js";
import { compare, summarise, tolerance } from "./agreement.js";
import type { Verdict } from "./goldens.js";

export interface ShapleySize {
  readonly players: readonly number[];
  readonly samples: readonly number[];
  /** Explained rows, and rows of the background. */
  readonly rows: number;
  readonly background: number;
  /** Draws of the coalitions. */
  readonly seeds: number;
}

export const wholeShapley: ShapleySize = {
  ...{ players: [10, 12], samples: [64, 128, 256, 512, 1024, 2048] },
  ...{ rows: 20, background: 10, seeds: 5 },
};
export const quickShapley: ShapleySize = { players: [10], samples: [64, 1022], rows: 2, background: 2, seeds: 1 };

/** Errors as shares of the row's largest exact value. */
export interface ShapleyError {
  readonly players: number;
  readonly samples: number;
  /** Whether these are all coalitions there are, so that only rounding is left. */
  readonly complete: boolean;
  /** Over features, rows and draws. */
  readonly mean: number;
  readonly max: number;
}

export interface ShapleyErrors {
  readonly errors: readonly ShapleyError[];
  /** Exact values on the device against those in float64, per number of players. */
  readonly verdicts: Readonly<Record<number, Verdict>>;
}

const hidden = 16;

/** A perceptron with one hidden layer, so far from linear that coalitions matter: tanh of sums with a deviation of 2. */
function game(players: number, { rows, background }: Pick<ShapleySize, "rows" | "background">) {
  const keys = random.split(random.key(100 + players), 5);
  const normal = (i: number, shape: readonly number[], deviation: number): Tensor =>
    mul(random.normal(keys[i], shape), deviation);
  const first = normal(0, [players, hidden], 2 / Math.sqrt(players));
  const bias = normal(1, [hidden], 0.5);
  const second = normal(2, [hidden, 1], 1 / Math.sqrt(hidden));
  const score: Score = (x) => reshape(matmul(tanh(add(matmul(x, first), bias)), second), [x.shape[0]]);
  return { score, x: normal(3, [rows, players], 1), background: { rows: normal(4, [background, players], 1) } };
}

async function exactValues(players: number, size: Pick<ShapleySize, "rows" | "background">): Promise<Float64Array> {
  using here = openScope("exact");
  const { score, x, background } = game(players, size);
  return Float64Array.from(
    await here.wait(exactShapley({ groups: elementGroups([players]), background })(score, x).read()),
  );
}

/** Exact values of fewer rows, on the device and in float64. */
async function verdictOf(players: number): Promise<Verdict> {
  const few = { rows: 2, background: 2 };
  const got = await exactValues(players, few);
  const gpu = swapExecutor(new ReferenceExecutor());
  const truth = await exactValues(players, few).finally(() => swapExecutor(gpu));
  const disagreement = compare({ values: summarise(got) }, { values: summarise(truth) });
  return { checked: disagreement.relativeError <= tolerance, disagreement };
}

export async function shapleyErrors(size: ShapleySize): Promise<ShapleyErrors> {
  const here = callerScope();
  const errors: ShapleyError[] = [];
  const verdicts: Record<number, Verdict> = {};
  for (const players of size.players) {
    verdicts[players] = await here.wait(verdictOf(players));
    const exact = await here.wait(exactValues(players, size));
    const largest = Array.from({ length: size.rows }, (_, r) =>
      exact.subarray(r * players, (r + 1) * players).reduce((most, v) => Math.max(most, Math.abs(v)), 0),
    );
    for (const samples of size.samples) {
      const found: number[] = [];
      for (let seed = 0; seed < size.seeds; seed++) {
        using _ = here.open("kernelShap");
        const { score, x, background } = game(players, size);
        const explain = kernelShap({ groups: elementGroups([players]), background, samples, seed });
        const values = await here.wait(explain(score, x).read());
        for (const [i, v] of exact.entries()) found.push(Math.abs(values[i] - v) / largest[Math.floor(i / players)]);
      }
      const complete = samples >= 2 ** players - 2;
      const mean = found.reduce((a, b) => a + b, 0) / found.length;
      // The largest of numbers with a NaN among them is NaN.
      errors.push({ players, samples, complete, mean, max: Math.max(...found) });
    }
  }
  return { errors, verdicts };
}
