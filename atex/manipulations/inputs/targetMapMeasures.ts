/** What is special about target maps: how much of the target shows, whether smoothing takes it away, and the bound by curvature. */
import {
  abs,
  callerScope,
  gather,
  max,
  mean,
  mul,
  random,
  scope,
  softmax,
  square,
  sub,
  type Tensor,
} from "../../../engine/index.js";
import { smoothed, surrogateOf } from "../../attacks/surrogate.js";
import type { Conditions, PictureRows } from "../../experiments/cells.js";
import { importanceMap } from "../../judge.js";
import { scaledToMax } from "../../metrics/importance.js";
import { pearson, squaredErrorOf } from "../../metrics/similarities.js";
import { ssim } from "../../metrics/ssim.js";
import { classScore } from "../../score.js";
import { attributionsOf, type MakeExplainer } from "../explaining.js";
import type { ManipulationWorld, Measured, Side } from "../manipulation.js";
import { finiteMean } from "../study.js";
import { levelSetWay } from "./levelSet.js";
import { firstSample } from "./resistance.js";

/** Under one explainer: the changed inputs, and relative importance before, after and as wanted. */
export interface Shown {
  readonly explainer: string;
  readonly x: Tensor;
  readonly target: Tensor;
  readonly clean: Tensor;
  readonly map: Tensor;
}

export interface ShownContext {
  readonly world: ManipulationWorld;
  readonly clean: Side;
  /** Explained classes, i32 [n]. */
  readonly classes: Tensor;
  /** The sample whose map each sample is to show, i32 [n]. */
  readonly others: Tensor;
  readonly explainer: MakeExplainer;
}

const meanOf = async (values: Tensor): Promise<number> => finiteMean(Array.from(await values.read())).value;

/** How alike the maps are to target and original, and what became of input and output. */
export async function measureShown(shown: readonly Shown[], { clean }: ShownContext): Promise<Measured[]> {
  const here = callerScope();
  const found: Measured[] = [];
  for (const { explainer, x, target, clean: original, map } of shown) {
    const add = async (metric: string, of: () => Tensor): Promise<void> =>
      void found.push({
        metric,
        value: await meanOf(scope(of)),
        count: x.shape[0],
        conditions: { explainer },
      });
    await here.wait(add("Pearson with target, before", () => pearson(target, original)));
    await here.wait(add("Pearson with target", () => pearson(target, map)));
    await here.wait(add("Pearson with original", () => pearson(original, map)));
    // Its window has 11 x 11 pixels.
    if (map.rank === 3 && Math.min(map.shape[1], map.shape[2]) >= 11) {
      await here.wait(add("SSIM with target", () => ssim(scaledToMax(target), scaledToMax(map), { range: 1 })));
      await here.wait(add("SSIM with original", () => ssim(scaledToMax(original), scaledToMax(map), { range: 1 })));
    }
    // Of maps of mean 1: that of maps of sum 1, as the paper has it, times the square of the number of elements.
    await here.wait(add("MSE with target", () => squaredErrorOf("mean")(target, map)));
    await here.wait(add("MSE with original", () => squaredErrorOf("mean")(original, map)));
    const outputs = (): Tensor => sub(softmax(clean.classifier(x)), softmax(clean.classifier(clean.x)));
    await here.wait(add("output change, largest", () => max(abs(outputs()), 1)));
    await here.wait(add("output change, MSE", () => mean(square(outputs()), 1)));
    await here.wait(
      add("input change, mean", () =>
        mean(
          abs(sub(x, clean.x)),
          x.shape.slice(1).map((_, i) => i + 1),
        ),
      ),
    );
  }
  return found;
}

/** Explains clean and changed inputs once more through a blunt softplus: the target should be gone and the clean map be back. */
export async function smoothedAgain(
  shown: readonly Shown[],
  { clean, classes, others, explainer: make, world }: ShownContext,
  betas: readonly number[],
): Promise<Measured[]> {
  const here = callerScope();
  if (!surrogateOf(clean.classifier, clean.x.shape.slice(1))) return [];
  const found: Measured[] = [];
  for (const { explainer, x } of shown)
    for (const beta of betas) {
      world.say(`${explainer} smoothed by softplus of sharpness ${beta}`);
      const classifier = smoothed(clean.classifier, beta);
      const maps = async (samples: Tensor): Promise<Tensor> => {
        const here = callerScope();
        return importanceMap(
          await here.wait(attributionsOf(make, explainer, { ...clean, classifier, x: samples }, classes)),
        );
      };
      const [before, after] = [await here.wait(maps(clean.x)), await here.wait(maps(x))];
      const conditions = { explainer, beta };
      const count = x.shape[0];
      const [withTarget, withClean] = scope(() => [pearson(gather(before, others), after), pearson(before, after)]);
      found.push(
        { metric: "smoothed: Pearson with target", value: await here.wait(meanOf(withTarget)), count, conditions },
        { metric: "smoothed: Pearson with clean", value: await here.wait(meanOf(withClean)), count, conditions },
      );
    }
  return found;
}

/** How far the gradient turned on the level set and how far it could, at networks of several sharpnesses. */
export async function curvatureOf(
  { x }: Shown,
  { clean, classes, world }: ShownContext,
  betas: readonly number[],
): Promise<Measured[]> {
  const here = callerScope();
  const kinks = surrogateOf(clean.classifier, clean.x.shape.slice(1)) !== undefined;
  const found: Measured[] = [];
  for (const beta of kinks ? betas : [0]) {
    world.say(`curvature of the level set${kinks ? `, sharpness ${beta}` : ""}`);
    const network = kinks ? smoothed(clean.classifier, beta) : clean.classifier;
    const key = random.fold(random.key(world.seed), 41);
    const way = levelSetWay({ score: classScore(network, classes), from: clean.x, to: x, key });
    const conditions: Conditions = kinks ? { beta } : {};
    const count = x.shape[0];
    const [turns, limits] = [
      await here.wait(way.turn.read()),
      await here.wait(scope(() => mul(way.curvature, way.length)).read()),
    ];
    const add = (metric: string, value: number): void => void found.push({ metric, value, count, conditions });
    add("level set: turn of the gradient", finiteMean(Array.from(turns)).value);
    add("level set: length of the way", await here.wait(meanOf(way.length)));
    add("level set: largest curvature", await here.wait(meanOf(way.curvature)));
    add("level set: bound, curvature times length", finiteMean(Array.from(limits)).value);
    add(
      "level set: share within the bound",
      finiteMean(Array.from(turns, (turn, i) => Number(turn <= limits[i]))).value,
    );
    add("level set: end off the changed input", await here.wait(meanOf(way.off)));
  }
  return found;
}

/** The first sample under each explainer: with its map, changed with its map, and the map that was wanted. */
export async function shownPictures(
  shown: readonly Shown[],
  { domain }: ManipulationWorld,
  x: Tensor,
): Promise<PictureRows> {
  const [channels, height, width] = domain.shape;
  const rows = await Promise.all(
    shown.map(async ({ explainer, x: changed, clean, map, target }) => ({
      label: explainer,
      cells: await Promise.all([x, clean, changed, map, target].map(firstSample)),
    })),
  );
  return {
    ...{ name: "explainers made to show a target", size: { channels, height, width }, rows },
    titles: ["input", "its explanation", "changed input", "its explanation", "target"],
    columns: ["image", "map", "image", "map", "map"],
  };
}
