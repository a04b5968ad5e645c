/** Random numbers: the published vectors of Philox, the same bits on every executor, and the shape of the distributions. */

import { capture } from "../../engine/capture.js";
import { apply } from "../../engine/op.js";
import { randomBitsSpec } from "../../engine/ops/random.js";
import { philox } from "../../engine/philox.js";
import * as random from "../../engine/random.js";
import { type Tensor, tensor } from "../../engine/tensor.js";
import { gpuTest, onGpu, onReference, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";

// Random123 1.14, tests/kat_vectors, lines "philox4x32 10": counter, key, result.
const published = [
  {
    counter: [0, 0, 0, 0],
    key: [0, 0],
    words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    words: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    words: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
];

test("philox gives the published words", () => {
  for (const { counter, key, words } of published) check.equal(philox(counter, key), words);
});

gpuTest("the kernel gives the published words of counter 0", async () => {
  check.equal([...(await random.bits(random.key(0), [4]).read())], published[0].words);
});

gpuTest("bits are the same on the GPU and the reference", async () => {
  const draw = async (): Promise<number[]> => {
    const keys = tensor(Uint32Array.of(0xdeadbeef, 0xffffffff));
    const streams = [0, 1, 2].map((domain) => apply(randomBitsSpec, [keys], { shape: [101], domain }));
    const folded = random.fold(keys, 7);
    const out: number[] = [];
    for (const t of [...streams, folded, random.randint(folded, [50], -5, 2 ** 31 - 1)]) out.push(...(await t.read()));
    return out;
  };
  check.equal(await onGpu(draw), await onReference(draw));
});

gpuTest("split keys are read in place and give the same numbers everywhere", async () => {
  const draw = async (): Promise<number[]> => {
    const out: number[] = [];
    for (const k of random.split(random.key(9), 3)) {
      out.push(...(await random.bits(k, [5]).read()));
      out.push(...(await random.fold(k, 2 ** 32 - 1).read()));
    }
    return out;
  };
  check.equal(await onGpu(draw), await onReference(draw));
});

referenceTest("keys made from one another give unrelated numbers", async () => {
  const key = random.key(3);
  const drawn = new Set<number>();
  const keys = [
    key,
    random.fold(key, 0),
    random.fold(key, 1),
    random.fold(random.fold(key, 0), 0),
    random.key(3 + 2 ** 32),
    ...random.split(key, 3),
  ];
  for (const k of keys) for (const word of await random.bits(k, [100]).read()) drawn.add(word);
  check.is(drawn.size, 100 * keys.length);
});

gpuTest("a captured step splits a key that it carries", async () => {
  const draw = (key: Tensor): [Tensor, Tensor] => {
    const [next, own] = random.split(key);
    return [random.normal(own, [3]), next];
  };
  using step = capture(draw);
  let [eager, replayed] = [random.key(11), random.key(11)];
  for (let i = 0; i < 5; i++) {
    const [expected, nextEager] = draw(eager);
    const [actual, nextReplayed] = step(replayed);
    check.close(await actual.read(), await expected.read(), { rtol: 1e-6 });
    check.identical(await nextReplayed.read(), await nextEager.read());
    [eager, replayed] = [nextEager, nextReplayed];
  }
});

const count = 20_000;
const moments = async (t: Tensor): Promise<{ mean: number; variance: number; low: number; high: number }> => {
  const x = [...(await t.read())];
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const variance = x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length;
  return { mean, variance, low: x.reduce((a, b) => Math.min(a, b)), high: x.reduce((a, b) => Math.max(a, b)) };
};
/** Four standard errors of a mean over `count` numbers. */
const spread = (deviation: number): number => (4 * deviation) / Math.sqrt(count);

referenceTest("uniform numbers fill their interval evenly", async () => {
  const { mean, variance, low, high } = await moments(random.uniform(random.key(1), [count], { low: -1, high: 3 }));
  check.close([mean], [1], { atol: spread(4 / Math.sqrt(12)) });
  check.close([variance], [16 / 12], { rtol: 0.03 });
  check.ok(low >= -1 && low < -0.99 && high < 3 && high > 2.99);
});

referenceTest("normal numbers have the moments and tails of the distribution", async () => {
  const { mean, variance } = await moments(random.normal(random.key(6), [count], { mean: 2, deviation: 3 }));
  check.close([mean], [2], { atol: spread(3) });
  check.close([variance], [9], { rtol: 0.04 });
  const unit = [...(await random.normal(random.key(7), [count]).read())];
  // Φ(1) − Φ(−1) and 1 − Φ(2)
  const share = (inside: (v: number) => boolean): number => unit.filter(inside).length / count;
  check.close([share((v) => Math.abs(v) < 1)], [0.682689], { atol: spread(0.4654) });
  check.close([share((v) => v > 2)], [0.02275], { atol: spread(0.1491) });
});

gpuTest("normal numbers on the GPU are those of the reference", async () => {
  const draw = async (): Promise<number[]> => [...(await random.normal(random.key(8), [4000]).read())];
  check.close(await onGpu(draw), await onReference(draw), { rtol: 1e-5, atol: 1e-6 });
});

referenceTest("bernoulli and dropout keep the right share", async () => {
  const ones = await moments(random.bernoulli(random.key(2), [count], 0.3));
  check.close([ones.mean], [0.3], { atol: spread(Math.sqrt(0.21)) });
  const kept = await moments(random.dropoutMask(random.key(3), [count], 0.75));
  check.close([kept.mean, kept.low, kept.high], [1, 0, 4], { atol: spread(4 * Math.sqrt(0.1875)) });
  check.is((await moments(random.bernoulli(random.key(2), [count], 1))).low, 1);
  check.is((await moments(random.bernoulli(random.key(2), [count], 0))).high, 0);
});

referenceTest("randint takes every value about equally often", async () => {
  const seen = new Map<number, number>();
  for (const v of await random.randint(random.key(4), [count], -2, 3).read()) seen.set(v, (seen.get(v) ?? 0) + 1);
  check.equal(
    [...seen.keys()].sort((a, b) => a - b),
    [-2, -1, 0, 1, 2],
  );
  for (const n of seen.values()) check.close([n / count], [0.2], { atol: spread(0.4) });
});

gpuTest("a permutation has each integer once and is the same everywhere", async () => {
  const on = async (): Promise<number[]> => [...(await random.permutation(random.key(5), 5000).read())];
  const shuffled = await onGpu(on);
  check.equal(
    shuffled.toSorted((a, b) => a - b),
    Array.from({ length: 5000 }, (_, i) => i),
  );
  check.ok(shuffled.filter((v, i) => v === i).length < 10, "a random permutation has about one fixed point");
  check.equal(shuffled, await onReference(on));
});

referenceTest("random functions refuse what they cannot draw", () => {
  const key = random.key(0);
  check.throws(() => random.key(-1), /random.key: the seed is -1; an integer from 0 to 2\^53 - 1/);
  check.throws(() => random.split(key, 0), /random.split: n is 0/);
  check.throws(() => random.bernoulli(key, [2], 1.5), /random.bernoulli: p is 1.5; a probability/);
  check.throws(() => random.randint(key, [2], 3, 3), /random.randint: \[3, 3\) given/);
  check.throws(() => random.dropoutMask(key, [2], 1), /random.dropoutMask: rate is 1/);
});
