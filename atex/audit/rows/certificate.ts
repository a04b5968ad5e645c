/** Row 9: what of a smoothed explanation no attack can move. */
import { add, callerScope, div, mean, mul, random, scope, sub, type Tensor, tensor } from "../../../engine/index.js";
import { type Domain, sampleSize } from "../../../nn/index.js";
import { count, list, number, positive, type Read, setting, size } from "../../../nn/schema.js";
import { certifiedOverlap, certifiedPixels, certifiedTopK } from "../../explainers/certifiedTopK.js";
import { saliencyMap } from "../../explainers/explainer.js";
import { placesOf, sparsifiedSmoothGrad } from "../../explainers/sparsifiedSmoothGrad.js";
import { rows } from "../../metrics/metric.js";
import type { PlotOptions } from "../../render/plot.js";
import { classScore } from "../../score.js";
import { type AuditJudgement, type AuditMeasurement, type AuditNumber, type AuditWorld, auditRow } from "../audit.js";
import { overBatches } from "../maps.js";
import { meanNumber, numberOf, percent, plainNumber } from "../numbers.js";

const options = {
  sigmas: setting(
    list(positive),
    [0.25, 0.15],
    "deviations of the smoothing noise, in units of the input range; the first decides",
  ),
  copies: setting(count, 1000, "noisy copies of each sample"),
  top: setting(
    number({ above: 0, max: 1 }),
    undefined,
    "share of the pixels or columns that count as the top; default 0.1 of an image, 0.3 of a table",
  ),
  radii: setting(
    list(size),
    [0.02, 0.05, 0.1, 0.2],
    "lengths (L2) of changes, in units of the input range; the first decides",
  ),
  share: setting(number({ min: 0, max: 1 }), 0.5, "share of the top that has to be certain at the first radius"),
  tau: setting(number({ min: 0.5, max: 0.999 }), 0.75, "share of the copies for the certificate of single pixels"),
  confidence: setting(
    number({ min: 0.5, max: 0.99999 }),
    0.95,
    "probability that all certificates of the audit hold together",
  ),
};
type Settings = Read<typeof options>;

const TOP = "certified share of the top";
const KEPT = "share of the pixels certain to be kept";
const LEFT = "share of the pixels certain to be left out";
const RADIUS = "radius of the certificates of single pixels";
const ELEMENTS = "elements of a sample";

async function measure(settings: Settings, world: AuditWorld): Promise<AuditMeasurement> {
  const here = callerScope();
  const { domain, classifier, samples, seed } = world;
  const { sigmas, copies, radii, tau } = settings;
  const units = unitsOf(domain);
  const top = settings.top ?? (domain.shape.length === 3 ? 0.1 : 0.3);
  // One certificate for each map, all of which are to hold together.
  const confidence = 1 - (1 - settings.confidence) / (samples.length * sigmas.length);
  let radiusOf: Record<string, number> = {};
  const found = await here.wait(
    overBatches(world, "certificate", async ({ x, classes, from }) => {
      const here = callerScope();
      const values = new Map<string, ArrayLike<number>>();
      for (const [i, sigma] of sigmas.entries()) {
        const key = random.fold(random.fold(random.key(seed), from), i);
        const results = scope(() => {
          const score = classScore((z) => classifier(units.back(z)), classes);
          const map = rows(saliencyMap(sparsifiedSmoothGrad({ samples: copies, sigma, key, top })(score, units.to(x))));
          const k = placesOf(top, map.shape[1]);
          const certificate = { sigma, samples: copies, confidence, bound: "clopper-pearson" as const };
          const firm = certifiedTopK(map, { ...certificate, k });
          const { kept, left, radius } = certifiedPixels(map, { ...certificate, share: tau });
          radiusOf = { ...radiusOf, [sigma]: radius };
          return [...radii.map((r) => div(certifiedOverlap(firm, r), k)), mean(kept, 1), mean(left, 1)];
        });
        const names = [
          ...radii.map((radius) => `${TOP}/${under(sigma, radius)}`),
          `${KEPT}/${under(sigma)}`,
          `${LEFT}/${under(sigma)}`,
        ];
        for (const [j, name] of names.entries()) values.set(name, await here.wait(results[j].read()));
      }
      return values;
    }),
  );
  const numbers = [...found].map(([key, values]): AuditNumber => {
    const at = key.indexOf("/");
    return meanNumber(key.slice(0, at), values, key.slice(at + 1));
  });
  return {
    numbers: [
      ...numbers,
      ...sigmas.map((sigma) => plainNumber(RADIUS, radiusOf[sigma], samples.length, under(sigma))),
      plainNumber(ELEMENTS, sampleSize(domain.shape), samples.length),
    ],
    plots: [plotOf(settings, numbers)],
  };
}

const under = (sigma: number, radius?: number): string =>
  radius === undefined ? `noise ${sigma}` : `noise ${sigma}, radius ${radius}`;

/** Inputs in units of their range and back: one radius for columns of different ranges. */
function unitsOf({ shape, range: { low, high } }: Domain): { to: (x: Tensor) => Tensor; back: (z: Tensor) => Tensor } {
  const at = (bound: number | readonly number[], i: number): number => (typeof bound === "number" ? bound : bound[i]);
  const each = (of: (i: number) => number): Tensor =>
    tensor(
      Float32Array.from({ length: sampleSize(shape) }, (_, i) => of(i)),
      shape,
    );
  const origin = each((i) => at(low, i));
  // A column without any range stays as it is.
  const width = each((i) => at(high, i) - at(low, i) || 1);
  return { to: (x) => div(sub(x, origin), width), back: (z) => add(mul(z, width), origin) };
}

function plotOf({ sigmas, radii }: Settings, numbers: readonly AuditNumber[]): PlotOptions {
  const series = sigmas.map((sigma) => ({
    name: `noise ${sigma}`,
    points: radii.flatMap((radius) => {
      const found = numbers.find((one) => one.name === TOP && one.setting === under(sigma, radius));
      return found && Number.isFinite(found.value)
        ? [{ x: radius, y: found.value, half: found.high - found.value }]
        : [];
    }),
  }));
  return { title: "Certain whatever the attack", x: "length of the change (L2)", y: TOP, series };
}

function judge(
  own: AuditMeasurement,
  _: Readonly<Record<string, AuditMeasurement>>,
  { sigmas, radii, share, confidence }: Settings,
): AuditJudgement {
  const [sigma, radius] = [sigmas[0], radii[0]];
  const decides = numberOf(own, TOP, under(sigma, radius))!;
  const elements = numberOf(own, ELEMENTS)!.value;
  const [kept, left] = [numberOf(own, KEPT, under(sigma))!, numberOf(own, LEFT, under(sigma))!];
  const single = numberOf(own, RADIUS, under(sigma))!.value;
  const holds = decides.value >= share;
  const caveats = [
    "this certifies the smoothed map (sparsified SmoothGrad), not the raw gradient nor any other explainer, and for the class that is predicted now",
    `a change of length ${radius} may move each of ${elements} elements by ${(radius / Math.sqrt(elements)).toPrecision(2)} at once, or one by ${radius}`,
    `single pixels, within ${single.toPrecision(2)}: ${percent(kept.value)} are certain to be kept among the top by most copies, ${percent(left.value)} to be left out`,
  ];
  for (const other of sigmas.slice(1)) {
    const found = numberOf(own, TOP, under(other, radius))!;
    caveats.push(`with noise ${other}, another smoothed map, ${percent(found.value)} is certain`);
  }
  const far = radii
    .filter((r) => r > radius)
    .map((r) => `${percent(numberOf(own, TOP, under(sigma, r))!.value)} at ${r}`);
  const further = far.length > 0 ? `; further out ${far.join(", ")}` : "";
  if (!holds) caveats.push("what is not certified need not be movable: a certificate that is missing is no attack");
  return {
    verdict: holds ? "holds" : "does not hold",
    sentence:
      `Whatever an attacker does within a length of ${radius}, at least ${percent(decides.value)} of the top of the smoothed map stays there, on average over ` +
      `${decides.n} samples and with ${percent(confidence)} confidence for all together; ${percent(share)} is asked for${further}.`,
    caveats,
  };
}

export const certificateRow = auditRow({
  number: 9,
  name: "certificate",
  title: "What no attack can move",
  question: "How much of a smoothed explanation is certain, whatever the attack?",
  words:
    "A map that counts, over many noisy copies of the input, how often a pixel or column is among the largest gradients, cannot change fast: by how much it can is proved, not " +
    "tried. Given are the share of the top that stays within a length of change (L2, in units of the input range), and how many pixels are certain by themselves. The counts " +
    "are of finitely many copies; their exact binomial bounds (Clopper and Pearson) hold for all pixels, samples and noises at once, by Bonferroni's correction. It says " +
    "nothing of maps that are not smoothed like this, and nothing of the prediction.",
  source: "Levine, Singla, Feizi 2019 (top-k); 2506.15499 (single pixels); Clopper, Pearson 1934",
  about: "network",
  takes: "images and tables",
  options,
  quick: { sigmas: [0.25], copies: 500 },
  measure,
  judge,
});
