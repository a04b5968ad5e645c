/** Convolution in one, two and three directions. */
import { add, conv2d, conv2dInput, pad, reshape, slice, type Tensor, transpose } from "../../../engine/index.js";
import { int, ints, text } from "../attributes.js";
import { type Operator, operator, refuse } from "../operator.js";
import { listOf, reach, spatialOf, type Windows, windowsOf } from "./windows.js";

const windowAttributes = {
  auto_pad: text("NOTSET"),
  dilations: ints(undefined),
  kernel_shape: ints(undefined),
  pads: ints(undefined),
  strides: ints(undefined),
  group: int(1),
};

type Sides = readonly [readonly [number, number], readonly [number, number]];

const pair = (list: readonly number[]): [number, number] => [list[0], list[1]];
const paddingOf = ({ before, after }: Pick<Windows, "before" | "after">): Sides => [
  [before[0], after[0]],
  [before[1], after[1]],
];

/** Windows of one direction as flat ones of two. */
export function flat(w: Windows): Windows {
  return {
    size: [1, ...w.size],
    stride: [1, ...w.stride],
    dilation: [1, ...w.dilation],
    before: [0, ...w.before],
    after: [0, ...w.after],
  };
}

/** [n,c,l] → [n,c,1,l]. */
export const raised = (x: Tensor): Tensor => reshape(x, [...x.shape.slice(0, 2), 1, x.shape[2]]);
/** [n,c,1,l] → [n,c,l]. */
export const lowered = (x: Tensor): Tensor => reshape(x, [...x.shape.slice(0, 2), x.shape[3]]);

export function convolve(x: Tensor, w: Tensor, windows: Windows, groups: number): Tensor {
  if (x.rank === 3) return lowered(convolve(raised(x), raised(w), flat(windows), groups));
  if (x.rank === 5) return convolveVolume(x, w, windows, groups);
  const { stride, dilation } = windows;
  return conv2d(x, w, { stride: pair(stride), dilation: pair(dilation), padding: paddingOf(windows), groups });
}

/** Three directions: for each slice of the window a flat convolution of the slices of the volume that it meets. */
function convolveVolume(x: Tensor, w: Tensor, windows: Windows, groups: number): Tensor {
  const { stride, dilation, before, after } = windows;
  const [n, c] = x.shape;
  const deep = pad(x, [
    [0, 0],
    [0, 0],
    [before[0], after[0]],
    [0, 0],
    [0, 0],
  ]);
  const depth = w.shape[2];
  const slices = Math.floor((deep.shape[2] - reach(depth, dilation[0])) / stride[0]) + 1;
  if (slices < 1) refuse(`a window of depth ${depth} does not fit the volume [${x.shape}]`);
  const parts = Array.from({ length: depth }, (_, z) => {
    const met = slice(
      deep,
      [0, 0, z * dilation[0], 0, 0],
      [n, c, slices, deep.shape[3], deep.shape[4]],
      [1, 1, stride[0], 1, 1],
    );
    const images = reshape(transpose(met, [0, 2, 1, 3, 4]), [n * slices, c, deep.shape[3], deep.shape[4]]);
    const [k, cg, , r, s] = w.shape;
    const window = reshape(slice(w, [0, 0, z, 0, 0], [k, cg, 1, r, s]), [k, cg, r, s]);
    return convolve(images, window, tail(windows), groups);
  });
  const total = parts.reduce(add);
  const [, k, oh, ow] = total.shape;
  return transpose(reshape(total, [n, slices, k, oh, ow]), [0, 2, 1, 3, 4]);
}

/** The windows without their first direction. */
export function tail({ size, stride, dilation, before, after }: Windows): Windows {
  const rest = (list: readonly number[]): readonly number[] => list.slice(1);
  return {
    size: rest(size),
    stride: rest(stride),
    dilation: rest(dilation),
    before: rest(before),
    after: rest(after),
  };
}

function withBias(y: Tensor, bias: Tensor | undefined): Tensor {
  return bias ? add(y, reshape(bias, [bias.size, ...y.shape.slice(2).map(() => 1)])) : y;
}

/** The adjoint of `convolve` for an image of `image`, which the windows make into x. */
function spread(x: Tensor, w: Tensor, windows: Windows, image: readonly number[], groups: number): Tensor {
  if (x.rank === 3) return lowered(spread(raised(x), raised(w), flat(windows), [1, ...image], groups));
  if (x.rank === 5) return spreadVolume(x, w, windows, image, groups);
  const { stride, dilation } = windows;
  const options = { stride: pair(stride), dilation: pair(dilation), padding: paddingOf(windows), groups };
  return conv2dInput(x, w, { ...options, image: pair(image) });
}

function spreadVolume(x: Tensor, w: Tensor, windows: Windows, image: readonly number[], groups: number): Tensor {
  const { stride, dilation, before, after } = windows;
  const [n, k, slices, h, width] = x.shape;
  const [, cg, depth, r, s] = w.shape;
  const images = reshape(transpose(x, [0, 2, 1, 3, 4]), [n * slices, k, h, width]);
  const room = image[0] + before[0] + after[0];
  const parts = Array.from({ length: depth }, (_, z) => {
    const window = reshape(slice(w, [0, 0, z, 0, 0], [k, cg, 1, r, s]), [k, cg, r, s]);
    const y = spread(images, window, tail(windows), image.slice(1), groups);
    const [, c, oh, ow] = y.shape;
    const volume = transpose(reshape(y, [n, slices, c, oh, ow]), [0, 2, 1, 3, 4]);
    return spaced(volume, z * dilation[0], stride[0], room);
  });
  const total = parts.reduce(add);
  return slice(total, [0, 0, before[0], 0, 0], [n, cg * groups, image[0], image[1], image[2]]);
}

/** The slices of x [n,c,d,h,w] at start, start + step, ... of a volume of depth `room`. */
function spaced(x: Tensor, start: number, step: number, room: number): Tensor {
  const [n, c, d, h, w] = x.shape;
  const grid = reshape(
    pad(reshape(x, [n, c, d, 1, h, w]), [
      [0, 0],
      [0, 0],
      [0, 0],
      [0, step - 1],
      [0, 0],
      [0, 0],
    ]),
    [n, c, d * step, h, w],
  );
  const end = Math.min(d * step, room - start);
  const part = slice(grid, [0, 0, 0, 0, 0], [n, c, end, h, w]);
  return pad(part, [
    [0, 0],
    [0, 0],
    [start, room - start - end],
    [0, 0],
    [0, 0],
  ]);
}

export const convolution: readonly Operator[] = [
  operator({
    name: "Conv",
    attributes: windowAttributes,
    run(call, attributes) {
      const [x, w] = [call.tensor(0), call.tensor(1)];
      const sides = spatialOf(call);
      if (w.rank !== x.rank || sides.length > 3)
        refuse(
          `x [${x.shape}] and w [${w.shape}]; one to three sides besides [n,c] and [k,c], the same for both, are needed`,
        );
      const size = w.shape.slice(2);
      if (attributes.kernel_shape && attributes.kernel_shape.join() !== size.join())
        refuse(`kernel_shape [${attributes.kernel_shape}] for weights [${w.shape}]; they must agree`);
      const windows = windowsOf(sides, size, attributes);
      return withBias(convolve(x, w, windows, attributes.group), call.optional(2));
    },
  }),
  operator({
    name: "ConvTranspose",
    attributes: { ...windowAttributes, output_padding: ints(undefined), output_shape: ints(undefined) },
    run(call, { auto_pad, pads, strides, dilations, group, output_padding, output_shape }) {
      const [x, w] = [call.tensor(0), call.tensor(1)];
      const sides = spatialOf(call);
      const n = sides.length;
      if (w.rank !== x.rank || n > 3)
        refuse(`x [${x.shape}] and w [${w.shape}]; one to three sides, the same, are needed`);
      const size = w.shape.slice(2);
      const stride = listOf("strides", strides, n, 1);
      const dilation = listOf("dilations", dilations, n, 1);
      const extra = listOf("output_padding", output_padding, n, 0);
      const whole = sides.map((side, i) => (side - 1) * stride[i] + extra[i] + reach(size[i], dilation[i]));
      const same = auto_pad === "SAME_UPPER" || auto_pad === "SAME_LOWER";
      const wanted = output_shape?.slice(-n) ?? (same ? sides.map((side, i) => side * stride[i]) : undefined);
      const given = auto_pad === "VALID" ? undefined : pads;
      const total = wanted && whole.map((side, i) => Math.max(0, side - wanted[i]));
      const low = total?.map((t) => (auto_pad === "SAME_UPPER" ? Math.floor(t / 2) : Math.ceil(t / 2)));
      const before = low ?? listOf("pads", given?.slice(0, n), n, 0);
      const after = total && low ? total.map((t, i) => t - low[i]) : listOf("pads", given?.slice(n), n, 0);
      const image = whole.map((side, i) => (wanted ? wanted[i] : side - before[i] - after[i]));
      // A side that is longer than what the windows reach is zeros at its end.
      const reached = image.map((side, i) => Math.min(side, whole[i] - before[i] - after[i]));
      const y = spread(x, w, { size, stride, dilation, before, after }, reached, group);
      const grown = pad(y, [[0, 0], [0, 0], ...image.map((side, i): [number, number] => [0, side - reached[i]])]);
      return withBias(grown, call.optional(2));
    },
  }),
  operator({
    name: "DepthToSpace",
    attributes: { blocksize: int(), mode: text("DCR") },
    run(call, { blocksize: b, mode }) {
      const x = call.tensor(0);
      const [n, c, h, w] = x.shape;
      const columnFirst = mode === "CRD";
      if (!columnFirst && mode !== "DCR") refuse(`mode is ${mode}; DCR or CRD is needed`);
      const parts = reshape(x, columnFirst ? [n, c / (b * b), b, b, h, w] : [n, b, b, c / (b * b), h, w]);
      const order = columnFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
      return reshape(transpose(parts, order), [n, c / (b * b), h * b, w * b]);
    },
  }),
  operator({
    name: "SpaceToDepth",
    attributes: { blocksize: int() },
    run(call, { blocksize: b }) {
      const x = call.tensor(0);
      const [n, c, h, w] = x.shape;
      return reshape(transpose(reshape(x, [n, c, h / b, b, w / b, b]), [0, 3, 5, 1, 2, 4]), [
        n,
        c * b * b,
        h / b,
        w / b,
      ]);
    },
  }),
];
