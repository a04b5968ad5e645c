/** Sample convolutions, shared by the three ops of the set: each takes two of the three tensors. */
import type { Draw, Failure, InputSpec, Sample } from "../op.js";
import type { Tensor } from "../tensor.js";
import type { ConvOptions } from "./conv.js";
import { windowAttrs, windowPositions } from "./window.js";

interface ConvCase {
  readonly x: InputSpec;
  readonly w: InputSpec;
  readonly g: InputSpec;
  readonly image: readonly [number, number];
  readonly window: readonly [number, number];
  readonly options: ConvOptions;
}

type Side = readonly [number, number];

function convCase(n: number, c: number, k: number, image: Side, window: Side, options: ConvOptions = {}): ConvCase {
  const [oh, ow] = windowPositions("sample", image, window, windowAttrs("sample", image, window, options));
  return {
    x: { shape: [n, c, ...image], low: -1, high: 1 },
    w: { shape: [k, c / (options.groups ?? 1), ...window], low: -1, high: 1 },
    g: { shape: [n, k, oh, ow], low: -1, high: 1 },
    image,
    window,
    options,
  };
}

export function convSamples(make: (c: ConvCase) => Sample): Sample[] {
  return [
    make(convCase(2, 3, 4, [5, 5], [3, 3])),
    make(convCase(1, 1, 2, [7, 6], [3, 2], { stride: 2, padding: 1 })),
    make(convCase(2, 2, 2, [6, 5], [3, 3], { stride: [2, 1], padding: "same", dilation: [1, 2] })),
    make(
      convCase(1, 4, 6, [5, 4], [2, 3], {
        padding: [
          [0, 1],
          [2, 0],
        ],
        groups: 2,
      }),
    ),
    make(convCase(2, 3, 3, [4, 4], [3, 3], { padding: "same", groups: 3 })),
    // Depthwise: whole vectors of a row and tails, strides, a window as tall as the image, two filters each.
    make(convCase(1, 3, 3, [9, 8], [3, 3], { stride: 2, padding: 1, groups: 3 })),
    make(convCase(1, 2, 4, [6, 7], [5, 5], { padding: "same", groups: 2 })),
    make(convCase(1, 2, 2, [5, 11], [5, 3], { stride: [1, 2], padding: [0, 2], groups: 2 })),
    // Three and two channels a group.
    make(convCase(1, 6, 4, [7, 5], [3, 3], { stride: [2, 1], padding: 1, groups: 2 })),
    make(convCase(2, 3, 2, [3, 3], [1, 1], { stride: 2 })),
    make(convCase(0, 2, 3, [4, 4], [3, 3])),
  ];
}

export function convDraw(d: Draw, make: (c: ConvCase) => Sample): Sample {
  const groups = d.pick([1, 1, 2]);
  const image: Side = [d.int(3, 6), d.int(3, 6)];
  const window: Side = [d.int(1, 3), d.int(1, 3)];
  const fits = (side: number, taps: number): number => (taps === 1 ? 1 : Math.floor((side - 1) / (taps - 1)));
  const options: ConvOptions = {
    stride: [d.int(1, 3), d.int(1, 3)],
    padding: d.pick<NonNullable<ConvOptions["padding"]>>([
      "same",
      "valid",
      1,
      [0, 2],
      [
        [1, 0],
        [0, 2],
      ],
    ]),
    dilation: [d.int(1, Math.min(2, fits(image[0], window[0]))), d.int(1, Math.min(2, fits(image[1], window[1])))],
    groups,
  };
  return make(convCase(d.int(1, 2), groups * d.int(1, 2), groups * d.int(1, 2), image, window, options));
}

export function refusedConvs(call: (x: Tensor, w: Tensor, options?: ConvOptions) => Tensor): Failure[] {
  return [
    {
      inputs: [{ shape: [1, 3, 5, 5] }, { shape: [4, 2, 3, 3] }],
      call: (x, w) => call(x, w),
      message: /conv2d: x f32\[1,3,5,5\] has 3 channels, w f32\[4,2,3,3\] with groups 1 expects 2/,
    },
    {
      inputs: [{ shape: [1, 2, 2, 5] }, { shape: [4, 2, 3, 3] }],
      call: (x, w) => call(x, w),
      message: /conv2d: a window of 3×3 does not fit an image of 2×5/,
    },
    {
      inputs: [{ shape: [1, 4, 5, 5] }, { shape: [3, 2, 3, 3] }],
      call: (x, w) => call(x, w, { groups: 2 }),
      message: /conv2d: 3 channels do not fall into 2 groups/,
    },
    {
      inputs: [{ shape: [1, 2, 5, 5] }, { shape: [3, 2, 3, 3] }],
      call: (x, w) => call(x, w, { stride: 0 }),
      message: /conv2d: stride is 0; integers of at least 1 are needed/,
    },
    {
      inputs: [{ shape: [2, 5, 5] }, { shape: [3, 2, 3, 3] }],
      call: (x, w) => call(x, w),
      message: /conv2d: f32\[2,5,5\] and f32\[3,2,3,3\] given; f32 of rank 4/,
    },
  ];
}
