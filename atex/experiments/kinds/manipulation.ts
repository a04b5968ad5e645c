/** Manipulations of explanations as experiments: one kind for each row of their table, all run, measured and told alike. */
import { callerScope, openScope } from "../../../engine/index.js";
import { count, described, type Fields, list, natural, setting } from "../../../nn/schema.js";
import { explainerName } from "../../explainers/table.js";
import { detectorName } from "../../manipulations/detectors/table.js";
import { explainerMaker } from "../../manipulations/explaining.js";
import type { ManipulationEntry, ManipulationWorld } from "../../manipulations/manipulation.js";
import { performManipulation } from "../../manipulations/perform.js";
import { manipulationPictures, PICTURE_COLUMNS } from "../../manipulations/pictures.js";
import { manipulationTables } from "../../manipulations/tables.js";
import { type Cell, type Measurement, type Outcome, picturesOf } from "../cells.js";
import { type Experiment, type ExperimentKind, experimentKind } from "../kind.js";
import { type Lab, pickPixels, type TrainedNetwork } from "../lab.js";
import { correctlyClassified } from "../measuring.js";
import { names } from "../settings.js";
import { perData } from "../tables.js";

/** What every experiment about a manipulation has besides the manipulation's own settings. */
const common = {
  schemes: described(names, "how the networks were trained that are manipulated"),
  images: setting(count, 50, "test samples that are manipulated, or judged where the network is"),
  others: setting(natural, 50, "other test samples, on which it is seen how far the manipulation reaches"),
  explainers: setting(
    list(explainerName, { min: 0 }),
    [],
    "explainers it is tried on, besides the one it was made for",
  ),
  detectors: setting(list(detectorName, { min: 0 }), [], "what may notice or undo it"),
  siblings: setting(natural, 0, "networks of the following seeds that changed inputs are shown to"),
  pictures: setting(natural, 0, "samples of the first seed that are shown"),
};

type Settings = Experiment<typeof common>;

/** Training samples that explainers compare with. */
const BACKGROUND = 100;

/** What is manipulated in a cell: its network, with samples that it gets right. */
export async function manipulationWorld(
  lab: Lab,
  cell: Cell,
  e: Pick<Settings, "images" | "others" | "siblings">,
): Promise<ManipulationWorld & Disposable> {
  const here = callerScope();
  const { data, seed } = cell;
  const scheme = cell.scheme!;
  const loaded = await here.wait(lab.data(data));
  const network = await here.wait(lab.network({ data, seed, scheme }));
  const { seeds } = lab.config;
  const siblings: TrainedNetwork[] = [];
  for (let i = 1; i <= e.siblings; i++)
    siblings.push(
      await here.wait(lab.network({ data, seed: seeds[(seeds.indexOf(seed) + i) % seeds.length], scheme })),
    );
  const { train, test, domain, classes, preparation, sensitive } = loaded;
  const chosen = await here.wait(correctlyClassified(network.classifier, test, e.images + e.others));
  const background = pickPixels(
    train,
    Array.from({ length: Math.min(BACKGROUND, train.labels.length) }, (_, i) => i),
  );
  const explaining = { domain, background, seed };
  return {
    ...{ model: network.model, params: network.params, classifier: network.classifier },
    ...{ domain, classes, preparation, sensitive, train, test, seed, explaining },
    samples: chosen.slice(0, e.images),
    others: chosen.slice(e.images),
    siblings: siblings.map(({ classifier }) => classifier),
    explainer: explainerMaker(explaining),
    say: (line) => lab.say(line),
    [Symbol.dispose]() {
      for (const one of [network, ...siblings]) one[Symbol.dispose]();
    },
  };
}

async function run(entry: ManipulationEntry, lab: Lab, cell: Cell, e: Settings): Promise<Outcome> {
  using here = openScope(entry.name);
  using world = await here.wait(manipulationWorld(lab, cell, e));
  const own = Object.fromEntries(Object.keys(entry.options).map((name) => [name, e[name]]));
  const { manipulation, ...study } = await here.wait(performManipulation(entry, own, world, e));
  const scheme = cell.scheme!;
  // A cell's file has no NaN: what has no value is left out.
  const measurements: Measurement[] = study.measurements
    .filter(({ value }) => Number.isFinite(value))
    .map(({ conditions = {}, ...one }) => ({ scheme, conditions, ...one }));
  const pictures = picturesOf(lab.config, cell);
  return {
    measurements,
    pictures: pictures > 0 ? await here.wait(manipulationPictures(manipulation, study, world, pictures)) : [],
  };
}

/** A manipulation as a kind of experiment. */
export function manipulationKind(entry: ManipulationEntry): ExperimentKind {
  return experimentKind<Fields>({
    kind: entry.name,
    withoutEps: true,
    settings: { ...common, ...entry.options },
    words: entry.words,
    schemes: (e) => (e as Settings).schemes,
    run: (lab, cell, e) => run(entry, lab, cell, e as Settings),
    tables: (findings) =>
      perData(findings).flatMap(([data, all]) =>
        manipulationTables(all, {
          title: `${data}: ${findings.experiment.title}`,
          networkTitle: (scheme) => findings.config.schemes[scheme].title,
        }),
      ),
    pictureColumns: PICTURE_COLUMNS,
    claims: (findings) =>
      (entry.claims?.(findings) ?? []).map((claim) => ({
        ...claim,
        paper: `${findings.experiment.title}: ${claim.paper}`,
      })),
  });
}
