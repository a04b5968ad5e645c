/** Row 1: the network does what its owner says it does; else nothing that follows is about it. */
import { abs, argmax, callerScope, max, scope, softmax, sub } from "../../../engine/index.js";
import { sampleTensor } from "../../../nn/index.js";
import { number, setting } from "../../../nn/schema.js";
import { samplesAtOnce } from "../../copies.js";
import { type AuditMeasurement, type AuditNumber, type AuditWorld, auditRow } from "../audit.js";
import { numberOf, percent, plainNumber, shareNumber } from "../numbers.js";

const share = number({ min: 0, max: 1 });

const options = {
  accuracy: setting(
    share,
    undefined,
    "accuracy that the network has to reach; default clearly better than always guessing the most common class",
  ),
  saturated: setting(share, 0.999, "probability from which a prediction counts as saturated"),
  tolerance: setting(number({ min: 0 }), 1e-4, "largest difference of an output to its reference"),
};

/** Samples at once, at most. */
const CHUNK = 250;

async function measure(settings: { readonly saturated: number }, world: AuditWorld): Promise<AuditMeasurement> {
  const here = callerScope();
  const { classifier, test, classes, domain, reference } = world;
  const chunk = samplesAtOnce(domain.shape, CHUNK);
  const n = test.labels.length;
  const [right, saturated, counts] = [[] as boolean[], [] as boolean[], classes.map(() => 0)];
  for (let from = 0; from < n; from += chunk) {
    using _ = here.open("contract");
    const indices = Array.from({ length: Math.min(chunk, n - from) }, (_, i) => from + i);
    const [predicted, surest] = scope(() => {
      const logits = classifier(sampleTensor(test, indices));
      return [argmax(logits, 1), max(softmax(logits), 1)];
    });
    const [found, sure] = await here.wait(Promise.all([predicted.read(), surest.read()]));
    for (const [i, index] of indices.entries()) {
      right.push(found[i] === test.labels[index]);
      saturated.push(sure[i] >= settings.saturated);
      counts[test.labels[index]]++;
    }
  }
  const numbers: AuditNumber[] = [
    shareNumber("accuracy", right),
    plainNumber("share of the most common class", Math.max(...counts) / n, n),
    shareNumber("saturated predictions", saturated),
  ];
  if (reference) {
    const off = await here.wait(scope(() => max(abs(sub(classifier(reference.inputs), reference.outputs)))).item());
    numbers.push(plainNumber("largest difference to the reference outputs", off, reference.inputs.shape[0]));
  }
  // Of every sample there is too much to keep.
  return { numbers: numbers.map(({ values: _, ...one }) => one) };
}

export const contractRow = auditRow({
  number: 1,
  name: "contract",
  title: "Contract",
  question: "Is this the network that its owner believes it is?",
  words:
    "Accuracy on the labelled samples, beside the share of the most common class; outputs against reference outputs where some were given; and how many " +
    "predictions are so sure that the softmax is flat there, where explanations of probabilities fade. Wrong constants of preprocessing show here first. " +
    "Logits are explained throughout.",
  source: "Holdfast's protocol",
  about: "network",
  takes: "images and tables",
  options,
  measure,
  judge(own, _, { accuracy, tolerance }) {
    const reached = numberOf(own, "accuracy")!;
    const guess = numberOf(own, "share of the most common class")!.value;
    const off = numberOf(own, "largest difference to the reference outputs");
    const flat = numberOf(own, "saturated predictions")!.value;
    const caveats =
      flat > 0.5 ? [`${percent(flat, 1)} of the predictions are saturated: explain logits, not probabilities`] : [];
    if (off && !(off.value <= tolerance))
      return {
        verdict: "does not hold",
        sentence: `Its outputs differ from the reference outputs by up to ${off.value.toPrecision(2)}: preprocessing or weights are not those that were meant.`,
        caveats,
      };
    const wanted = accuracy ?? guess;
    const ok = accuracy === undefined ? reached.low > guess : reached.high >= accuracy;
    const beside =
      accuracy === undefined
        ? `${percent(wanted, 1)} come from always guessing the most common class`
        : `${percent(wanted, 1)} is asked for`;
    return {
      verdict: ok ? "holds" : "does not hold",
      sentence: `The network is right on ${percent(reached.value, 1)} of ${reached.n} labelled samples (${percent(reached.low, 1)} to ${percent(reached.high, 1)}); ${beside}.`,
      caveats,
    };
  },
});
