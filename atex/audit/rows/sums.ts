/** Row 5: the numbers of an explanation add up to what the network does. */
import { abs, callerScope, div, equal, mean, scope, sum, type Tensor, where } from "../../../engine/index.js";
import { count, list, number, type Read, setting, size } from "../../../nn/schema.js";
import type { Explainer } from "../../explainers/explainer.js";
import {
  type Change,
  changeCorrelation,
  noiseChange,
  saidAndHappened,
  squareChange,
  subsetChange,
  unexplainedShare,
} from "../../metrics/changes.js";
import type { PlotOptions } from "../../render/plot.js";
import { classScore, type Score } from "../../score.js";
import {
  type AuditJudgement,
  type AuditMeasurement,
  type AuditNumber,
  type AuditWorld,
  auditRow,
  type Candidate,
} from "../audit.js";
import { advantage, isAbove, isBelow, withInterval } from "../beside.js";
import { mapsOf, overBatches } from "../maps.js";
import { meanNumber, numberOf } from "../numbers.js";
import { partCounts, partsIn } from "../parts.js";

const options = {
  sizes: setting(
    list(number({ min: 0, max: 1 })),
    [0.02, 0.1, 0.3, 0.6],
    "shares of the pixels or features that are removed together, for sensitivity-n",
  ),
  subsets: setting(count, 100, "random subsets of each size"),
  sigmas: setting(list(size), [0.05, 0.2], "deviations of the noise of infidelity, in units of the input range"),
  draws: setting(count, 50, "random perturbations of each kind"),
  gap: setting(
    number({ min: 0, max: 1 }),
    0.05,
    "how far a promised sum may be missed, as a share of the sum of absolute attributions",
  ),
};
type Settings = Read<typeof options>;

const GAP = "completeness gap";
const LEFT = "share of the change that is not explained";
const CORRELATION = "sensitivity-n";

/** What is done to the input: numbers of one family answer one question. */
const FAMILIES = ["noise", "to zero", "to the mean"] as const;
type Family = (typeof FAMILIES)[number];
const familyOf = ({ setting: under = "" }: AuditNumber): Family => FAMILIES.find((family) => under.includes(family))!;

interface Measure {
  readonly name: typeof LEFT | typeof CORRELATION;
  readonly setting: string;
  readonly change: Change;
  readonly draws: number;
}

const OF = { [LEFT]: unexplainedShare, [CORRELATION]: changeCorrelation } as const;

async function measure(
  settings: Settings,
  world: AuditWorld,
  candidate: Candidate | undefined,
): Promise<AuditMeasurement> {
  const here = callerScope();
  const { domain, classifier, seed } = world;
  const measures = measuresOf(settings, world);
  const found = await here.wait(
    overBatches(world, "sums", async (batch) => {
      const here = callerScope();
      const { x, classes, from } = batch;
      const attribution = await here.wait(mapsOf(world, candidate!, batch));
      const score = classScore(classifier, classes);
      const values = new Map<string, ArrayLike<number>>();
      for (const [i, one] of measures.entries()) {
        // The same for every candidate, other ones for every batch and measure.
        const own = 1009 * (1009 * seed + from) + i;
        const each = scope(() => {
          const [said, happened] = saidAndHappened(score, x, attribution, {
            change: one.change,
            samples: one.draws,
            seed: own,
          });
          return OF[one.name](said, happened);
        });
        values.set(keyOf(one), await here.wait(each.read()));
      }
      const { gap } = candidate!.control ? {} : await here.wait(candidate!.make(world, x));
      if (gap) values.set(GAP, await here.wait(scope(() => relativeGap(gap, score, x, attribution)).read()));
      return values;
    }),
  );
  const numbers = measures.map((one) => meanNumber(one.name, found.get(keyOf(one))!, one.setting));
  const gaps = found.get(GAP);
  return {
    numbers: gaps ? [...numbers, meanNumber(GAP, gaps)] : numbers,
    plots: [plotOf(numbers, partCounts(partsIn(domain), settings.sizes))].filter(({ series }) => series.length > 0),
  };
}

const keyOf = ({ name, setting: under }: Measure): string => `${name}/${under}`;

function measuresOf(
  { sizes, subsets, sigmas, draws }: Settings,
  { domain, explaining: { background } }: AuditWorld,
): Measure[] {
  const centre = mean(background, 0, { keepDims: true });
  const parts = partsIn(domain);
  const counts = parts > 1 ? partCounts(parts, sizes) : [];
  const explained = (under: string, change: Change): Measure => ({ name: LEFT, setting: under, change, draws });
  const correlated = (where: Family, baseline: Tensor | number): Measure[] =>
    counts.map((n) => ({
      ...{ name: CORRELATION, setting: `${n} of ${parts} ${where}`, draws: subsets },
      change: subsetChange(n, baseline, domain.features),
    }));
  return [
    ...sigmas.map((sigma) => explained(`noise ${sigma}`, noiseChange(sigma, domain.range))),
    ...(domain.shape.length === 3 ? [explained("squares to zero", squareChange())] : []),
    ...correlated("to zero", 0),
    ...correlated("to the mean", centre),
  ];
}

/** A gap as a share of the sum of absolute attributions; 0 where there is neither. */
function relativeGap(gap: NonNullable<Explainer["gap"]>, score: Score, x: Tensor, attribution: Tensor): Tensor {
  const axes = x.shape.slice(1).map((_, i) => i + 1);
  const total = sum(abs(attribution), axes);
  return div(abs(gap(score, x, attribution)), where(equal(total, 0), 1, total));
}

function plotOf(numbers: readonly AuditNumber[], counts: readonly number[]): PlotOptions {
  const correlations = numbers.filter(({ name }) => name === CORRELATION);
  const series = FAMILIES.slice(1).map((family) => ({
    name: `removed ${family}`,
    points: correlations
      .filter((one) => familyOf(one) === family)
      .flatMap(({ value, low }, i) => (Number.isFinite(value) ? [{ x: counts[i], y: value, half: value - low }] : [])),
  }));
  return {
    ...{ title: "Sensitivity-n", x: "parts removed together", y: "correlation of sum and fall" },
    series: series.filter(({ points }) => points.length > 0),
  };
}

/** Whether one is clearly more faithful than another under every setting of a family. */
function beats(own: AuditMeasurement, other: AuditMeasurement, family: Family): boolean {
  const asked = own.numbers.filter((one) => one.name !== GAP && familyOf(one) === family);
  return (
    asked.length > 0 &&
    asked.every(({ name, setting: under }) => {
      const difference = advantage(own, other, name, under);
      // One family is enough to hold.
      const clear = name === LEFT ? isBelow : isAbove;
      return clear(difference, FAMILIES.length);
    })
  );
}

const WORDS: Readonly<Record<Family, string>> = {
  noise: "when noise is added to the input",
  "to zero": "when parts of the input are set to zero",
  "to the mean": "when parts of the input are set to the mean of the data",
};

/** The least flattering of a family's numbers, in words. */
function worstOf(own: AuditMeasurement, family: Family): string {
  const of = (name: string): AuditNumber[] =>
    own.numbers.filter((one) => one.name === name && familyOf(one) === family && Number.isFinite(one.value));
  const [left, correlation] = [of(LEFT), of(CORRELATION)];
  if (correlation.length > 0) {
    const worst = correlation.reduce((a, b) => (b.value < a.value ? b : a));
    return `correlation of sum and fall ${withInterval(worst)} at worst (${worst.setting})`;
  }
  if (left.length === 0) return "nothing could be measured";
  const worst = left.reduce((a, b) => (b.value > a.value ? b : a));
  return `${(100 * (1 - worst.value)).toFixed(0)} % of the change explained at worst (${worst.setting})`;
}

function judge(
  own: AuditMeasurement,
  controls: Readonly<Record<string, AuditMeasurement>>,
  { gap: allowed }: Pick<Settings, "gap">,
): AuditJudgement {
  const { random: chance } = controls;
  if (!chance)
    return {
      verdict: "not tested",
      sentence: "It was not tested against a random map, without which a correlation says little.",
      caveats: [],
    };
  const good = FAMILIES.filter((family) => beats(own, chance, family));
  const caveats = FAMILIES.filter((family) => !good.includes(family)).map(
    (family) => `no clear advantage over a random map ${WORDS[family]}: ${worstOf(own, family)}`,
  );
  for (const [name, measured] of Object.entries(controls)) {
    const passes = good.filter((family) => beats(measured, chance, family));
    const alike = passes.filter((family) => !beats(own, measured, family));
    if (passes.length > 0)
      caveats.push(
        `the control "${name}" passes as well (${passes.join(", ")})${alike.length > 0 ? ", and the explainer is not clearly better" : ", less clearly"}`,
      );
  }
  const gap = numberOf(own, GAP);
  const missed = gap !== undefined && (gap.low > allowed || Number.isNaN(gap.value));
  const promise = gap ? ` It misses the sum that it promises by ${(100 * gap.value).toFixed(1)} % of its size.` : "";
  if (missed)
    return {
      verdict: "does not hold",
      sentence: `It misses the sum that it promises by ${(100 * gap.value).toFixed(1)} % of its size; ${100 * allowed} % is allowed.`,
      caveats,
    };
  if (good.length === 0)
    return {
      verdict: "does not hold",
      sentence: `Its numbers do not add up to what the network does: in none of ${FAMILIES.length} kinds of change is it better than a random map throughout.${promise}`,
      caveats,
    };
  return {
    verdict: "holds",
    sentence: `Its numbers go with what the network does ${good.map((family) => `${WORDS[family]} (${worstOf(own, family)})`).join(", and ")}; a random map is clearly worse.${promise}`,
    caveats,
  };
}

export const sumsRow = auditRow({
  number: 5,
  name: "sums",
  title: "Faithful by sums",
  question: "Do the numbers of the explanation add up to what the network does?",
  words:
    "Where a method promises a sum (completeness), how far it misses it. Then, with signs: how much of the network's answer to random changes the attributions explain, as the " +
    "sum of change times attribution with the best factor (infidelity, for noise of several sizes and for squares set to zero); and how well the sum of the attributions of a " +
    "random subset goes with the fall of the score when it is removed (sensitivity-n, several sizes, to zero and to the mean of the data). These are different questions: " +
    "gradients answer to small changes, products with the input to removal. It holds if one of the three kinds of change shows it clearly better than a random map " +
    "under every setting, with intervals that are wider for there being three chances; the caveats name the others.",
  source: "Sundararajan et al. 2017 (completeness); Yeh et al. 2019 (infidelity); Ancona et al. 2018 (sensitivity-n)",
  about: "explainer",
  takes: "images and tables",
  options,
  quick: { sizes: [0.05, 0.3, 0.6], subsets: 50, draws: 30 },
  measure,
  judge,
});
