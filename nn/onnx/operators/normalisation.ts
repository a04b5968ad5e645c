/** Normalisation and dropout. */
import {
  add,
  batchNorm,
  batchStatistics,
  div,
  groupNorm,
  layerNorm,
  mean,
  mul,
  norm,
  onesLike,
  reciprocal,
  reshape,
  rsqrt,
  sqrt,
  square,
  stopGradient,
  sub,
  type Tensor,
} from "../../../engine/index.js";
import { flag, float, int, ints } from "../attributes.js";
import { type Call, type Operator, operator, type Result, refuse } from "../operator.js";
import { deviceValue } from "../value.js";

/** Running statistics are parameters without a gradient, as in nn/norms.ts. */
function normalised(call: Call, epsilon: number): Tensor {
  const [mean, variance] = [call.tensor(3), call.tensor(4)];
  const statistics = stopGradient(() => ({ mean, variance }));
  return batchNorm(call.tensor(0), statistics, { scale: call.tensor(1), shift: call.tensor(2), epsilon });
}

/** With the batch's own statistics, and the running ones brought forward. */
function normalisedByBatch(call: Call, epsilon: number, momentum: number): readonly Result[] {
  const x = call.tensor(0);
  const statistics = batchStatistics(x);
  const y = batchNorm(x, statistics, { scale: call.tensor(1), shift: call.tensor(2), epsilon });
  const blend = (old: Tensor, now: Tensor): Tensor => add(mul(old, momentum), mul(now, 1 - momentum));
  return [y, blend(call.tensor(3), statistics.mean), blend(call.tensor(4), statistics.variance)];
}

/** Dropout at rest, and its mask. */
function untouched(call: Call): readonly Result[] {
  const x = call.tensor(0);
  return [x, deviceValue("bool", onesLike(x))];
}

/** Each channel of each sample by its own mean and variance. */
const instanceNorm = (x: Tensor, scale: Tensor, shift: Tensor, epsilon: number): Tensor =>
  groupNorm(x, x.shape[1], { scale, shift, epsilon });

function groupNormalised(call: Call, groups: number, epsilon: number, perGroup: boolean): Tensor {
  const x = call.tensor(0);
  const [n, c] = x.shape;
  const [scale, shift] = [call.tensor(1), call.tensor(2)];
  if (!perGroup) return groupNorm(x, groups, { scale, shift, epsilon });
  if (c % groups !== 0) refuse(`num_groups ${groups} for ${c} channels; groups must divide them`);
  const whole = groupNorm(x, groups, { epsilon });
  const grouped = reshape(whole, [n, groups, x.size / (n * groups)]);
  const wide = (t: Tensor): Tensor => reshape(t, [groups, 1]);
  return reshape(add(mul(grouped, wide(scale)), wide(shift)), x.shape);
}

export const normalisation: readonly Operator[] = [
  operator({
    name: "BatchNormalization",
    until: 13,
    attributes: { epsilon: float(1e-5), momentum: float(0.9), spatial: flag(true), is_test: int(0) },
    run(call, { epsilon, spatial }) {
      if (!spatial) refuse("spatial is 0, statistics for every pixel; 1 is needed");
      if (call.wanted.slice(1).some(Boolean))
        refuse("running statistics are asked for, as in training; export the model for inference");
      return normalised(call, epsilon);
    },
  }),
  operator({
    name: "BatchNormalization",
    since: 14,
    attributes: { epsilon: float(1e-5), momentum: float(0.9), training_mode: flag(false) },
    run: (call, { epsilon, momentum, training_mode }): Result | readonly Result[] =>
      training_mode ? normalisedByBatch(call, epsilon, momentum) : normalised(call, epsilon),
  }),
  operator({
    name: "InstanceNormalization",
    attributes: { epsilon: float(1e-5) },
    run: (call, { epsilon }) => instanceNorm(call.tensor(0), call.tensor(1), call.tensor(2), epsilon),
  }),
  operator({
    name: "LayerNormalization",
    since: 17,
    attributes: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
    run(call, { axis, epsilon }): readonly Result[] {
      const x = call.tensor(0);
      const first = call.axis(axis, x.rank);
      const axes = x.shape.flatMap((_, i) => (i < first ? [] : [i]));
      const y = layerNorm(x, { axes, epsilon, scale: call.tensor(1), shift: call.optional(2) });
      if (!call.wanted[1] && !call.wanted[2]) return [y];
      const average = mean(x, axes, { keepDims: true });
      const variance = mean(square(sub(x, average)), axes, { keepDims: true });
      return [y, average, rsqrt(add(variance, epsilon))];
    },
  }),
  operator({
    name: "RMSNormalization",
    since: 23,
    attributes: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
    run(call, { axis, epsilon }) {
      const x = call.tensor(0);
      const first = call.axis(axis, x.rank);
      const axes = x.shape.flatMap((_, i) => (i < first ? [] : [i]));
      const factor = rsqrt(add(mean(square(x), axes, { keepDims: true }), epsilon));
      return mul(mul(x, factor), call.tensor(1));
    },
  }),
  operator({
    name: "GroupNormalization",
    since: 18,
    until: 20,
    attributes: { epsilon: float(1e-5), num_groups: int() },
    run: (call, { epsilon, num_groups }) => groupNormalised(call, num_groups, epsilon, true),
  }),
  operator({
    name: "GroupNormalization",
    since: 21,
    attributes: { epsilon: float(1e-5), num_groups: int(), stash_type: int(1) },
    run: (call, { epsilon, num_groups }) => groupNormalised(call, num_groups, epsilon, false),
  }),
  operator({
    name: "MeanVarianceNormalization",
    since: 9,
    attributes: { axes: ints([0, 2, 3]) },
    run(call, { axes }) {
      const x = call.tensor(0);
      const at = axes.map((axis) => call.axis(axis, x.rank));
      const centred = sub(x, mean(x, at, { keepDims: true }));
      // The reference definition adds to the deviation, not to the variance.
      return div(centred, add(sqrt(mean(square(centred), at, { keepDims: true })), 1e-9));
    },
  }),
  operator({
    name: "LpNormalization",
    attributes: { axis: int(-1), p: int(2) },
    run(call, { axis, p }) {
      const x = call.tensor(0);
      if (p !== 1 && p !== 2) refuse(`p is ${p}; 1 or 2 is needed`);
      return mul(x, reciprocal(norm(x, call.axis(axis, x.rank), { p, keepDims: true })));
    },
  }),
  operator({
    name: "Dropout",
    until: 11,
    attributes: { ratio: float(0.5), is_test: int(0) },
    run: untouched,
  }),
  operator({
    name: "Dropout",
    since: 12,
    host: [1, 2],
    attributes: { seed: int(undefined) },
    run(call) {
      if (call.number(2, 0) !== 0 && call.number(1, 0.5) !== 0)
        refuse("training_mode is set, which drops at random; export the model for inference");
      return untouched(call);
    },
  }),
];
