/** Resizing: along each side sums of few elements, so that every mode has derivatives of every order. Source of modes and
 *  coordinates: ONNX's docs/Operators.md, Resize. */
import { resample, type Taps, type Tensor } from "../../../engine/index.js";
import { flag, float, floats, int, ints, text } from "../attributes.js";
import { type Call, type Operator, operator, refuse } from "../operator.js";

interface Mode {
  readonly mode: string;
  readonly coordinates: string;
  readonly nearest: string;
  readonly cubic: number;
  readonly excludeOutside: boolean;
}

/** One side: from how many elements to how many, by which factor, and the region of `tf_crop_and_resize`. */
interface Side {
  readonly from: number;
  readonly to: number;
  readonly scale: number;
  readonly region: readonly [number, number];
}

const coordinates: Readonly<Record<string, (i: number, side: Side) => number>> = {
  half_pixel: (i, { scale }) => (i + 0.5) / scale - 0.5,
  half_pixel_symmetric: (i, { scale, from, to }) => {
    const adjustment = to / (scale * from);
    return (from / 2) * (1 - adjustment) + (i + 0.5) / scale - 0.5;
  },
  pytorch_half_pixel: (i, { scale, to }) => (to > 1 ? (i + 0.5) / scale - 0.5 : 0),
  tf_half_pixel_for_nn: (i, { scale }) => (i + 0.5) / scale,
  align_corners: (i, { from, to }) => (to === 1 ? 0 : (i * (from - 1)) / (to - 1)),
  asymmetric: (i, { scale }) => i / scale,
  tf_crop_and_resize: (i, { from, to, region: [start, end] }) =>
    to > 1 ? start * (from - 1) + (i * (end - start) * (from - 1)) / (to - 1) : 0.5 * (start + end) * (from - 1),
};

const roundings: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** [position, weight] of the elements that an output at coordinate x is made of. */
function taps(x: number, { mode, nearest, cubic }: Mode): [number, number][] {
  if (mode === "nearest")
    return [[(roundings[nearest] ?? refuse(`nearest_mode is ${nearest}; it is not known`))(x), 1]];
  const left = Math.floor(x);
  const t = x - left;
  if (mode === "linear")
    return [
      [left, 1 - t],
      [left + 1, t],
    ];
  if (mode !== "cubic") return refuse(`mode is ${mode}; nearest, linear or cubic is needed`);
  // Keys 1981, with a = cubic.
  const a = cubic;
  const near = (d: number): number => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number): number => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return [
    [left - 1, far(1 + t)],
    [left, near(t)],
    [left + 1, near(1 - t)],
    [left + 2, far(2 - t)],
  ];
}

/** What each output is made of. */
function allTaps(side: Side, mode: Mode): Taps {
  const at =
    coordinates[mode.coordinates] ?? refuse(`coordinate_transformation_mode is ${mode.coordinates}; it is not known`);
  const { from, to } = side;
  return Array.from({ length: to }, (_, i) => {
    const all = taps(at(i, side), mode);
    const inside = mode.excludeOutside ? all.filter(([j]) => j >= 0 && j < from) : all;
    const total = mode.excludeOutside ? inside.reduce((sum, [, w]) => sum + w, 0) : 1;
    return inside.map(([j, w]) => [Math.min(Math.max(j, 0), from - 1), w / total] as const);
  });
}

function along(x: Tensor, axis: number, side: Side, mode: Mode): Tensor {
  if (side.from === side.to && side.scale === 1 && mode.coordinates !== "tf_crop_and_resize") return x;
  return resample(x, axis, allTaps(side, mode));
}

interface Wanted {
  readonly scales?: readonly number[];
  readonly sizes?: readonly number[];
  readonly region?: readonly number[];
  readonly axes?: readonly number[];
  readonly policy?: string;
}

function resized(call: Call, mode: Mode, { scales, region, axes, policy = "stretch", ...given }: Wanted): Tensor {
  let x = call.tensor(0);
  const at = (axes ?? x.shape.map((_, i) => i)).map((axis) => call.axis(axis, x.rank));
  const { base, count } = call.context.batch;
  // Sizes that were written down for the file's batch.
  const ofBatch = (size: number, i: number): boolean => at[i] === 0 && size === base && x.shape[0] === count;
  const sizes = given.sizes?.map((size, i) => (ofBatch(size, i) ? count : size));
  const list = sizes ?? scales ?? refuse("neither scales nor sizes; one of them is needed");
  if (list.length !== at.length || list.some((v) => !(v > 0)))
    refuse(`${sizes ? "sizes" : "scales"} [${list}] for ${at.length} sides; as many positive numbers are needed`);
  const factors = at.map((axis, i) => (sizes ? sizes[i] / x.shape[axis] : list[i]));
  if (policy !== "stretch" && policy !== "not_larger" && policy !== "not_smaller")
    refuse(`keep_aspect_ratio_policy is ${policy}; it is not known`);
  const common =
    policy === "not_larger" ? Math.min(...factors) : policy === "not_smaller" ? Math.max(...factors) : undefined;
  const from = x.shape;
  const target = at.map((axis, i) =>
    sizes
      ? common === undefined
        ? sizes[i]
        : Math.floor(common * from[axis] + 0.5)
      : Math.floor(from[axis] * list[i]),
  );
  call.size(from.map((side, axis) => (at.includes(axis) ? target[at.indexOf(axis)] : side)));
  for (const [i, axis] of at.entries()) {
    const side = {
      from: from[axis],
      to: target[i],
      scale: sizes && common !== undefined ? common : factors[i],
      region: [region?.[i] ?? 0, region?.[i + at.length] ?? 1] as const,
    };
    x = along(x, axis, side, mode);
  }
  return x;
}

const listAt = (call: Call, i: number): number[] | undefined => {
  if (!call.has(i)) return undefined;
  const list = call.numbers(i);
  return list.length > 0 ? list : undefined;
};

/** What Upsample and the first Resize did. */
const plain = (mode: string): Mode => ({
  mode: mode === "bilinear" ? "linear" : mode,
  coordinates: "asymmetric",
  nearest: "floor",
  cubic: -0.75,
  excludeOutside: false,
});

const upsample = { mode: text("nearest") };

export const resizing: readonly Operator[] = [
  operator({
    name: "Upsample",
    since: 7,
    until: 8,
    attributes: { ...upsample, scales: floats() },
    run: (call, { mode, scales }) => resized(call, plain(mode), { scales }),
  }),
  operator({
    name: "Upsample",
    since: 9,
    host: [1],
    attributes: upsample,
    run: (call, { mode }) => resized(call, plain(mode), { scales: call.numbers(1) }),
  }),
  operator({
    name: "Resize",
    since: 10,
    until: 10,
    host: [1],
    attributes: upsample,
    run: (call, { mode }) => resized(call, plain(mode), { scales: call.numbers(1) }),
  }),
  operator({
    name: "Resize",
    since: 11,
    host: [1, 2, 3],
    attributes: {
      antialias: flag(false),
      axes: ints(undefined),
      coordinate_transformation_mode: text("half_pixel"),
      cubic_coeff_a: float(-0.75),
      exclude_outside: int(0),
      extrapolation_value: float(0),
      keep_aspect_ratio_policy: text("stretch"),
      mode: text("nearest"),
      nearest_mode: text("round_prefer_floor"),
    },
    run(call, a) {
      const scales = listAt(call, 2);
      const sizes = listAt(call, 3);
      const region = listAt(call, 1);
      const factors = scales ?? sizes?.map((size, i) => size / call.shape(0)[a.axes?.[i] ?? i]) ?? [];
      if (a.antialias && factors.some((f) => f < 1)) refuse("antialias is set for a smaller image; that is not read");
      if (a.coordinate_transformation_mode === "tf_crop_and_resize" && region?.some((v) => v < 0 || v > 1))
        refuse(`roi [${region}] leaves the image, which is not read; 0 to 1 is needed`);
      const mode: Mode = {
        mode: a.mode,
        coordinates: a.coordinate_transformation_mode,
        nearest: a.nearest_mode,
        cubic: a.cubic_coeff_a,
        excludeOutside: a.exclude_outside === 1,
      };
      return resized(call, mode, { scales, sizes, region, axes: a.axes, policy: a.keep_aspect_ratio_policy });
    },
  }),
];
