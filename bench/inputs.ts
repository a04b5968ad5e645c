/**
 * The cases of the benchmark: names, arithmetic, and inputs that are the same to the bit for every system.
 *
 * Value i of stream s is the upper 24 bits of a 32-bit integer hash of (i, s), scaled to [low, high) in double precision
 * and rounded to f32. Layouts: images [batch, channel, row, column], filters [out, in, row, column], dense weights [in, out].
 */

/** Every case, in the order in which it is measured. */
export const caseNames = [
  "matmul-512",
  "matmul-1024",
  "conv1",
  "conv2",
  "conv2-input-gradient",
  "conv2-filter-gradient",
  "softplus-4m",
  "sum-4m",
  "train-step",
  "input-gradient",
  "second-order",
  "naive-step",
  "atex-step",
] as const;

export type CaseName = (typeof caseNames)[number];

/** A product for GPUs alone: a software adapter takes seconds for it. */
export const largeCase = "matmul-4096";

/** Cases of the suite `networks`; `networkInputs.ts` says what they are. */
export const networkCaseNames = [
  "resnet18-224",
  "resnet18-224-gradient",
  "resnet18-224-attack",
  "mobilenet-v2-224",
  "mobilenet-v2-224-gradient",
  "mobilenet-v2-224-attack",
  "transformer",
  "mlp-tabular",
  "kernel-shap",
  "lrp",
  "grad-cam",
] as const;

export type NetworkCase = (typeof networkCaseNames)[number];

export type MeasuredCase = CaseName | typeof largeCase;
/** Every case whose results can be checked. */
export type CheckedCase = MeasuredCase | NetworkCase;

/** A dense row-major array on the host. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A batch for the network: images [batch, 1, 28, 28] in [0, 1), labels in 0 to 9. */
export interface Batch {
  readonly images: HostTensor;
  readonly labels: Int32Array;
}

/** Shapes of the network's parameters; conv 5x5 SAME, softplus, 2x2 average pool, twice, then two dense layers. */
export const parameterShapes = {
  "conv1.w": [32, 1, 5, 5],
  "conv1.b": [32],
  "conv2.w": [64, 32, 5, 5],
  "conv2.b": [64],
  "dense1.w": [64 * 7 * 7, 128],
  "dense1.b": [128],
  "dense2.w": [128, 10],
  "dense2.b": [10],
} as const;

export type ParameterName = keyof typeof parameterShapes;

/** Names of the parameters, in the order of the layers. */
export const parameterNames = Object.keys(parameterShapes) as ParameterName[];

/** Adam as every system runs it in `train-step`. */
export const adam = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/** Images per step of each case that runs this network. */
export const batchSizes = {
  "train-step": 64,
  "input-gradient": 64,
  "second-order": 16,
  "naive-step": 8,
  "atex-step": 8,
  lrp: 64,
  "grad-cam": 64,
} as const;

/**
 * Scheme cases: images beside each image of the batch, how far they may lie from it in any pixel, and the weight of
 * naive training's distance: fresh networks with softplus are so nearly linear that a smaller one would not be seen in the gradients.
 */
export const around = { samples: 8, radius: 0.08, weight: 1e8 } as const;

const streams = {
  ...{ a: 1, b: 2, image: 3, filter: 4, cotangent: 5, elements: 6, batch: 7, labels: 8, parameters: 16 },
  ...{ neighbours: 9, directions: 10, taught: 11 },
};

/** A 32-bit integer that looks random. */
export function hash(index: number, stream: number): number {
  let bits = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(stream, 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** Numbers of a stream in [low, high). Streams from 64 on are those of `networkInputs.ts`. */
export function uniform(stream: number, shape: readonly number[], low: number, high: number): HostTensor {
  const data = new Float32Array(shape.reduce((product, length) => product * length, 1));
  const step = (high - low) / 2 ** 24;
  for (let i = 0; i < data.length; i++) data[i] = low + step * (hash(i, stream) >>> 8);
  return { shape, data };
}

/** Operands of a square matrix product, entries in [-1, 1). */
export function matmulInputs(size: number): { a: HostTensor; b: HostTensor } {
  return { a: uniform(streams.a, [size, size], -1, 1), b: uniform(streams.b, [size, size], -1, 1) };
}

/** Input, filter and output cotangent of the network's first or second convolution at batch 64, entries in [-1, 1). */
export function convInputs(layer: "conv1" | "conv2"): { x: HostTensor; w: HostTensor; g: HostTensor } {
  const [channels, filters, side] = layer === "conv1" ? [1, 32, 28] : [32, 64, 14];
  return {
    x: uniform(streams.image, [64, channels, side, side], -1, 1),
    w: uniform(streams.filter, [filters, channels, 5, 5], -1, 1),
    g: uniform(streams.cotangent, [64, filters, side, side], -1, 1),
  };
}

/** Operands of softplus(x w + b): x of 4096 x 1024 in [-4, 4), w and b of rank 0. */
export function softplusInputs(): { x: HostTensor; w: HostTensor; b: HostTensor } {
  return {
    x: uniform(streams.elements, [4096, 1024], -4, 4),
    w: { shape: [], data: Float32Array.of(1.5) },
    b: { shape: [], data: Float32Array.of(-0.25) },
  };
}

/** The 4096 x 1024 array that is summed to a scalar, entries in [0, 1). */
export function sumInputs(): { x: HostTensor } {
  return { x: uniform(streams.elements, [4096, 1024], 0, 1) };
}

/** Parameters of the network, uniform within 1 / sqrt(fan-in) of zero. */
export function networkParameters(): Record<ParameterName, HostTensor> {
  const parameters = parameterNames.map((name, position) => {
    const shape = parameterShapes[name];
    const [layer] = name.split(".");
    const weight = parameterShapes[`${layer}.w` as ParameterName];
    const fanIn = weight.length === 4 ? weight[1] * weight[2] * weight[3] : weight[0];
    return [name, uniform(streams.parameters + position, shape, -1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn))];
  });
  return Object.fromEntries(parameters);
}

/** The batch of a case that runs the network. */
export function networkBatch(name: keyof typeof batchSizes): Batch {
  const size = batchSizes[name];
  return {
    images: uniform(streams.batch, [size, 1, 28, 28], 0, 1),
    labels: Int32Array.from({ length: size }, (_, i) => hash(i, streams.labels) % 10),
  };
}

/** Random neighbours of the images of `naive-step` that are images themselves, [samples x batch, 1, 28, 28], copy after copy. */
export function neighbours(): HostTensor {
  const { images } = networkBatch("naive-step");
  const { samples, radius } = around;
  const { shape, data } = uniform(streams.neighbours, [samples * images.shape[0], 1, 28, 28], -radius, radius);
  const centre = images.data;
  return { shape, data: data.map((shift, i) => Math.min(1, Math.max(0, centre[i % centre.length] + shift))) };
}

/** What `atex-step` has at hand: a direction for each image, [batch, 1, 28, 28]; a grid of points along it, scaled to a largest
 *  |element| of 1, [samples x batch, 1, 28, 28], point after point; the teacher's logits at images and points, [(1 + samples) x batch, 10]. */
export function lesson(): { directions: HostTensor; points: HostTensor; taught: HostTensor } {
  const { images } = networkBatch("atex-step");
  const { samples, radius } = around;
  const directions = uniform(streams.directions, images.shape, -1, 1);
  const batch = images.shape[0];
  const pixels = images.data.length / batch;
  const points = new Float32Array(samples * images.data.length);
  for (let image = 0; image < batch; image++) {
    const own = directions.data.subarray(image * pixels, (image + 1) * pixels);
    const largest = own.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    for (let point = 0; point < samples; point++) {
      const shift = radius * ((2 * point) / (samples - 1) - 1);
      for (let i = 0; i < pixels; i++)
        points[(point * batch + image) * pixels + i] = images.data[image * pixels + i] + (shift * own[i]) / largest;
    }
  }
  return {
    directions,
    points: { shape: [samples * batch, 1, 28, 28], data: points },
    taught: uniform(streams.taught, [(1 + samples) * batch, 10], -2, 2),
  };
}

/** Labels as rows of an identity matrix, [batch, classes]. */
export function oneHot(labels: Int32Array, classes = 10): HostTensor {
  const data = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => {
    data[row * classes + label] = 1;
  });
  return { shape: [labels.length, classes], data };
}

const convolution = (channels: number, filters: number, side: number) => 2 * channels * filters * 25 * side * side;
const perImage = {
  conv1: convolution(1, 32, 28),
  conv2: convolution(32, 64, 14),
  dense1: 2 * 3136 * 128,
  dense2: 2560,
};

/** Operations of a network case from the number of convolution-sized (matmul-sized) products of each layer. */
function networkFlops(batch: number, conv1: number, conv2: number, dense1: number, dense2: number): number {
  const { conv1: first, conv2: second, dense1: hidden, dense2: output } = perImage;
  return batch * (conv1 * first + conv2 * second + dense1 * hidden + dense2 * output);
}

/**
 * Multiplications and additions in the matrix products and convolutions a case cannot do without, padding counted as if it
 * were data; null for the two cases that memory bounds.
 */
export const flops: Readonly<Record<MeasuredCase, number | null>> = {
  [largeCase]: 2 * 4096 ** 3,
  "matmul-512": 2 * 512 ** 3,
  "matmul-1024": 2 * 1024 ** 3,
  conv1: 64 * perImage.conv1,
  conv2: 64 * perImage.conv2,
  "conv2-input-gradient": 64 * perImage.conv2,
  "conv2-filter-gradient": 64 * perImage.conv2,
  "softplus-4m": null,
  "sum-4m": null,
  // The first layer needs no input gradient.
  "train-step": networkFlops(64, 2, 3, 3, 3),
  // The logits themselves are not needed.
  "input-gradient": networkFlops(64, 2, 2, 2, 1),
  // Forward, input gradient, its two adjoints per layer, then back through the forward pass; logits never enter.
  "second-order": networkFlops(16, 5, 6, 6, 2),
  // As above, with the predictions' gradients in the last layer.
  "naive-step": networkFlops((1 + around.samples) * 8, 5, 6, 6, 6),
  "atex-step": networkFlops((1 + around.samples) * 8, 2, 3, 3, 3),
};
