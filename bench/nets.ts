/** Networks of the size that people use, as layers. */
import {
  attention,
  averageTokens,
  batchNorm,
  conv2d,
  dense,
  gelu,
  globalAvgPool,
  type Layer,
  layerNorm,
  maxPool,
  patches,
  positions,
  relu,
  relu6,
  residual,
  sequential,
} from "../nn/index.js";
import { heNormal } from "../nn/init.js";

const CLASSES = 1000;

const convolution = (filters: number, size: number, stride = 1, groups = 1): Layer[] => [
  conv2d(filters, size, { stride, groups, padding: (size - 1) / 2, bias: false, init: heNormal }),
  batchNorm(),
];
const head: Layer[] = [globalAvgPool, dense(CLASSES, { init: heNormal })];

/** The layers of ResNet-18, but for the max pooling, which has no padding here. Source: He et al. 2016, table 1. */
export function resnet18(): Layer {
  const block = (filters: number, stride: number, widens: boolean): Layer[] => [
    residual(
      sequential([...convolution(filters, 3, stride), relu, ...convolution(filters, 3)]),
      widens ? sequential(convolution(filters, 1, stride)) : undefined,
    ),
    relu,
  ];
  const stages = [64, 128, 256, 512].flatMap((filters, i) => [
    ...block(filters, i > 0 ? 2 : 1, i > 0),
    ...block(filters, 1, false),
  ]);
  return sequential([...convolution(64, 7, 2), relu, maxPool(3, 2), ...stages, ...head]);
}

/** Expansion, channels, blocks and stride of the stages. Source: Sandler et al. 2018, table 2. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

export function mobileNetV2(): Layer {
  let channels = 32;
  const layers: Layer[] = [...convolution(channels, 3, 2), relu6];
  for (const [expansion, filters, blocks, first] of STAGES)
    for (let i = 0; i < blocks; i++) {
      const wide = channels * expansion;
      const stride = i === 0 ? first : 1;
      const body = sequential([
        ...(expansion > 1 ? [...convolution(wide, 1), relu6] : []),
        ...[...convolution(wide, 3, stride, wide), relu6, ...convolution(filters, 1)],
      ]);
      layers.push(stride === 1 && channels === filters ? residual(body) : body);
      channels = filters;
    }
  return sequential([...layers, ...convolution(1280, 1), relu6, ...head]);
}

/** Blocks of a transformer over tokens of `width` features: attention in four heads, then two dense layers. Source: Dosovitskiy et al.
 *  2021, eq. 2 and 3. */
const transformerBlocks = (count: number, width: number, hidden: number): Layer[] =>
  Array.from({ length: count }, () => [
    residual(sequential([layerNorm({ axes: [-1] }), attention(4)])),
    residual(
      sequential([layerNorm({ axes: [-1] }), dense(hidden, { tokens: true }), gelu, dense(width, { tokens: true })]),
    ),
  ]).flat();

/** A small vision transformer: squares of 4 × 4 as tokens of 64 features, four blocks of four heads. Source: Dosovitskiy et al. 2021. */
export function smallTransformer(): Layer {
  const blocks = transformerBlocks(4, 64, 256);
  return sequential([patches(4), dense(64, { tokens: true }), positions, ...blocks, averageTokens, dense(10)]);
}

/** A transformer over given tokens: width 128, four blocks of four heads, a class from the mean token. */
export function tokenTransformer(): Layer {
  const blocks = transformerBlocks(4, 128, 512);
  return sequential([dense(128, { tokens: true }), positions, ...blocks, averageTokens, dense(10)]);
}

/** What people train on tables: two hidden layers of 256, two classes. */
export function tabularNetwork(): Layer {
  return sequential([dense(256), relu, dense(256), relu, dense(2)]);
}
