/** 1-D convolution: that of images of height 1. */
import { describe, ShapeError } from "../errors.js";
import { aNatural, aNumber, either, requireTensor, tupleOf, wordOf } from "../kinds.js";
import { checkedOptions, type KindsOf, shown } from "../options.js";
import type { Tensor } from "../tensor.js";
import { conv2d } from "./conv.js";
import { reshape } from "./movement.js";

/** Zeros added at the ends: one number for both, [left, right], "valid" for none, "same" for an output of ⌈length / stride⌉. */
export type Padding1d = number | readonly [number, number] | "same" | "valid";

/** Options of `conv1d`: stride 1, no padding, dilation 1 and one group by default. `padding` is a number for both ends, [left,
 *  right], "same" or "valid". */
export interface Conv1dOptions {
  readonly stride?: number;
  readonly padding?: Padding1d;
  readonly dilation?: number;
  /** Channels fall into this many groups that do not mix. */
  readonly groups?: number;
}

const CONV1D_OPTIONS: KindsOf<Conv1dOptions> = {
  stride: aNumber,
  padding: either(aNatural, either(wordOf("same", "valid"), tupleOf(aNatural, 2, "integers of at least 0"))),
  dilation: aNumber,
  groups: aNumber,
};

/** 1-D cross-correlation. x [n,c,l] * w [k,c/groups,s] → [n,k,o], o = ⌊(l + padding − extent) / stride⌋ + 1 with
 *  extent = dilation·(s − 1) + 1. @throws ShapeError when channels differ or the window does not fit. */
export function conv1d(x: Tensor, w: Tensor, options: Conv1dOptions = {}): Tensor {
  requireTensor("conv1d", x);
  requireTensor("conv1d", w);
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = checkedOptions("conv1d", options, CONV1D_OPTIONS);
  if (x.rank !== 3 || w.rank !== 3)
    throw new ShapeError(`conv1d: x ${describe(x)} and w ${describe(w)} given; [n,c,l] and [k,c/groups,s] are needed`);
  for (const [name, value] of Object.entries({ stride, dilation }))
    if (typeof value !== "number")
      throw new TypeError(`conv1d: ${name} is ${shown(value)}; one number is needed, for there is one direction`);
  const [n, c, l] = x.shape;
  const [k, inside, s] = w.shape;
  if (c !== inside * groups)
    throw new ShapeError(
      `conv1d: x ${describe(x)} has ${c} channels, w ${describe(w)} with groups ${groups} expects ${inside * groups}`,
    );
  const y = conv2d(reshape(x, [n, c, 1, l]), reshape(w, [k, inside, 1, s]), {
    stride: [1, stride],
    padding: sidePadding(padding),
    dilation: [1, dilation],
    groups,
  });
  return reshape(y, [n, k, y.shape[3]]);
}

function sidePadding(padding: Padding1d) {
  if (typeof padding === "string") return padding;
  const [left, right] = typeof padding === "number" ? [padding, padding] : padding;
  return [
    [0, 0],
    [left, right],
  ] as const;
}
