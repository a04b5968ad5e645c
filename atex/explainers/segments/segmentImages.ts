import {
  callerScope,
  type Done,
  describe,
  type LongOptions,
  ShapeError,
  type Tensor,
  Turns,
} from "../../../engine/index.js";
import { aNumber, aTensor } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { type FeatureRange, PIXEL_RANGE } from "../../../nn/index.js";
import { aRange } from "../../../nn/kinds.js";
import { LONG_OPTIONS } from "../../kinds.js";
import type { Segments } from "../features.js";
import { labOf } from "./lab.js";
import { gridOf, slic } from "./slic.js";

/** `onProgress` counts images. */
export interface SegmentOptions extends LongOptions<Done> {
  /** Segments wanted in each image; default 50, half of the pixels of a tiny one. */
  readonly segments?: number;
  /** Weight of place against colour, default 10: larger makes rounder segments. Lightness runs from 0 to 100. */
  readonly compactness?: number;
  /** Rounds of assignment and averaging; default 10. */
  readonly rounds?: number;
  /** Values of black and white, or of no and full red, green and blue; default 0 and 1. */
  readonly range?: FeatureRange;
}

const SEGMENT_OPTIONS: KindsOf<SegmentOptions> = {
  segments: aNumber,
  compactness: aNumber,
  rounds: aNumber,
  range: aRange,
  ...LONG_OPTIONS,
};

/** Superpixels of grey or colour images, on the host: the same for the same image, whatever else is in the batch. x [n,c,h,w] with c 1
 *  or 3. Source: Achanta et al. 2012. @throws ShapeError for other images, RangeError for options out of range, the reason of `signal`. */
export async function segmentImages(x: Tensor, options: SegmentOptions = {}): Promise<Segments> {
  requireArguments("segmentImages", { x: [x, aTensor] });
  checkedOptions("segmentImages", options, SEGMENT_OPTIONS);
  const here = callerScope();
  const turns = new Turns("segmentImages", options);
  const { compactness = 10, rounds = 10, range = PIXEL_RANGE } = options;
  const [n, c, h, w] = x.shape;
  if (x.rank !== 4 || (c !== 1 && c !== 3))
    throw new ShapeError(`segmentImages: ${describe(x)} came; images [n,c,h,w] of 1 or 3 channels are needed`);
  const { segments = Math.min(50, Math.ceil((h * w) / 2)) } = options;
  const whole = [segments, rounds].every((v) => Number.isInteger(v) && v >= 1);
  if (!whole || !(compactness > 0) || segments > h * w)
    throw new RangeError(
      `segmentImages: ${segments} segments, ${rounds} rounds, compactness ${compactness} came for images of ${h}×${w}; 1 to ${h * w} ` +
        "segments, at least 1 round and a compactness above 0 are needed",
    );
  const values = await here.wait(x.read());
  const d = c * h * w;
  const bound = (b: number | readonly number[], i: number): number => (typeof b === "number" ? b : b[i]);
  const labels = new Int32Array(n * h * w);
  const colour = new Float64Array(3 * h * w);
  for (let image = 0; image < n; image++) {
    const unit = (channel: number, p: number): number => {
      const i = Math.min(channel, c - 1) * h * w + p;
      const [low, high] = [bound(range.low, i), bound(range.high, i)];
      return (values[image * d + i] - low) / (high - low);
    };
    for (let p = 0; p < h * w; p++) colour.set(labOf(unit(0, p), unit(1, p), unit(2, p)), 3 * p);
    labels.set(slic(colour, h, w, { segments, compactness, rounds }), image * h * w);
    await here.wait(turns.next({ done: image + 1, total: n }));
  }
  return { labels, shape: [n, h, w], count: gridOf(h, w, segments).count };
}
