/** Optimisers and learning rates against PyTorch in float64 (goldens/optim.py), schedules also against their formulas. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { capture, dispose, memory, type Tensor, type Tree, tensor, zeros } from "../../engine/index.js";
import {
  adam,
  adamW,
  clipByGlobalNorm,
  clipByValue,
  cosineDecay,
  exponentialDecay,
  globalNorm,
  type Optimiser,
  rmsProp,
  type Schedule,
  sgd,
  stepDecay,
  warmup,
} from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, root } from "../harness.js";

interface Params<T> {
  readonly weight: T;
  readonly bias: T;
}
type Numbers = Params<number[]>;
interface Goldens {
  readonly start: Numbers;
  readonly gradients: readonly Numbers[];
  readonly optimisers: readonly {
    name: "sgd" | "adam" | "adamW" | "rmsProp";
    options: never;
    after: readonly Numbers[];
  }[];
  readonly schedules: readonly { name: string; arguments: never[]; rates: readonly number[] }[];
}
const goldens = JSON.parse(readFileSync(join(root, "tests/goldens/optim.json"), "utf8")) as Goldens;
const optimisers = { sgd, adam, adamW, rmsProp };

const upload = ({ weight, bias }: Numbers): Params<Tensor> => ({ weight: tensor(weight, [2, 3]), bias: tensor(bias) });

/** Takes the golden's steps; `captured` as a training loop does it, in one donated step. */
async function follow(
  optimiser: Optimiser,
  after: readonly Numbers[],
  tolerance: number,
  captured: boolean,
): Promise<void> {
  type Both = [Params<Tensor>, Tree];
  const update = ([params, state]: Both, gradients: Params<Tensor>): Both => optimiser.update(params, gradients, state);
  const step = captured ? capture(update, { donate: [0] }) : undefined;
  const first = upload(goldens.start);
  let at: Both = [first, optimiser.init(first)];
  const firstState = at[1];
  for (const [i, expected] of after.entries()) {
    at = (step ?? update)(at, upload(goldens.gradients[i]));
    for (const name of ["weight", "bias"] as const)
      check.close(
        await at[0][name].read(),
        expected[name],
        { rtol: tolerance, atol: tolerance },
        `${name}, step ${i + 1}`,
      );
  }
  check.is(await at[1].step.item(), after.length);
  dispose(firstState);
  step?.dispose();
}

for (const { name, options, after } of goldens.optimisers) {
  const make = (): Optimiser => optimisers[name](options);
  const text = `${name} ${JSON.stringify(options)} = PyTorch, six steps`;
  referenceTest(`${text}, in float64`, () => follow(make(), after, 1e-12, false));
  // Six steps of rounding; a step is at most about 0.3 and a parameter at most about 2.
  gpuTest(`${text}, captured on the GPU`, () => follow(make(), after, 1e-6, true));
}

const schedules: Record<string, (...values: never[]) => Schedule> = {
  cosineDecay,
  stepDecay,
  exponentialDecay,
  warmup: (steps: number, lr: number) => warmup(steps, () => lr),
};

async function ratesOf(schedule: Schedule, steps: readonly number[]): Promise<number[]> {
  const out: number[] = [];
  for (const t of steps) out.push(await (schedule(tensor(t)) as Tensor).item());
  return out;
}

for (const { name, arguments: values, rates } of goldens.schedules) {
  const text = `${name}(${JSON.stringify(values).slice(1, -1)}) = PyTorch's rates`;
  const steps = rates.map((_, t) => t);
  referenceTest(`${text}, in float64`, async () =>
    check.close(await ratesOf(schedules[name](...values), steps), rates, { rtol: 1e-12, atol: 1e-15 }),
  );
  gpuTest(`${text}, on the GPU`, async () =>
    check.close(await ratesOf(schedules[name](...values), steps), rates, { rtol: 1e-6, atol: 1e-7 }),
  );
}

referenceTest("schedules follow their formulas, also after their end and between whole epochs", async () => {
  const steps = [0, 1, 7, 99, 100, 101, 1000];
  const rates = (schedule: Schedule): Promise<number[]> => ratesOf(schedule, steps);
  const close = (actual: number[], formula: (t: number) => number): void =>
    check.close(actual, steps.map(formula), { rtol: 1e-12, atol: 1e-15 });
  const cosine = (t: number): number => 0.1 + 0.5 * (0.4 - 0.1) * (1 + Math.cos((Math.PI * Math.min(t, 100)) / 100));
  close(await rates(cosineDecay(0.4, 100, { end: 0.1 })), cosine);
  close(await rates(stepDecay(0.4, 7, 0.5)), (t) => 0.4 * 0.5 ** Math.floor(t / 7));
  close(await rates(exponentialDecay(0.4, 30, 0.5)), (t) => 0.4 * 0.5 ** (t / 30));
  close(await rates(warmup(100, cosineDecay(0.4, 100, { end: 0.1 }))), (t) => Math.min((t + 1) / 100, 1) * cosine(t));
});

gpuTest("a staircase drops at its multiples and not a step later, on the GPU", async () => {
  for (const every of [3, 7, 41, 49, 938]) {
    const multiples = Array.from({ length: 50 }, (_, k) => (k + 1) * every);
    const schedule = stepDecay(1, every, 0.5);
    const expected = multiples.map((_, k) => 0.5 ** (k + 1));
    const at = await (schedule(tensor(multiples)) as Tensor).read();
    const before = await (schedule(tensor(multiples.map((t) => t - 1))) as Tensor).read();
    check.close(at, expected, { rtol: 1e-4 }, `every ${every}`);
    check.close(
      before,
      expected.map((rate) => 2 * rate),
      { rtol: 1e-4 },
      `before, every ${every}`,
    );
  }
});

referenceTest("an optimiser asks its schedule for the rate of each step", async () => {
  for (const make of [(lr: Schedule) => sgd({ lr }), (lr: Schedule) => adam({ lr, beta1: 0, beta2: 0, epsilon: 0 })]) {
    const optimiser = make(stepDecay(1, 2, 0.5));
    let params = { x: tensor([0]) };
    let state = optimiser.init(params);
    const first = state;
    const seen: number[] = [];
    for (let i = 0; i < 5; i++) {
      [params, state] = optimiser.update(params, { x: tensor([1]) }, state);
      seen.push(await params.x.item());
    }
    dispose(first);
    // A gradient of 1 moves x by the rate: 1, 1, 1/2, 1/2, 1/4.
    check.close(seen, [-1, -2, -2.5, -3, -3.25], { rtol: 1e-12 });
  }
});

gpuTest("a constant gradient moves Adam by the rate from the first step on, to the rounding of f32", async () => {
  const optimiser = adam({ lr: 1, epsilon: 0 });
  let params = { x: tensor([0, 0]) };
  let state = optimiser.init(params);
  const first = state;
  for (let i = 1; i <= 5; i++) {
    [params, state] = optimiser.update(params, { x: tensor([0.5, -3]) }, state);
    // 1 − 0.999ᵗ as a difference of f32 numbers would be off by 3e-5.
    check.close(await params.x.read(), [-i, i], { rtol: 2e-6 }, `step ${i}`);
  }
  dispose(first);
});

referenceTest("clipping keeps the direction, or every element, within its bound", async () => {
  const gradients = { a: tensor([3, 0]), b: [tensor([[0], [-4]])] };
  check.is(await globalNorm(gradients).item(), 5);
  const half = clipByGlobalNorm(gradients, 2.5);
  check.close(await half.a.read(), [1.5, 0], { rtol: 1e-15 });
  check.close(await half.b[0].read(), [0, -2], { rtol: 1e-15 });
  check.equal([...half.b[0].shape], [2, 1]);
  const loose = clipByGlobalNorm(gradients, 5.5);
  check.identical(await loose.a.read(), [3, 0]);
  check.identical(await loose.b[0].read(), [0, -4]);
  check.identical(await clipByGlobalNorm(tensor([0, 0]), 1).read(), [0, 0], "a zero gradient stays");
  const values = clipByValue(gradients, 3.5);
  check.identical(await values.a.read(), [3, 0]);
  check.identical(await values.b[0].read(), [0, -3.5]);
});

gpuTest("the first state holds its own tensors and nothing else", () => {
  const params = { a: zeros([3]), b: [zeros([2, 2]), null] };
  const before = memory().liveCount;
  const counts = [sgd({ lr: 1 }), sgd({ lr: 1, momentum: 0.5 }), adam()].map((optimiser) => {
    const state = optimiser.init(params);
    const count = memory().liveCount - before;
    dispose(state);
    check.is(memory().liveCount, before);
    return count;
  });
  // The step count, and one or two tensors for each parameter.
  check.equal(counts, [1, 3, 5]);
});

referenceTest("optimisers, schedules and clipping refuse what gives plausible nonsense", () => {
  check.throws(() => sgd({ lr: -0.1 }), /^sgd: lr -0\.1 given; a finite number of at least 0 is needed$/);
  check.throws(() => sgd({ lr: Number.NaN }), /sgd: lr is NaN/);
  check.throws(() => sgd({ lr: 1, weightDecay: -1 }), /sgd: weightDecay -1/);
  check.throws(() => sgd({ lr: 1, nesterov: true }), /sgd: nesterov with momentum 0 given; a positive momentum/);
  check.throws(() => adam({ beta1: 1 }), /adam: beta1 1 given; a number in \[0, 1\)/);
  check.throws(() => adam({ beta2: -0.5 }), /adam: beta2 -0\.5/);
  check.throws(() => adamW({ weightDecay: Infinity }), /adamW: weightDecay Infinity/);
  check.throws(() => adam({ epsilon: -1 }), /adam: epsilon -1/);
  check.throws(() => clipByGlobalNorm(tensor([1]), -1), /clipByGlobalNorm: max -1 given; a positive number/);
  check.throws(() => clipByValue(tensor([1]), 0), /clipByValue: max 0/);
  check.throws(() => cosineDecay(1, 0), /cosineDecay: steps 0 given; a positive finite number/);
  check.throws(() => stepDecay(1, 0), /stepDecay: every 0/);
  check.throws(() => stepDecay(1, 3, 0), /stepDecay: factor 0/);
  check.throws(() => exponentialDecay(1, 3, -1), /exponentialDecay: factor -1/);
  check.throws(() => warmup(0, () => 1), /warmup: steps 0/);
});
