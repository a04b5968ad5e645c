/** Sample poolings, shared by the ops of both kinds. */
import type { Draw, InputSpec, Sample } from "../op.js";
import type { PoolOptions } from "./pool.shapes.js";
import { pairOf, windowAttrs, windowPositions } from "./window.js";

interface PoolCase {
  readonly x: InputSpec;
  readonly g: InputSpec;
  readonly image: readonly [number, number];
  readonly options: PoolOptions;
}

function poolCase(n: number, c: number, image: readonly [number, number], options: PoolOptions): PoolCase {
  const window = pairOf("sample", "size", options.size);
  const attrs = windowAttrs("sample", image, window, { stride: window, ...options });
  return {
    // Distinct, so that no window has a tie and the chosen elements stay the same under small steps.
    x: { shape: [n, c, ...image], distinct: true },
    g: { shape: [n, c, ...windowPositions("sample", image, window, attrs)] },
    image,
    options,
  };
}

export function poolSamples(make: (c: PoolCase) => Sample): Sample[] {
  return [
    make(poolCase(2, 3, [4, 6], { size: 2 })),
    make(poolCase(1, 2, [5, 5], { size: 3, stride: 1, padding: 1 })),
    make(
      poolCase(2, 1, [5, 4], {
        size: [2, 3],
        stride: [2, 1],
        padding: [
          [0, 1],
          [2, 0],
        ],
      }),
    ),
    make(poolCase(1, 2, [7, 5], { size: 2 })),
    make(poolCase(1, 1, [7, 5], { size: 2, stride: 3 })),
    make(poolCase(1, 2, [5, 6], { size: 3, stride: 2, padding: "same" })),
    make(poolCase(0, 2, [4, 4], { size: 2 })),
  ];
}

export function poolDraw(d: Draw, make: (c: PoolCase) => Sample): Sample {
  const size = [d.int(1, 3), d.int(1, 3)] as const;
  const side = (least: number): number => d.int(0, Math.min(least - 1, 2));
  const padding = [
    [side(size[0]), side(size[0])],
    [side(size[1]), side(size[1])],
  ] as const;
  const stride = d.boolean() ? size : ([d.int(1, 3), d.int(1, 3)] as const);
  return make(poolCase(d.int(1, 2), d.int(1, 2), [d.int(3, 6), d.int(3, 6)], { size, stride, padding }));
}
