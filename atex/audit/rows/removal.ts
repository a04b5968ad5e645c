/** Row 4: what an explanation calls important makes the score fall when it is removed, and what it calls unimportant does not. */
import { callerScope, mean, neg, random, reshape, scope, sub, sum, type Tensor } from "../../../engine/index.js";
import type { Domain } from "../../../nn/index.js";
import { count, list, number, oneOf, type Read, setting, size } from "../../../nn/schema.js";
import { estimate } from "../../experiments/statistics.js";
import { saliencyMap } from "../../explainers/explainer.js";
import { isTable } from "../../explainers/features.js";
import { gaussianBlur } from "../../metrics/blur.js";
import { groupsOf } from "../../metrics/groups.js";
import {
  blurImputer,
  constantImputer,
  type Imputer,
  marginalImputer,
  noisyLinearImputer,
  rowImputer,
} from "../../metrics/imputers.js";
import { removalCurve } from "../../metrics/removal.js";
import type { PlotOptions } from "../../render/plot.js";
import { classScore, type Score } from "../../score.js";
import { type AuditJudgement, type AuditMeasurement, type AuditWorld, auditRow, type Candidate } from "../audit.js";
import { advantage, isAbove, isBelow, leastTau, withInterval } from "../beside.js";
import { mapsOf, overBatches } from "../maps.js";
import { meanNumber, numberOf } from "../numbers.js";
import { partCounts, partsIn } from "../parts.js";

const options = {
  shares: setting(
    list(number({ min: 0, max: 1 })),
    [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9],
    "shares of the pixels or features that are removed, point by point",
  ),
  noise: setting(size, 0.01, "deviation of the noise of noisy linear imputation, in units of the input"),
  draws: setting(count, 5, "fillings of a table that scores are averaged over, where they are drawn"),
  order: setting(
    oneOf("absolute", "signed"),
    undefined,
    "whether what speaks against the class counts as important (absolute), or as the least important of all (signed); default absolute for images, signed for tables",
  ),
  output: setting(oneOf("logit", "probability"), "logit", "whose fall is measured"),
  blur: setting(number({ min: 0.1 }), 1, "deviation in pixels by which the blurred copies of maps are blurred"),
};
type Settings = Read<typeof options>;

const FIRST = "fall, most relevant first";
const LAST = "fall, least relevant first";
/** Symmetric relevance gain: what the order tells apart, whatever removal itself does (2401.06654). */
const GAIN = "gain of the order";
const BLURRED = "gain of the order, blurred copy of the map";

async function measure(
  settings: Settings,
  world: AuditWorld,
  candidate: Candidate | undefined,
): Promise<AuditMeasurement> {
  const here = callerScope();
  const { domain, classifier } = world;
  const imputers = imputersOf(settings, world);
  const counts = partCounts(partsIn(domain), settings.shares);
  const found = await here.wait(
    overBatches(world, "removal", async (batch) => {
      const here = callerScope();
      const score = classScore(classifier, batch.classes, { of: settings.output });
      const attribution = await here.wait(mapsOf(world, candidate!, batch));
      const map = scope(() => orderedBy(attribution, settings.order ?? (isTable(domain) ? "signed" : "absolute")));
      const blurred = domain.shape.length === 3 ? scope(() => blurredMap(map, settings.blur)) : undefined;
      const values = new Map<string, number[]>();
      for (const imputer of imputers) {
        const falls = (of: Tensor): Promise<Falls> => fallsOf(world, imputer, score, batch.x, of, counts);
        const own = await here.wait(falls(map));
        for (const [k, removed] of counts.entries()) {
          values.set(pointOf(imputer, FIRST, removed), own.first[k]);
          values.set(pointOf(imputer, LAST, removed), own.last[k]);
        }
        const areas: [string, readonly number[]][] = [
          [FIRST, average(own.first)],
          [LAST, average(own.last)],
          [GAIN, gainOf(own)],
        ];
        if (blurred) areas.push([BLURRED, gainOf(await here.wait(falls(blurred)))]);
        for (const [name, each] of areas) values.set(`${imputer.name}/${name}`, [...each]);
      }
      return values;
    }),
  );
  const names = [FIRST, LAST, GAIN, BLURRED];
  const numbers = imputers.flatMap(({ name: imputer }) =>
    names.flatMap((name) => {
      const values = found.get(`${imputer}/${name}`);
      return values ? [meanNumber(name, values, imputer)] : [];
    }),
  );
  const plots = imputers.map((imputer) => plotOf(imputer, counts, domain, found));
  return { numbers, plots };
}

/** What stands for what is removed: three choices, none of which is right. */
function imputersOf({ noise, draws }: Settings, { domain, explaining: { background } }: AuditWorld): Imputer[] {
  const centre = constantImputer("data mean", mean(background, 0, { keepDims: true }));
  return isTable(domain)
    ? [centre, rowImputer(background, draws), marginalImputer(background, domain.features, draws)]
    : [noisyLinearImputer({ noise }), blurImputer(), centre];
}

/** What decides the order: [n,c,h,w] → [n,h,w]; a table's stays. */
function orderedBy(attribution: Tensor, order: "absolute" | "signed"): Tensor {
  if (order === "absolute") return saliencyMap(attribution);
  return attribution.rank === 4 ? sum(attribution, 1) : attribution;
}

function blurredMap(map: Tensor, sigma: number): Tensor {
  const [n, h, w] = map.shape;
  return reshape(gaussianBlur(reshape(map, [n, 1, h, w]), sigma), [n, h, w]);
}

/** How far the score has fallen, [points][samples]. */
interface Falls {
  readonly first: readonly number[][];
  readonly last: readonly number[][];
}

async function fallsOf(
  { domain, seed }: AuditWorld,
  imputer: Imputer,
  score: Score,
  x: Tensor,
  map: Tensor,
  counts: readonly number[],
): Promise<Falls> {
  const here = callerScope();
  const [first, last] = scope(() => {
    const groups = groupsOf("removal", x, map, domain.features);
    const whole = score(x);
    const fall = (values: Tensor): Tensor =>
      sub(whole, removalCurve(score, x, groups, values, { imputer, counts, key: random.key(seed) }));
    return [fall(groups.values), fall(neg(groups.values))];
  });
  const n = x.shape[0];
  const rowsOf = (all: ArrayLike<number>): number[][] =>
    counts.map((_, k) => Array.from({ length: n }, (_, i) => all[k * n + i]));
  return { first: rowsOf(await here.wait(first.read())), last: rowsOf(await here.wait(last.read())) };
}

/** Over the points, sample by sample. */
function average(points: readonly (readonly number[])[]): number[] {
  return points[0].map((_, i) => points.reduce((total, point) => total + point[i], 0) / points.length);
}

function gainOf({ first, last }: Falls): number[] {
  const least = average(last);
  return average(first).map((fall, i) => fall - least[i]);
}

const pointOf = ({ name }: Imputer, curve: string, removed: number): string => `${name}/${curve}/${removed}`;

function plotOf(
  imputer: Imputer,
  counts: readonly number[],
  domain: Domain,
  found: ReadonlyMap<string, readonly number[]>,
): PlotOptions {
  const pointsOf = (curve: string): PlotOptions["series"][number]["points"] =>
    counts.flatMap((removed) => {
      const finite = (found.get(pointOf(imputer, curve, removed)) ?? []).filter(Number.isFinite);
      if (finite.length === 0) return [];
      const { mean: y, half } = estimate(finite);
      return [{ x: removed / partsIn(domain), y, half }];
    });
  return {
    ...{ title: `Removed and filled: ${imputer.name}`, x: "share removed", y: "fall of the score" },
    series: [
      { name: "most relevant first", points: pointsOf(FIRST) },
      { name: "least relevant first", points: pointsOf(LAST), dashed: true },
    ],
  };
}

/** Whether the order of an explainer is better than chance under an imputer: both falls, sample by sample. */
function beats(own: AuditMeasurement, other: AuditMeasurement, imputer: string): boolean {
  return isAbove(advantage(own, other, FIRST, imputer)) && isBelow(advantage(own, other, LAST, imputer));
}

function judge(
  own: AuditMeasurement,
  controls: Readonly<Record<string, AuditMeasurement>>,
  { output }: Pick<Settings, "output">,
): AuditJudgement {
  const { random: chance } = controls;
  if (!chance)
    return {
      verdict: "not tested",
      sentence: "It was not tested against a random map, without which a falling score says nothing.",
      caveats: [],
    };
  const imputers = own.numbers.filter(({ name }) => name === GAIN).map(({ setting: imputer }) => imputer!);
  const failed = imputers.filter((imputer) => !beats(own, chance, imputer));
  const caveats: string[] = [];
  for (const [name, measured] of Object.entries(controls)) {
    if (measured === chance) continue;
    const equals = imputers.filter((imputer) => !isAbove(advantage(own, measured, GAIN, imputer)));
    if (equals.length > 0) caveats.push(`the control "${name}" is as good with ${equals.join(", ")}`);
  }
  const blurred = imputers.filter((imputer) => {
    const [sharp, soft] = [numberOf(own, GAIN, imputer), numberOf(own, BLURRED, imputer)];
    return sharp && soft && !(soft.value < sharp.value);
  });
  if (blurred.length > 0)
    caveats.push(`a blurred copy of the map, which knows less, is at least as good with ${blurred.join(", ")}`);
  const everyone = [own, ...Object.values(controls)];
  const tau = leastTau(imputers.map((imputer) => everyone.map((one) => numberOf(one, GAIN, imputer)!.value)));
  if (tau < 1)
    caveats.push(
      `what stands for the removed changes the order of explainer and controls (Kendall's tau down to ${tau.toFixed(2)})`,
    );
  if (failed.length === 0) {
    const gains = imputers.map((imputer) => advantage(own, chance, GAIN, imputer)!);
    const least = gains.reduce((a, b) => (b.low < a.low ? b : a));
    return {
      verdict: "holds",
      sentence:
        `Removing what it calls important lowers the score more than chance, and removing what it calls unimportant less, with all ${imputers.length} ` +
        `ways to fill the gaps: together by at least ${withInterval(least)} of the ${output} more than a random order, with ${least.setting}.`,
      caveats,
    };
  }
  const worst = failed
    .map((imputer) => advantage(own, chance, GAIN, imputer)!)
    .reduce((a, b) => (b.value < a.value ? b : a));
  if (failed.every((imputer) => numberOf(own, GAIN, imputer)!.value > numberOf(chance, GAIN, imputer)!.value))
    caveats.push(`the means point the right way, but ${worst.n} samples do not make it clear`);
  return {
    verdict: "does not hold",
    sentence:
      `With ${failed.length} of ${imputers.length} ways to fill the gaps (${failed.join(", ")}) its order of removal is not clearly better than a random one: ` +
      `it gains ${withInterval(worst)} of the ${output} on it, with ${worst.setting}.`,
    caveats,
  };
}

export const removalRow = auditRow({
  number: 4,
  name: "removal",
  title: "Faithful by removal",
  question: "Does the score fall when what it calls important is removed, and stay when the rest is?",
  words:
    "Pixels or features are removed in the order of the map, the most relevant first, and once more the least relevant first; what is removed is filled in three ways: for " +
    "images the weighted mean of the neighbours with noise (ROAD), a blurred copy, the mean of the data; for tables the mean, another row, each feature from a row of its " +
    "own. Images go by absolute values, as maps are shown; tables with signs, for what speaks against a class raises its score when it is removed. The fall of the score is averaged over the shares removed, and compared sample by sample with a random order, drawn anew for each sample; the gain is the " +
    "difference of both falls. Whatever is filled in, such inputs are unlike the data, and a network may answer to that. Scores of removal reward blurred maps, so a " +
    "blurred copy of every map stands beside it.",
  source:
    "Samek et al. 2017; Rong et al. 2022 (ROAD); Blücher, Vielhaben, Strodthoff 2024 (2401.06654); 2304.13836 (blur)",
  about: "explainer",
  takes: "images and tables",
  options,
  quick: { shares: [0.05, 0.2, 0.5, 0.8], draws: 3 },
  measure,
  judge,
});
