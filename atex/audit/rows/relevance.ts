/** Row 3: an explanation speaks of the class that is explained, and of nothing that makes no difference to the network. */
import { add, argmax, callerScope, scope, type Tensor, tensor } from "../../../engine/index.js";
import { drawFrom } from "../../../nn/data/integer-random.js";
import { numericShift, sampleTensor, shiftedRange } from "../../../nn/index.js";
import { number, setting } from "../../../nn/schema.js";
import { samplesAtOnce } from "../../copies.js";
import { saliencyMap } from "../../explainers/explainer.js";
import { attributionsOf, explainerMaker } from "../../manipulations/explaining.js";
import { spearman } from "../../metrics/similarities.js";
import { inputInvarianceGap } from "../../sanity/invariance.js";
import { type AuditMeasurement, type AuditWorld, auditRow, type Candidate } from "../audit.js";
import { CHUNK } from "../maps.js";
import { meanNumber, numberOf, plainNumber } from "../numbers.js";

const options = {
  shift: setting(
    number(),
    -1,
    "added to every numeric input and taken off again by the network, in units of the input",
  ),
  alike: setting(number({ min: 0, max: 1 }), 0.95, "rank correlation from which maps of two classes count as the same"),
  gap: setting(
    number({ min: 0 }),
    0.05,
    "change of an attribution, as a share of its largest element, that a shift may cause",
  ),
};

const ALIKE = "similarity of the maps of two classes";
const GAP = "change by a shift that the network takes off again";

async function measure(
  { shift }: { readonly shift: number },
  world: AuditWorld,
  candidate: Candidate | undefined,
): Promise<AuditMeasurement> {
  const here = callerScope();
  const { test, samples, domain } = world;
  const [alike, gaps] = [[] as number[], [] as number[]];
  const chunk = samplesAtOnce(domain.shape, CHUNK);
  for (let from = 0; from < samples.length; from += chunk) {
    using _ = here.open("relevance");
    const x = sampleTensor(test, samples.slice(from, from + chunk));
    alike.push(...(await here.wait(otherClass(world, candidate!, x, from))));
    gaps.push(...(await here.wait(shifted(world, candidate!, x, shift))));
  }
  const numbers = [meanNumber(ALIKE, alike), meanNumber(GAP, gaps)];
  return { numbers: [...numbers, plainNumber("classes", world.classes.length, samples.length)] };
}

/** The map of the predicted class beside that of another one, drawn at random. */
async function otherClass(world: AuditWorld, candidate: Candidate, x: Tensor, from: number): Promise<number[]> {
  const here = callerScope();
  const { classifier, classes, seed } = world;
  const own = argmax(classifier(x), 1);
  const draw = drawFrom(seed, 0xc1a5 + from);
  const others = Array.from(
    await here.wait(own.read()),
    (c) => (c + 1 + draw.below(classes.length - 1)) % classes.length,
  );
  const make = (_: string, part: Tensor) => candidate.make(world, part);
  const of = (which: Tensor): Promise<Tensor> => attributionsOf(make, candidate.name, { classifier, x }, which);
  const [a, b] = [await here.wait(of(own)), await here.wait(of(tensor(Int32Array.from(others))))];
  return Array.from(await here.wait(scope(() => spearman(saliencyMap(a), saliencyMap(b))).read()));
}

/** How much an attribution changes when input and network are shifted against each other. */
async function shifted(world: AuditWorld, candidate: Candidate, x: Tensor, by: number): Promise<number[]> {
  const here = callerScope();
  const { domain, explaining, classifier } = world;
  const values = numericShift(domain, by);
  const shift = tensor(Float32Array.from(values), domain.shape);
  const moved = {
    ...explaining,
    domain: { ...domain, range: shiftedRange(domain.range, values) },
    background: add(explaining.background, shift),
  };
  const there = { ...world, domain: moved.domain, explaining: moved, explainer: explainerMaker(moved) };
  const explainer = await here.wait(candidate.make(world, x));
  const shiftedExplainer = await here.wait(candidate.make(there, add(x, shift)));
  return Array.from(
    await here.wait(scope(() => inputInvarianceGap({ classifier, x, explainer, shiftedExplainer, shift })).read()),
  );
}

export const relevanceRow = auditRow({
  number: 3,
  name: "relevance",
  title: "Depends on the class, and only on what matters",
  question: "Does the explanation speak of this class, and not of what makes no difference?",
  words:
    "The map of the predicted class is compared with that of another class drawn at random (rank correlation of absolute values); and a constant is added to every numeric " +
    "input that the first layer takes off again, so that the network computes the same: the attribution must not move. Integrated gradients and others with a fixed " +
    "baseline move unless the baseline moves along. For a model of two classes whose logits mirror each other, maps of both classes are the same by rights.",
  source: "Sixt, Granz, Landgraf 2020 (random logit); Kindermans et al. 2019 (input invariance)",
  about: "explainer",
  takes: "images and tables",
  options,
  measure,
  judge(own, controls, { alike, gap }) {
    const [similar, moves] = [numberOf(own, ALIKE)!, numberOf(own, GAP)!];
    // The logits of two classes often mirror each other, and so do their maps.
    const two = numberOf(own, "classes")!.value === 2;
    const [blind, moved] = [!two && !(similar.high < alike), !(moves.high <= gap)];
    const caveats = two
      ? ["there are two classes, whose maps may mirror each other: that they differ was not asked"]
      : [];
    for (const [name, measured] of Object.entries(controls))
      if ((two || numberOf(measured, ALIKE)!.high < alike) && numberOf(measured, GAP)!.high <= gap)
        caveats.push(`the control "${name}" passes as well`);
    const by = `rank correlation ${similar.value.toFixed(2)} between the maps of two classes`;
    const off = `a shift without meaning moves it by ${(100 * moves.value).toFixed(1)} % of its largest value`;
    const verdict = blind || moved ? "does not hold" : "holds";
    const first = blind ? `says nearly the same for another class (${by})` : `differs between classes (${by})`;
    const second = moved ? off : `${off}, no more than ${100 * gap} %`;
    return { verdict, sentence: `The map ${first}, and ${second}.`, caveats };
  },
});
