/** Random inputs for samples: seeded, representable in f32 (so that both executors get the same numbers), away from kinks. */
import { generator } from "../engine/generator.js";
import type { Draw, InputSpec } from "../engine/op.js";
import { sizeOf } from "../engine/shape.js";
import { type Tensor, tensor } from "../engine/tensor.js";

export { generator };

/** The elements of one input. */
export function draw(spec: InputSpec, random: () => number): Float32Array | Int32Array | Uint32Array {
  const n = sizeOf(spec.shape);
  if (spec.dtype === "i32" || spec.dtype === "u32") {
    const { low = 0, high = 9 } = spec;
    const out = spec.dtype === "i32" ? new Int32Array(n) : new Uint32Array(n);
    return out.map(() => low + Math.floor(random() * (high - low + 1)));
  }
  const { low = -2, high = 2, avoid = [], gap = 0.05, distinct = false } = spec;
  if (distinct) return spaced(n, low, high, random);
  return new Float32Array(n).map(() => {
    for (let tries = 0; tries < 1000; tries++) {
      const v = low + random() * (high - low);
      if (avoid.every((a) => Math.abs(v - a) >= gap)) return v;
    }
    throw new Error(`sample: no value in [${low}, ${high}] is ${gap} away from ${avoid.join(", ")}`);
  });
}

/** n values on an even grid of [low, high], shuffled. */
function spaced(n: number, low: number, high: number, random: () => number): Float32Array {
  const out = new Float32Array(n).map((_, i) => low + ((high - low) * (i + 0.5)) / n);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

/** All inputs of a sample as tensors on the current executor. */
export function tensorsOf(specs: readonly InputSpec[], seed: number): Tensor[] {
  const random = generator(seed);
  return specs.map((s) => tensor(draw(s, random), s.shape, s.dtype));
}

/** Choices from a plain seed, for samples drawn outside fast-check. */
export function seededDraw(seed: number): Draw {
  const random = generator(seed);
  const int = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
  return drawFrom(int);
}

/** A `Draw` made of its integer choice alone. */
export function drawFrom(int: (low: number, high: number) => number): Draw {
  return {
    int,
    pick: (choices) => choices[int(0, choices.length - 1)],
    boolean: () => int(0, 1) === 1,
    shape: ({ minRank = 0, maxRank = 4, minSide = 1, maxSide = 4 } = {}) =>
      Array.from({ length: int(minRank, maxRank) }, () => int(minSide, maxSide)),
  };
}
