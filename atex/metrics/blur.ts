/** Gaussian blur, of images and of maps. */

import { conv2d, describe, div, ones, reshape, ShapeError, type Tensor, tensor } from "../../engine/index.js";
import { aNumber, aTensor } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";

/** x [n,c,h,w] blurred channel by channel with a Gaussian of deviation `sigma` pixels, cut off at three deviations or where the image
 *  ends; weights are those of the pixels there are, so that a constant image stays. @throws RangeError unless sigma is above 0. */
export function gaussianBlur(x: Tensor, sigma: number): Tensor {
  requireArguments("gaussianBlur", { x: [x, aTensor], sigma: [sigma, aNumber] });
  if (x.rank !== 4) throw new ShapeError(`gaussianBlur: ${describe(x)} came; images [n,c,h,w] are needed`);
  if (!(sigma > 0 && Number.isFinite(sigma)))
    throw new RangeError(`gaussianBlur: sigma ${sigma} came; a number of pixels above 0 is needed`);
  const [n, c, h, w] = x.shape;
  const along = (z: Tensor, side: number, shape: (taps: number) => number[]): Tensor => {
    const reach = Math.min(side - 1, Math.ceil(3 * sigma));
    const taps = Float64Array.from({ length: 2 * reach + 1 }, (_, i) =>
      Math.exp(-((i - reach) ** 2) / (2 * sigma ** 2)),
    );
    const line = tensor(taps, shape(taps.length));
    const sum = (v: Tensor): Tensor => conv2d(v, line, { padding: "same" });
    return div(sum(z), sum(ones([1, 1, h, w])));
  };
  const across = along(reshape(x, [n * c, 1, h, w]), w, (taps) => [1, 1, 1, taps]);
  return reshape(
    along(across, h, (taps) => [1, 1, taps, 1]),
    [n, c, h, w],
  );
}
