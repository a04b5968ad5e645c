/** Row 8: what attacks leave of an explanation while the prediction stays. */
import { callerScope, type Tensor } from "../../../engine/index.js";
import { sampleTensor } from "../../../nn/index.js";
import { count, list, natural, number, oneOf, type Read, setting, size } from "../../../nn/schema.js";
import { samplesAtOnce } from "../../copies.js";
import type { PictureRows } from "../../experiments/cells.js";
import { saliencyMap } from "../../explainers/explainer.js";
import { mapRows } from "../../manipulations/models/mapRows.js";
import type { PlotOptions, Series } from "../../render/plot.js";
import { type Aim, attacksOn, type BatchAttacks, checkAttacks, flippedBy, hasSlope, type Left } from "../attacks.js";
import {
  type AuditJudgement,
  type AuditMeasurement,
  type AuditNumber,
  type AuditWorld,
  auditRow,
  type Candidate,
} from "../audit.js";
import { CHUNK } from "../maps.js";
import {
  boundedNumber,
  meanNumber,
  numberOf,
  pairedDifference,
  percent,
  plainNumber,
  shareNumber,
} from "../numbers.js";
import { requireImagesOrRows } from "../parts.js";

const share = number({ min: 0, max: 1 });

const options = {
  eps: setting(
    list(share),
    [0.01, 0.02, 0.04],
    "largest changes, as shares of the range of each pixel or numeric column; the smallest decides",
  ),
  kept: setting(share, 0.8, "rank correlation that has to be left at the smallest eps"),
  keptTop: setting(share, 0.5, "share of the most important pixels or columns that has to be left there"),
  steps: setting(count, 25, "steps of an attack by gradients, from each start"),
  stepSize: setting(size, 0.5, "length of the first step as a share of eps; steps shrink along a cosine"),
  restarts: setting(natural, 1, "random starts besides the one at the sample itself"),
  points: setting(count, 10, "copies of SmoothGrad and points of integrated gradients while they are attacked"),
  twinBeta: setting(number({ min: 1e-3 }), 20, "sharpness of the softplus through which relu networks are attacked"),
  k: setting(count, undefined, "pixels or columns at the top; default 50, or a third of a short row"),
  pixels: setting(natural, 1, "pixels that places at the top may be off, in the tolerant count"),
  draws: setting(count, 5, "random changes of the same size, of which the worst counts"),
  queries: setting(count, 300, "explanations asked for by an attack without gradients, of each sample and objective"),
  copies: setting(
    count,
    200,
    "copies of LIME, and as many coalitions of KernelSHAP, while they are asked by an attack",
  ),
  population: setting(count, 20, "candidates of a generation of it"),
  search: setting(
    oneOf("gradients", "both"),
    "gradients",
    "whether explainers with gradients are attacked by queries as well",
  ),
};
type Settings = Read<typeof options>;

const RANKS = "rank correlation left";
const TOP = "share of the top left";
const NEAR = "share of the top left, a few pixels off allowed";
const CENTRE = "shift of the centre in pixels";
const FLIPPED = "predictions flipped by an attack on them";
const BY_QUERIES = "attacked by queries alone";
const NAMES = { ranks: RANKS, top: TOP, near: NEAR } as const;
type Measure = keyof typeof NAMES;
const MEASURES = Object.keys(NAMES) as Measure[];
const CHANCE = "random change";

const under = (eps: number): string => `eps ${eps}`;

async function measure(settings: Settings, world: AuditWorld, candidate: Candidate | undefined) {
  const here = callerScope();
  const { test, samples, classes, domain, say } = world;
  requireImagesOrRows("attack", domain);
  const found = new Map<string, number[]>();
  const flips = new Map<number, boolean[]>();
  const sizes = [...settings.eps].sort((a, b) => a - b);
  let pictures: PictureRows[] = [];
  const chunk = samplesAtOnce(domain.shape, CHUNK);
  for (let from = 0; from < samples.length; from += chunk) {
    using _ = here.open("attack");
    const part = samples.slice(from, from + chunk);
    const batch = { x: sampleTensor(test, part), from };
    const attacks = await here.wait(attacksOn(settings, world, candidate!, batch));
    const note = (name: string, eps: number, values: readonly number[]): void => {
      const key = `${name}/${eps}`;
      found.set(key, [...(found.get(key) ?? []), ...values]);
    };
    // What is within a smaller reach is within a larger one.
    const worst = new Map<Measure, readonly number[]>();
    for (const eps of sizes) {
      using _ = here.open("eps");
      say(`attacks on ${candidate!.title}: ${from + part.length} of ${samples.length} samples, eps ${eps}`);
      const all = await here.wait(allAt(attacks, settings, eps));
      for (const measure of MEASURES) {
        const of = (left: Left): readonly (readonly number[])[] => (left[measure] ? [left[measure]] : []);
        const aimed = all.aimed.filter(({ aim }) => aim === (measure === "near" ? "top" : measure));
        const each = all.aimed.flatMap(({ left }) => of(left));
        if (each.length === 0) continue;
        const chance = all.chance.flatMap(of);
        worst.set(measure, least([...each, ...chance, ...(worst.has(measure) ? [worst.get(measure)!] : [])]));
        note(NAMES[measure], eps, worst.get(measure)!);
        note(`${NAMES[measure]}, attack on it`, eps, least(aimed.flatMap(({ left }) => of(left))));
        note(`${NAMES[measure]}, ${CHANCE}`, eps, least(chance));
      }
      const most = (of: AllLeft["aimed"]): number[] =>
        least(of.map(({ left }) => left.centre!.map((v) => -v))).map((v) => -v);
      if (all.aimed[0].left.centre) {
        note(CENTRE, eps, most(all.aimed));
        const aimed = all.aimed.filter(({ aim }) => aim === "centre");
        if (aimed.length > 0) note(`${CENTRE}, attack on it`, eps, most(aimed));
      }
      flips.set(eps, [...(flips.get(eps) ?? []), ...(await here.wait(flipsOf(settings, world, batch, eps)))]);
      if (from === 0 && eps === sizes[0] && batch.x.rank === 4 && !candidate!.control) {
        const labels = part.map((i) => classes[test.labels[i]]);
        pictures = [await here.wait(shown(attacks, batch.x, all.aimed[0].images, labels, eps))];
      }
    }
  }
  const numbers = [...found].map(([key, values]): AuditNumber => {
    const at = key.lastIndexOf("/");
    const one = meanNumber(key.slice(0, at), values, under(Number(key.slice(at + 1))));
    const high = one.name.startsWith(CENTRE) ? Number.POSITIVE_INFINITY : 1;
    return boundedNumber(one, one.name.startsWith(RANKS) ? -1 : 0, high);
  });
  for (const [eps, hits] of flips) numbers.push(shareNumber(FLIPPED, hits, under(eps)));
  numbers.push(plainNumber(BY_QUERIES, Number(!hasSlope(candidate!)), samples.length));
  return { numbers, plots: plotsOf(numbers, sizes), pictures };
}

interface AllLeft {
  readonly aimed: readonly { readonly aim: Aim; readonly images: Tensor; readonly left: Left }[];
  readonly chance: readonly Left[];
}

async function allAt(attacks: BatchAttacks, { draws }: Settings, eps: number): Promise<AllLeft> {
  const here = callerScope();
  const aimed = [];
  for (const one of await here.wait(attacks.attacked(eps)))
    aimed.push({ ...one, left: await here.wait(attacks.left(one.images)) });
  const chance = [];
  for (let draw = 0; draw < draws; draw++) {
    const { images, kept } = await here.wait(attacks.random(eps, draw));
    const left = await here.wait(attacks.left(images));
    const only = (values: readonly number[]): number[] => values.map((v, i) => (kept[i] ? v : Number.NaN));
    chance.push({ ranks: only(left.ranks), top: only(left.top), near: left.near && only(left.near) });
  }
  return { aimed, chance };
}

/** The smallest of several values, sample by sample; NaN where none is finite. */
function least(all: readonly (readonly number[])[]): number[] {
  return all[0].map((_, i) => {
    const finite = all.map((values) => values[i]).filter(Number.isFinite);
    return finite.length > 0 ? Math.min(...finite) : Number.NaN;
  });
}

/** They are of the network alone, and the same for every candidate. */
const known = new WeakMap<AuditWorld, Map<string, boolean[]>>();

async function flipsOf(
  settings: Settings,
  world: AuditWorld,
  batch: { readonly x: Tensor; readonly from: number },
  eps: number,
): Promise<boolean[]> {
  const of = known.get(world) ?? new Map<string, boolean[]>();
  known.set(world, of);
  const { steps, stepSize, restarts } = settings;
  const id = JSON.stringify([steps, stepSize, restarts, eps, batch.from]);
  const flips = of.get(id) ?? (await flippedBy(settings, world, batch, eps));
  of.set(id, flips);
  return flips;
}

async function shown(
  attacks: BatchAttacks,
  x: Tensor,
  images: Tensor,
  labels: readonly string[],
  eps: number,
): Promise<PictureRows> {
  const here = callerScope();
  const after = await here.wait(attacks.mapsOf(images));
  return mapRows({
    ...{ name: `attacked, eps ${eps}`, labels },
    titles: ["input", "its map", `attacked, eps ${eps}`, "map of the attacked input"],
    columns: [x, saliencyMap(attacks.clean), images, saliencyMap(after)],
  });
}

function plotsOf(numbers: readonly AuditNumber[], sizes: readonly number[]): PlotOptions[] {
  const curve = (name: string, title: string, of = (v: number): number => v, dashed = false): Series => ({
    ...{ name: title, dashed },
    points: sizes.flatMap((x) => {
      const found = numbers.find((one) => one.name === name && one.setting === under(x));
      if (!found || !Number.isFinite(found.value)) return [];
      return [{ x, y: of(found.value), half: (found.high - found.low) / 2 }];
    }),
  });
  const withstand = curve(FLIPPED, "predictions that withstand an attack on them", (v) => 1 - v, true);
  return MEASURES.flatMap((measure) => {
    const series = [
      curve(NAMES[measure], "worst of all attacks"),
      curve(`${NAMES[measure]}, attack on it`, "attack that aims at it"),
      curve(`${NAMES[measure]}, ${CHANCE}`, CHANCE),
      withstand,
    ].filter(({ points }) => points.length > 0);
    const title =
      measure === "ranks" ? "Rank correlation" : measure === "top" ? "Top" : "Top, a few pixels off allowed";
    return series.length > 1
      ? [{ title: `${title}: what attacks leave`, x: "eps, share of the range", y: NAMES[measure], series }]
      : [];
  });
}
const spread = ({ value, low, high }: AuditNumber): string =>
  `${value.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;

function judge(
  own: AuditMeasurement,
  controls: Readonly<Record<string, AuditMeasurement>>,
  { eps, kept, keptTop }: Settings,
): AuditJudgement {
  const [first, last] = [Math.min(...eps), Math.max(...eps)];
  const at = (name: string, size = first): AuditNumber | undefined => numberOf(own, name, under(size));
  const [ranks, top] = [at(RANKS)!, at(TOP)!];
  if (Number.isNaN(ranks.low) || Number.isNaN(top.low))
    return {
      verdict: "not tested",
      sentence: `Only ${Math.min(ranks.n, top.n)} samples have a map that can be compared; at least two are needed.`,
      caveats: [],
    };
  const holds = ranks.low >= kept && top.low >= keptTop;
  const flipped = at(FLIPPED)!;
  const sentence =
    `A change of at most ${percentOf(first)} of the range that keeps the prediction leaves a rank correlation of ${spread(ranks)} and ` +
    `${percent(top.value)} (${percent(top.low)} to ${percent(top.high)}) of the most important pixels or columns; ` +
    `both intervals have to lie above ${kept} and ${percent(keptTop)}. The prediction itself can be flipped on ${percent(flipped.value)} of the samples by as much.`;
  return { verdict: holds ? "holds" : "does not hold", sentence, caveats: caveatsOf() };

  function caveatsOf(): string[] {
    const caveats: string[] = [];
    const byQueries = numberOf(own, BY_QUERIES)?.value === 1;
    const alone = at(`${RANKS}, ${CHANCE}`);
    if (alone && alone.value < kept)
      caveats.push(
        `a random change of the same size, without any attacker, leaves a rank correlation of ${alone.value.toFixed(2)}: places without importance have an order too, which anything changes`,
      );
    if (last > first)
      caveats.push(
        `at ${percentOf(last)} a rank correlation of ${at(RANKS, last)!.value.toFixed(2)} and ${percent(at(TOP, last)!.value)} of the top are left`,
      );
    const near = at(NEAR);
    if (top.low < keptTop && near && near.low >= keptTop)
      caveats.push(
        `${percent(near.value)} of the top is left where places may be a pixel off: much of the loss is small shifts`,
      );
    for (const [name, what] of [
      [RANKS, "rank correlation"],
      [TOP, "the top"],
    ] as const) {
      const [aimed, chance] = [at(`${name}, attack on it`), at(`${name}, ${CHANCE}`)];
      if (!aimed || !chance || !(aimed.value < 0.999 || chance.value < 0.999)) continue;
      const gain = pairedDifference(chance, aimed);
      if (!(gain.value > 0))
        caveats.push(
          `random changes of the same size do as much to ${what} as the attack that aims at it: a better attack may exist${byQueries ? "" : ", and gradients may be masked"}`,
        );
    }
    if (byQueries) caveats.push("it was attacked by queries alone, a weaker attacker than one who has gradients");
    if (holds) caveats.push("no attack that was tried did it; that none can is not shown (see the certificate)");
    for (const [name, measured] of Object.entries(controls)) {
      const left = numberOf(measured, RANKS, under(first));
      if (left && left.value >= kept)
        caveats.push(
          `the control "${name}" keeps ${percent(left.value)} and is no explanation: to be immovable alone is no merit`,
        );
    }
    return caveats;
  }
}

const percentOf = (eps: number): string => `${Number((100 * eps).toPrecision(3))} %`;

export const attackRow = auditRow({
  number: 8,
  name: "attack",
  title: "Under attack",
  question: "Does the explanation stay when somebody changes the input a little and the prediction stays?",
  words:
    "Every pixel or numeric column may move by at most eps of its range; binary, categorical and sensitive columns stay. Several attacks try to move the explanation while the " +
    "prediction stays: on the order of importance, on the most important places and, for images, on the centre of the map, from several starts, through a softplus copy of relu " +
    "networks, whose own gradients hide the way. Explainers that only ask for outputs are attacked by an evolutionary search that only asks as well, of fewer copies than the judge. The worst result of each " +
    "sample counts. Beside it stand random changes of the same size, and how many predictions an attack on them flips. An attack that fails proves nothing.",
  source:
    "Ghorbani, Abid, Zou 2019; Dombrowski et al. 2019; Tang et al. 2022; Kuppa, Le-Khac 2020; Madry et al. 2018; 2312.10534",
  about: "explainer",
  takes: "images and tables",
  controls: ["random"],
  options,
  quick: { eps: [0.01, 0.04], steps: 10, restarts: 0, draws: 2, queries: 41 },
  check: checkAttacks,
  measure,
  judge,
});
