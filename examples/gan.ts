/** Two networks against each other: one draws numbers, the other tells them from a normal distribution. One learns: alternating
 *  updates in one captured step, and random numbers as a pure function of a key and a counter. Source: Goodfellow et al. 2014. */
import {
  add,
  capture,
  cast,
  init,
  ones,
  random,
  shutdown,
  sqrt,
  type Tensor,
  tensor,
  valueAndGrad,
  zeros,
} from "holdfast";
import "holdfast/methods";
import { adam, binaryCrossEntropy, dense, sequential, tanh } from "holdfast/nn";

await init();
const BATCH = 64;
const generator = sequential([dense(16), tanh, dense(1)]);
const critic = sequential([dense(16), tanh, dense(16), tanh, dense(1)]);
const [generates, judges] = [adam({ lr: 5e-3, beta1: 0.5 }), adam({ lr: 1e-2, beta1: 0.5 })];

const g = generator.init(random.key(1), [2]).params;
const c = critic.init(random.key(2), [1]).params;
const draw = (p: typeof g, key: Tensor): Tensor => generator.apply(p, random.normal(key, [BATCH, 2]));
const real = (key: Tensor): Tensor => random.normal(key, [BATCH, 1], { mean: 2, deviation: 0.5 });

let now = { g, c, gState: generates.init(g), cState: judges.init(c), step: tensor(0, [], "i32") };
const step = capture(
  ({ g, c, gState, cState, step }: typeof now): typeof now => {
    const [k0, k1, k2] = random.split(random.fold(random.key(0), cast(step, "u32")), 3);
    const fake = draw(g, k0);
    const [, cSlope] = valueAndGrad((c: typeof now.c) =>
      add(
        binaryCrossEntropy(critic.apply(c, real(k1)), ones([BATCH, 1])),
        binaryCrossEntropy(critic.apply(c, fake), zeros([BATCH, 1])),
      ),
    )(c);
    const [nextC, nextCState] = judges.update(c, cSlope, cState);
    const [, gSlope] = valueAndGrad((g: typeof now.g) =>
      binaryCrossEntropy(critic.apply(nextC, draw(g, k2)), ones([BATCH, 1])),
    )(g);
    const [nextG, nextGState] = generates.update(g, gSlope, gState);
    return { g: nextG, c: nextC, gState: nextGState, cState: nextCState, step: add(step, 1) };
  },
  { donate: [0] },
);
for (let i = 0; i < 300; i++) now = step(now);

const drawn = generator.apply(now.g, random.normal(random.key(9), [1000, 2]));
const mean = drawn.mean();
console.log("mean", await mean.item(), "deviation", await sqrt(drawn.sub(mean).square().mean()).item()); // towards 2 and 0.5
shutdown();
