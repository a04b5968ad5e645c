/** Row 2: an explanation of what a network has learnt changes when it forgets everything. */
import { openScope } from "../../../engine/index.js";
import { sampleTensor } from "../../../nn/index.js";
import { count, number, setting } from "../../../nn/schema.js";
import { samplesAtOnce } from "../../copies.js";
import { compareNetworks } from "../../sanity/checks.js";
import { sanitySimilarities } from "../../sanity/similarities.js";
import { type AuditMeasurement, type AuditWorld, auditRow, type Candidate } from "../audit.js";
import { CHUNK } from "../maps.js";
import { meanNumber, numberOf } from "../numbers.js";

const options = {
  draws: setting(count, 3, "networks without any learnt weight that maps are compared with"),
  alike: setting(number({ min: 0, max: 1 }), 0.5, "rank correlation from which maps count as the same"),
};

const ALIKE = "similarity of the maps with all weights drawn anew";
const RISE = "rise of the maps' entropy";

async function measure(
  { draws }: { readonly draws: number },
  world: AuditWorld,
  candidate: Candidate | undefined,
): Promise<AuditMeasurement> {
  const { weights, test, samples, seed } = world;
  using here = openScope("weights");
  const x = sampleTensor(test, samples);
  const others = [];
  for (let i = 0; i < draws; i++)
    others.push({ layer: `draw ${i + 1}`, params: await here.wait(weights!.fresh(seed + 1 + i)) });
  const { network, params } = weights!;
  // Absolute values and signed ones: an explainer that is blind in one of them is blind.
  const similarities = sanitySimilarities(world.domain.shape).slice(0, 2);
  const found = await here.wait(
    compareNetworks(
      {
        ...{ network, params, x, similarities, chunk: samplesAtOnce(world.domain.shape, CHUNK) },
        explainers: async (part) => ({ of: await candidate!.make(world, part) }),
      },
      others,
    ),
  );
  const [learnt, ...lost] = found.of;
  const overDraws = (of: (stage: (typeof lost)[number], i: number) => number): number[] =>
    samples.map((_, i) => lost.reduce((sum, stage) => sum + of(stage, i), 0) / lost.length);
  return {
    numbers: [
      ...similarities.map(({ name }) =>
        meanNumber(
          ALIKE,
          overDraws((stage, i) => stage.similarity[name][i]),
          name,
        ),
      ),
      meanNumber(
        RISE,
        overDraws((stage, i) => stage.entropy[i] - learnt.entropy[i]),
      ),
    ],
  };
}

export const weightsRow = auditRow({
  number: 2,
  name: "weights",
  title: "Depends on the weights",
  question: "Would the explanation be another one if the network had learnt nothing?",
  words:
    "All weights are drawn anew, several times, and the maps of the same inputs compared (rank correlation, with and without signs), each for the class that the " +
    "network at hand predicts. Passing says only that the map is no picture of the input; it ranks nothing: the order in which layers are drawn anew, and absolute " +
    "values, move the number. The entropy of the maps should rise (efficient variant).",
  source: "Adebayo et al. 2018; Hedström et al. 2024",
  about: "explainer",
  takes: "images and tables",
  needs: "weights",
  options,
  quick: { draws: 1 },
  measure,
  judge(own, controls, { alike }) {
    const similar = own.numbers.filter(({ name }) => name === ALIKE);
    const most = similar.reduce((a, b) => (b.value > a.value ? b : a));
    const rise = numberOf(own, RISE)!;
    const fails = !(most.high < alike);
    const caveats: string[] = [];
    if (!fails && !(rise.value > 0)) caveats.push("the entropy of the maps does not rise without learnt weights");
    for (const [name, measured] of Object.entries(controls))
      if (measured.numbers.filter((one) => one.name === ALIKE).every((one) => one.high < alike))
        caveats.push(`the control "${name}" passes as well`);
    const by = `rank correlation ${most.value.toFixed(2)} (${most.low.toFixed(2)} to ${most.high.toFixed(2)})`;
    return {
      verdict: fails ? "does not hold" : "holds",
      sentence: fails
        ? `The map looks much the same when the network has learnt nothing: ${by}, ${alike} or more counts as the same.`
        : `The map is another one when the network has learnt nothing: ${by}, less than ${alike}.`,
      caveats,
    };
  },
});
