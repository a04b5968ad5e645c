/** A patch on an image that a network was taught to react to. */

import { add, describe, mul, ShapeError, sub, type Tensor, tensor } from "../../../engine/index.js";
import { aNumber, aTensor, wordOf } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import type { Domain } from "../../../nn/index.js";
import { aDomain } from "../../../nn/kinds.js";
import { aTrigger } from "../kinds.js";

/** Where `cornerTrigger` puts a patch. */
export const CORNERS = ["top-left", "top-right", "bottom-left", "bottom-right"] as const;
/** One of `CORNERS`. */
export type Corner = (typeof CORNERS)[number];

/** A patch that is the same on every image: `stamped` puts it there. */
export interface Trigger {
  /** 1 where the patch lies, 0 elsewhere. [1,1,h,w] */
  readonly mask: Tensor;
  /** What stands there. [1,c,h,w] */
  readonly pattern: Tensor;
}

/** Size and corner of a patch. */
export interface TriggerOptions {
  /** Side of the square in pixels; default a seventh of the image's shorter side. */
  readonly side?: number;
  /** Default bottom right. */
  readonly corner?: Corner;
}

const TRIGGER_OPTIONS: KindsOf<TriggerOptions> = {
  side: aNumber,
  corner: wordOf(...CORNERS),
};

/** A square in a corner, one pixel from the border where there is room, the lowest and the highest valid value in turn like a
 *  chequerboard. @throws ShapeError for samples that are no images, RangeError for a side that the image does not have. */
export function cornerTrigger(domain: Domain, options: TriggerOptions = {}): Trigger {
  requireArguments("cornerTrigger", { domain: [domain, aDomain] });
  const { shape, range } = domain;
  const { side, corner = "bottom-right" } = checkedOptions("cornerTrigger", options, TRIGGER_OPTIONS);
  if (shape.length !== 3) throw new ShapeError(`trigger: samples of [${shape}] came; images [c,h,w] are needed`);
  const [c, h, w] = shape;
  const size = side ?? Math.max(1, Math.floor(Math.min(h, w) / 7));
  if (!Number.isInteger(size) || size < 1 || size > Math.min(h, w))
    throw new RangeError(`trigger: a side of ${size} in images of ${h}×${w}; 1 to ${Math.min(h, w)} is needed`);
  const inside = cornerSquare(h, w, size, corner);
  const bound = (b: number | readonly number[], i: number): number => (typeof b === "number" ? b : b[i]);
  return {
    mask: tensor(inside, [1, 1, h, w]),
    pattern: tensor(
      Float32Array.from({ length: c * h * w }, (_, i) => {
        const p = i % (h * w);
        const bright = (Math.floor(p / w) + (p % w)) % 2 === 0;
        return inside[p] * bound(bright ? range.high : range.low, i);
      }),
      [1, c, h, w],
    ),
  };
}

/** 1 in a square of `size` pixels in a corner, a pixel from the border where there is room. [h·w] */
export function cornerSquare(h: number, w: number, size: number, corner: Corner): Float32Array {
  const margin = size < Math.min(h, w) ? 1 : 0;
  const top = corner.startsWith("top") ? margin : h - margin - size;
  const left = corner.endsWith("left") ? margin : w - margin - size;
  return Float32Array.from({ length: h * w }, (_, p) => {
    const [i, j] = [Math.floor(p / w) - top, (p % w) - left];
    return Number(i >= 0 && i < size && j >= 0 && j < size);
  });
}

/** Images [n,c,h,w] with the patch. @throws ShapeError for images of another shape. */
export function stamped(x: Tensor, trigger: Trigger): Tensor {
  requireArguments("stamped", { x: [x, aTensor], trigger: [trigger, aTrigger] });
  const { mask, pattern } = trigger;
  if (x.shape.slice(1).join() !== pattern.shape.slice(1).join())
    throw new ShapeError(
      `stamped: ${describe(x)} came for a patch on ${describe(pattern)}; images of that shape are needed`,
    );
  return add(mul(x, sub(1, mask)), mul(pattern, mask));
}
