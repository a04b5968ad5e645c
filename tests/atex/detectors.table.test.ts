/** What holds for every detector of the table, on images and on rows of a table. */
import {
  attributionsOf,
  auroc,
  DETECTOR_TABLE,
  type DetectorEntry,
  detectorEntryOf,
  type Side,
} from "../../atex/index.js";
import { mul, slice, type Tensor } from "../../engine/index.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { classifierOf, contextOf, imageWorld, type SmallWorld, tableWorld, worldOf } from "./manipulationWorld.js";

test("rows say what they are", () => {
  check.is(new Set(DETECTOR_TABLE.map(({ name }) => name)).size, DETECTOR_TABLE.length);
  for (const { name, title, help, source, suspicion, restored } of DETECTOR_TABLE) {
    check.match(name, /^[a-z0-9-]+$/);
    check.ok(title.length > 3 && help.length > 20, name);
    check.match(source, /\d{4}/, name);
    check.ok(suspicion || restored, name);
    check.is(detectorEntryOf(name).name, name);
  }
  check.throws(() => detectorEntryOf("nose"), /detector: "nose" is unknown; there is .*smoothgrad/);
});

const values = async (t: Tensor): Promise<number[]> => Array.from(await t.read());
const N = 3;

for (const small of [imageWorld, tableWorld])
  for (const entry of DETECTOR_TABLE) {
    const kind = small === imageWorld ? "images" : "tables";
    if (entry.takes !== kind && entry.takes !== "images and tables") continue;
    referenceTest(`${entry.name} on ${small.name}`, () => laws(entry, small));
  }

async function laws(entry: DetectorEntry, small: SmallWorld): Promise<void> {
  const world = worldOf(small, { count: N });
  const explainer = entry.explainers?.[0] ?? (small === imageWorld ? "gradient" : "gradient-x-input");
  const x = small.x(N);
  const side: Side = { classifier: world.classifier, x };
  const alone: Side = { ...side, x: slice(x, [1, ...small.domain.shape.map(() => 0)], [1, ...small.domain.shape]) };
  const { suspicion, restored } = entry;
  if (suspicion) {
    const of = async (one: Side): Promise<number[]> =>
      Array.from(await suspicion.call(entry, one, contextOf(world, one, explainer)));
    const found = await of(side);
    check.is(found.length, N);
    check.ok(
      found.every((v) => typeof v === "number" && v !== Infinity && v !== -Infinity),
      `${found}`,
    );
    // Networks of convolution or dense layers with relu and maps that vary: every detector has something to say.
    check.ok(found.every(Number.isFinite), `${found}`);
    check.identical(await of(side), found);
    // What is known already is not another thing.
    const context = contextOf(world, side, explainer);
    const plain = await attributionsOf(world.explainer, explainer, side, context.classes);
    const trusted = await restored?.call(entry, side, context);
    check.identical(await suspicion.call(entry, side, { ...context, plain, trusted }), found);
    check.close(await of(alone), [found[1]], { atol: 1e-9 });
    check.is(auroc(found, await of(side)), 0.5);
    const other = await of({ ...side, classifier: classifierOf(small, 8) });
    check.ok(
      other.some((v, i) => v !== found[i]),
      "another network looks the same",
    );
    // A network that does not look at its input has nothing but constant maps.
    const blind = await of({ ...side, classifier: (z) => mul(world.classifier(z), 0) });
    check.is(blind.length, N);
    check.ok(
      blind.every((v) => Number.isNaN(v) || Math.abs(v) < 1e-12),
      `${blind}`,
    );
  }
  if (restored) {
    const of = async (one: Side): Promise<Tensor> => restored.call(entry, one, contextOf(world, one, explainer));
    const map = await of(side);
    check.equal(map.shape, x.shape);
    const found = await values(map);
    check.ok(found.every(Number.isFinite));
    check.identical(await values(await of(side)), found);
    check.close(await values(await of(alone)), found.slice(x.size / N, (2 * x.size) / N), { atol: 1e-9 });
    const plain = await values(await attributionsOf(world.explainer, explainer, side));
    check.ok(
      found.some((v, i) => Math.abs(v - plain[i]) > 1e-6),
      "the plain map came back",
    );
  }
}
