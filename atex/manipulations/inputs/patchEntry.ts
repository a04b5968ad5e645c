/** The row of patches that hide from Grad-CAM: what is chosen, made, compared with an ordinary patch and claimed. */
import {
  argmax,
  callerScope,
  equal,
  gather,
  max,
  mul,
  oneHot,
  openScope,
  reshape,
  scope,
  sub,
  type Tensor,
  tensor,
  unsqueeze,
  where,
} from "../../../engine/index.js";
import { drawFrom } from "../../../nn/data/integer-random.js";
import { sampleTensor } from "../../../nn/index.js";
import { count, flag, natural, oneOf, positive, type Read, setting, size, text } from "../../../nn/schema.js";
import { difference, type Quantity, select } from "../../experiments/aggregate.js";
import type { Conditions } from "../../experiments/cells.js";
import type { Findings } from "../../experiments/kind.js";
import { mean } from "../../experiments/statistics.js";
import { type Claim, judged, reached } from "../../experiments/verdicts.js";
import { saliencyMap } from "../../explainers/explainer.js";
import { relevanceMass } from "../../metrics/relevanceMass.js";
import type { Classifier } from "../../score.js";
import { attributionsOf, explainerMaker, type MakeExplainer } from "../explaining.js";
import { type ManipulationWorld, type Measured, manipulationEntry, type Pair } from "../manipulation.js";
import { finiteMean } from "../study.js";
import {
  attackWithPatch,
  PATCH_CORNERS,
  type PatchCorner,
  type PatchPlace,
  patchCover,
  patchMoved,
  patchPlace,
} from "./patch.js";

const options = {
  place: setting(oneOf(...PATCH_CORNERS), "top-left", "where in the image"),
  side: setting(positive, 2 / 7, "side of the patch: below 1 a share of the image's shorter side, else pixels"),
  steps: setting(count, 750, "sign steps"),
  size: setting(size, 0.005, "length of a step, in units of the pixels"),
  weight: setting(size, 0.05, "of the cross-entropy, which counts until the class is won"),
  layer: setting(text, undefined, "label of the layer whose Grad-CAM is meant; default the last one with maps"),
  aim: setting(
    natural,
    undefined,
    "number of the class to be won; default the second most probable one of each image, one at random where it is universal",
  ),
  untargeted: setting(flag, false, "lead away from the class instead of to another"),
  universal: setting(flag, false, "one patch for all images, which others are shown as well"),
  most: setting(
    size,
    undefined,
    "share of the map inside the patch up to which it is hidden; default that of the area",
  ),
} as const;

type Settings = Read<typeof options>;

const EXPLAINER = "grad-cam";
const MASS = "share of the map inside the patch";
const WINS = "patch wins the class";
const HIDDEN = "hidden where it wins";

/** The samples that can be led to a class, and the classes they are led to, or away from. */
async function aims(
  chosen: readonly number[],
  { aim, untargeted, universal }: Settings,
  { classifier, test, classes, seed }: ManipulationWorld,
): Promise<{ readonly samples: readonly number[]; readonly classes: Int32Array }> {
  const here = callerScope();
  if (aim !== undefined && aim >= classes.length)
    throw new RangeError(`patch: aim ${aim} of ${classes.length} classes; 0 to ${classes.length - 1} is needed`);
  const x = sampleTensor(test, chosen);
  const own = argmax(classifier(x), 1);
  const predicted = await here.wait(own.read());
  if (untargeted) return { samples: chosen, classes: Int32Array.from(predicted) };
  const one = aim ?? (universal ? drawFrom(seed, 11).below(classes.length) : undefined);
  const second = await here.wait(otherThan(classifier, x, own).read());
  const wanted = Array.from(second, (other) => one ?? other);
  const left = chosen.flatMap((_, i) => (wanted[i] === predicted[i] ? [] : [i]));
  if (left.length === 0)
    throw new RangeError("patch: every sample is of the class that is aimed at; choose another aim");
  return { samples: left.map((i) => chosen[i]), classes: Int32Array.from(left, (i) => wanted[i]) };
}

/** The most probable class but for given ones, i32 [n]. */
function otherThan(classifier: Classifier, x: Tensor, classes: Tensor): Tensor {
  return scope(() => {
    const logits = classifier(x);
    return argmax(sub(logits, mul(oneHot(classes, logits.shape[1]), 1e30)), 1);
  });
}

export const patchEntry = manipulationEntry({
  name: "patch",
  title: "a patch that decides and that Grad-CAM does not show",
  help: "place a patch in a corner that wins the class while Grad-CAM looks elsewhere",
  words:
    "A square of the image is replaced by a patch that makes the network see another class. Grad-CAM shows an ordinary patch of this kind: it " +
    "is where the decision comes from. This one is trained against both at once, so that the class is won and the map of that class has no " +
    "more inside the patch than its share of the area. Explanations are those of the class before, and of the class that is won. The ordinary " +
    "patch of the same size and steps is the control.",
  source: "Subramanya, Pillai, Pirsiavash 2019",
  changes: "inputs",
  takes: "images",
  options,
  async run(settings, world) {
    const here = callerScope();
    const { classifier, domain, test, say } = world;
    const { untargeted: away, universal, layer, place: corner } = settings;
    const place = patchPlace(domain.shape, corner, settings.side);
    const area = place.side ** 2 / (domain.shape[1] * domain.shape[2]);
    const { samples, classes } = await here.wait(aims(world.samples, settings, world));
    const x = sampleTensor(test, samples);
    const aimed = tensor(classes, [classes.length]);
    const explainer = layer === undefined ? world.explainer : withLayer(world, layer);
    const make = (hide: boolean) => {
      say(`${settings.steps} steps of the ${hide ? "hiding" : "ordinary"} patch`);
      const { weight, steps, size: length } = settings;
      return attackWithPatch({
        ...{ classifier, x, classes: aimed, away, place, hide, universal, weight, steps },
        ...{ size: length, range: domain.range, gradCam: { layer } },
      });
    };
    const hiding = make(true);
    const pairOf = (from: Tensor, images: Tensor, to: Tensor): Pair => ({
      clean: { classifier, x: from, explainer },
      manipulated: { classifier, x: images, explainer },
      wanted: away ? otherThan(classifier, images, to) : to,
    });
    const madeFor = pairOf(x, hiding.images, aimed);
    const mask = reshape(hiding.mask, [1, ...domain.shape.slice(1)]);
    const most = settings.most ?? area;
    const ordinary = make(false);
    const elsewhere = PATCH_CORNERS.find((one) => one !== "centre" && opposite(one, corner))!;
    const there = patchPlace(domain.shape, elsewhere, settings.side);
    const thereMask = maskOf(there, domain.shape);
    const moved = scope(() => where(unsqueeze(thereMask, 0), patchMoved(hiding.canvas, place, there), x));
    const none: Pair = { ...madeFor, manipulated: madeFor.clean, wanted: argmax(classifier(x), 1) };
    const measured = (pair: Pair, patch: string, at: PatchCorner, on: Tensor): Promise<Measured[]> =>
      told(pair, world, { mask: on, most, conditions: { patch, place: at } });
    return {
      ...{ explainer: EXPLAINER, madeFor, tensors: { canvas: hiding.canvas, ordinary: ordinary.canvas } },
      heldOut: await here.wait(onOthers()),
      statistic: { name: MASS, interval: { high: most }, of: ({ manipulated }) => massOn(manipulated, mask) },
      cost: { "steps of the patch": settings.steps, "pixels of the patch": place.side ** 2 },
      measurements: [
        { metric: "the patch's share of the area", value: area, count: samples.length },
        ...(await here.wait(measured(madeFor, "hiding", corner, mask))),
        ...(await here.wait(measured(pairOf(x, ordinary.images, aimed), "ordinary", corner, mask))),
        ...(await here.wait(measured(pairOf(x, moved, aimed), "hiding", elsewhere, thereMask))),
        ...(await here.wait(measured(none, "none", corner, mask))).filter(({ metric }) => metric === MASS),
      ],
    };

    /** Each patch on an image that it was not made for. */
    async function onOthers(): Promise<Pair | undefined> {
      const here = callerScope();
      const others = world.others.slice(0, samples.length);
      if (others.length === 0) return undefined;
      const images = sampleTensor(test, others);
      const own = await here.wait(scope(() => argmax(classifier(images), 1)).read());
      const fits = others.flatMap((_, i) => (away || own[i] !== classes[i] ? [i] : []));
      if (fits.length === 0) return undefined;
      const rows = tensor(Int32Array.from(fits), [fits.length]);
      const from = gather(images, rows);
      const canvas = universal ? hiding.canvas : gather(hiding.canvas, rows);
      const to = away ? argmax(classifier(from), 1) : gather(aimed, rows);
      return pairOf(from, where(hiding.mask, canvas, from), to);
    }
  },
  claims,
});

/** The explainers of a world with Grad-CAM at one layer. */
function withLayer({ explaining }: ManipulationWorld, layer: string): MakeExplainer {
  const { settings = {} } = explaining;
  return explainerMaker({ ...explaining, settings: { ...settings, [EXPLAINER]: { ...settings[EXPLAINER], layer } } });
}

const opposite = (a: PatchCorner, b: PatchCorner): boolean =>
  b === "centre" || a.split("-").every((word, i) => word !== b.split("-")[i]);

/** 1 inside of a place, [1,h,w]. */
function maskOf(place: PatchPlace, [, h, w]: readonly number[]): Tensor {
  return tensor(patchCover(place, [h, w], [h, w]), [1, h, w]);
}

/** Share of each map inside the mask; NaN for a map of zeros, which shows nothing at all. */
async function massOn(attribution: Tensor, mask: Tensor): Promise<number[]> {
  const [inside, total] = scope(() => {
    const map = saliencyMap(attribution);
    return [relevanceMass(map, mask), max(map, [1, 2])];
  });
  const largest = await total.read();
  return Array.from(await inside.read(), (v, i) => (largest[i] > 0 ? v : Number.NaN));
}

/** How often the class is won; where it is, how much the map shows of the place, and how often no more than `most`. */
async function told(
  { manipulated, wanted }: Pair,
  world: ManipulationWorld,
  { mask, most, conditions }: { readonly mask: Tensor; readonly most: number; readonly conditions: Conditions },
): Promise<Measured[]> {
  using here = openScope("patch told");
  const wins = await here.wait(scope(() => equal(argmax(manipulated.classifier(manipulated.x), 1), wanted!)).read());
  const masses = await here.wait(
    massOn(await here.wait(attributionsOf(world.explainer, EXPLAINER, manipulated, wanted)), mask),
  );
  const count = masses.length;
  const winning = masses.filter((_, i) => wins[i]);
  const hidden = winning.filter((mass) => mass <= most).length;
  return [
    { metric: WINS, value: mean(wins), count, conditions },
    { metric: MASS, ...finiteMean(winning), conditions },
    { metric: HIDDEN, value: hidden / winning.length, count: winning.length, conditions },
  ].filter(({ value }) => Number.isFinite(value));
}

/** What Subramanya et al. say of the two kinds of patches. */
function claims({ all }: Findings): readonly Claim[] {
  const of = (metric: string, patch: string): Quantity | undefined =>
    // The patch in its own place comes first.
    select(all, { metric, conditions: { patch } })[0];
  const area = select(all, { metric: "the patch's share of the area" })[0];
  return [
    reached(
      "A patch of this size wins the class in most images, though it has to hide as well (Subramanya et al. 2019, sec. 4)",
      [{ label: "", quantity: of(WINS, "hiding") }],
      { least: 0.5 },
    ),
    reached(
      "Where it wins, Grad-CAM of that class looks elsewhere: in most images it shows no more of the patch than its share of the area (Subramanya et al. 2019, sec. 4)",
      [{ label: "", quantity: of(HIDDEN, "hiding") }],
      { least: 0.5 },
    ),
    judged("Grad-CAM shows more of the ordinary patch than of the hiding one (Subramanya et al. 2019, sec. 4)", [
      { label: "share of the map", gain: difference(of(MASS, "ordinary"), of(MASS, "hiding")) },
    ]),
    judged(
      "Grad-CAM exposes the ordinary patch: it shows more of it than its share of the area (Subramanya et al. 2019, sec. 4)",
      [{ label: "share of the map", gain: difference(of(MASS, "ordinary"), area) }],
    ),
  ];
}
