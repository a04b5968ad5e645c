import { callerScope, random, ShapeError, type Tensor, tensor } from "../../engine/index.js";
import { aCount, aKey, aShape } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";

/** A square block of ones at a random place of each image, zeros elsewhere: x [n,c,h,w] → [n,h,w]. The paper's targets are 5×5.
 *  Source: Tang et al. 2022, sec. 5.2. @throws ShapeError when the block does not fit. */
export async function randomBlocks(shape: readonly number[], key: Tensor, side = 5): Promise<Tensor> {
  requireArguments("randomBlocks", { shape: [shape, aShape], key: [key, aKey], side: [side, aCount] });
  const [n, ...sample] = shape;
  const here = callerScope();
  const [h, w] = sample.slice(-2);
  if (sample.length < 2 || h < side || w < side)
    throw new ShapeError(`randomBlocks: samples are [${sample}]; images of at least ${side}×${side} are needed`);
  const [rowKey, columnKey] = random.split(key, 2);
  const tops = await here.wait(random.randint(rowKey, [n], 0, h - side + 1).read());
  const lefts = await here.wait(random.randint(columnKey, [n], 0, w - side + 1).read());
  const masks = new Float32Array(n * h * w);
  for (let i = 0; i < n; i++)
    for (let p = 0; p < side * side; p++)
      masks[(i * h + tops[i] + Math.floor(p / side)) * w + lefts[i] + (p % side)] = 1;
  return tensor(masks, [n, h, w]);
}
