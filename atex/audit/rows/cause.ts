/** Row 6: an explanation finds a cause that was planted. */
import { full, gather, openScope, scope, type Tensor, tensor } from "../../../engine/index.js";
import { sampleTensor } from "../../../nn/index.js";
import { count, number, positive, type Read, setting, size, text } from "../../../nn/schema.js";
import type { PictureRows } from "../../experiments/cells.js";
import { saliencyMap } from "../../explainers/explainer.js";
import { isTable } from "../../explainers/features.js";
import { attributionsOf } from "../../manipulations/explaining.js";
import { mapRows } from "../../manipulations/models/mapRows.js";
import { classNamed } from "../../manipulations/models/network.js";
import { relevanceMass } from "../../metrics/relevanceMass.js";
import { RefusalError } from "../../refusal.js";
import { type AuditJudgement, type AuditMeasurement, type AuditWorld, auditRow, type Candidate } from "../audit.js";
import { boundedNumber, meanNumber, numberOf, pairedDifference, percent, plainNumber } from "../numbers.js";
import { requireImagesOrRows } from "../parts.js";
import { atWork, type PlantOptions, plantedCause, taughtCopy } from "../planted.js";

const options = {
  wanted: setting(text, undefined, "name of the class that the cause is to mean; default the first"),
  side: setting(count, undefined, "of images: side of the patch in pixels; default a seventh of the shorter side"),
  column: setting(
    text,
    undefined,
    "of tables: the numeric column that is set; default the one in which the value is rarest",
  ),
  deviations: setting(size, 3, "of tables: how far from its mean the column is set, as far as that is valid"),
  samples: setting(count, 2000, "training samples the copy is trained on, the first ones"),
  epochs: setting(count, 5, "passes over them"),
  batch: setting(count, 50, "samples in a step, half of them with the cause"),
  learningRate: setting(positive, 0.005, "of Adam; it falls to 0 along a cosine"),
  learnt: setting(number({ min: 0, max: 1 }), 0.5, "share of the samples on which the cause has to be at work"),
};
type Settings = Read<typeof options>;

const FOUND = "share of the map on the planted cause";
const LEARNT = "samples on which the cause is at work";
/** Samples from which intervals say something. */
const FEW = 10;
const AREA = "share of the area";

const wantedOf = ({ wanted }: Settings, { classes }: AuditWorld): number => classNamed("cause", classes, wanted, 0);
const whereOf = ({ side, column, deviations }: Settings): PlantOptions => ({ side, column, deviations });

async function measure(
  settings: Settings,
  world: AuditWorld,
  candidate: Candidate | undefined,
): Promise<AuditMeasurement> {
  const { test, samples, classes } = world;
  requireImagesOrRows("cause", world.domain);
  const wanted = wantedOf(settings, world);
  using here = openScope("cause");
  const cause = plantedCause(world, whereOf(settings));
  const { samples: most, epochs, batch, learningRate } = settings;
  const copy = await here.wait(taughtCopy(world, cause, { wanted, epochs, count: most, batch, learningRate }));
  const labels = samples.map((i) => test.labels[i]);
  const all = sampleTensor(test, samples);
  const works = await here.wait(atWork(copy, cause, { x: all, labels }, wanted));
  const others = labels.filter((label) => label !== wanted).length;
  const chosen = works.flatMap((yes, i) => (yes ? [i] : []));
  if (chosen.length < Math.max(2, settings.learnt * others))
    throw new RefusalError(
      `cause: the copy takes ${cause.title} for the class ${classes[wanted]} on ${chosen.length} of ${others} samples of other classes, fewer than ` +
        `${Math.max(2, Math.ceil(settings.learnt * others))}: it has not learnt the cause, try more epochs or another column`,
    );
  const x = gather(all, tensor(Int32Array.from(chosen), [chosen.length]));
  const bearing = cause.plant(x);
  const make = (__: string, part: Tensor) => candidate!.make(world, part);
  const attribution = await here.wait(
    attributionsOf(make, candidate!.name, { classifier: copy, x: bearing }, full([chosen.length], wanted, "i32")),
  );
  const found = Array.from(await here.wait(scope(() => relevanceMass(saliencyMap(attribution), cause.mask)).read()));
  const values = new Array<number>(samples.length).fill(Number.NaN);
  for (const [j, i] of chosen.entries()) values[i] = found[j];
  const pictures: PictureRows[] = [];
  if (!isTable(world.domain) && !candidate!.control)
    pictures.push(
      await here.wait(
        mapRows({
          ...{ name: "planted cause", titles: ["input", "with the cause", "its map"] },
          columns: [x, bearing, saliencyMap(attribution)],
          labels: chosen.map((i) => classes[labels[i]]),
        }),
      ),
    );
  return {
    numbers: [
      // As the other side of paired differences it keeps a place for each sample.
      boundedNumber(meanNumber(FOUND, values, cause.title), 0, 1),
      plainNumber(LEARNT, chosen.length / others, others),
      plainNumber(AREA, cause.share, chosen.length),
    ],
    pictures,
  };
}

function judge(own: AuditMeasurement, controls: Readonly<Record<string, AuditMeasurement>>): AuditJudgement {
  const found = numberOf(own, FOUND)!;
  const area = numberOf(own, AREA)!.value;
  const learnt = numberOf(own, LEARNT)!;
  const beaten = Object.entries(controls).map(([name, measured]) => ({
    name,
    lead: pairedDifference(found, numberOf(measured, FOUND)!),
    share: numberOf(measured, FOUND)!.value,
  }));
  const equals = beaten.filter(({ lead }) => !(lead.low > 0));
  const clear = found.low > area;
  const caveats = [
    `the copy takes the cause for its class on ${percent(learnt.value)} of ${learnt.n} samples of other classes; only those count`,
    "a planted cause is unlike features that a network learns by itself: passing says little about subtle ones",
  ];
  if (found.n < FEW)
    caveats.push(`only ${found.n} samples show the cause at work; with more the intervals are narrower`);
  if (Object.keys(controls).length === 0) caveats.push("no control was measured beside it");
  const share = `${percent(found.value)} (${percent(found.low)} to ${percent(found.high)}) of the map lies on ${found.setting}, which alone decides`;
  if (clear && equals.length === 0) {
    const best = beaten.map(({ name, share }) => `${name} ${percent(share)}`).join(", ");
    const beside = best === "" ? "" : `, and of the controls ${best}`;
    return {
      verdict: "holds",
      sentence: `The explanation finds a planted cause: ${share}; by chance it would be ${percent(area)}${beside}.`,
      caveats,
    };
  }
  const why = clear
    ? `not clearly more than of ${equals.map(({ name, share }) => `the control "${name}" (${percent(share)})`).join(" and ")}`
    : `not clearly more than its ${percent(area)} of the area`;
  return { verdict: "does not hold", sentence: `The explanation misses a planted cause: ${share}, ${why}.`, caveats };
}

export const causeRow = auditRow({
  number: 6,
  name: "cause",
  title: "Finds a planted cause",
  question: "If it is known what a prediction comes from, does the explanation point there?",
  words:
    "A copy of the network is trained further: images with a small patch in a corner, or rows with an unusual but valid value in one column, are to be of one class, whatever else " +
    "they show. On held-out samples that the copy takes for this class with the cause and not without it, the cause decides; the share of the explanation that lies on it is " +
    "compared, sample by sample, with the shares of the controls and with that of the area. The copy is explained, not the network itself, and a patch is a strong and simple cause.",
  source: "2405.02344 (planted triggers); Arras, Osman, Samek 2022 (share of the map)",
  about: "explainer",
  takes: "images and tables",
  needs: "layer",
  options,
  quick: { samples: 1000, epochs: 4 },
  check(settings, world) {
    wantedOf(settings, world);
    plantedCause(world, whereOf(settings));
  },
  measure,
  judge,
});
