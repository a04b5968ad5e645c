/** Manipulations of explanations as experiments: one kind for each row of their table, all run, measured and told alike. */
import { argmax, openScope, scope, type Tensor } from "../../../engine/index.js";
import { count, described, type Fields, list, natural, setting, text } from "../../../nn/schema.js";
import { importanceMap } from "../../judge.js";
import { explainerMaker } from "../../manipulations/explaining.js";
import {
  type Manipulation,
  type ManipulationEntry,
  type ManipulationWorld,
  requireKind,
} from "../../manipulations/manipulation.js";
import { studyManipulation } from "../../manipulations/study.js";
import { type Quantity, select, valuesOf } from "../aggregate.js";
import { type Cell, type Measurement, type Outcome, type PictureRows, picturesOf } from "../cells.js";
import { type Experiment, type ExperimentKind, experimentKind, type Findings } from "../kind.js";
import { type Lab, pickPixels, type TrainedNetwork } from "../lab.js";
import { accuracyOf, correctlyClassified, rounded, sampleOf } from "../measuring.js";
import { names } from "../settings.js";
import { basis, formatted, perData, schemesIn, type TableData } from "../tables.js";

/** What every experiment about a manipulation has besides the manipulation's own settings. */
const common = {
  schemes: described(names, "how the networks were trained that are manipulated"),
  images: setting(count, 50, "test samples that are manipulated, or judged where the network is"),
  others: setting(natural, 50, "other test samples, on which it is seen how far the manipulation reaches"),
  explainers: described(list(text), "explainers it is tried on, besides the one it was made for"),
  detectors: described(list(text), "what may notice or undo it"),
  siblings: setting(natural, 0, "networks of the following seeds that changed inputs are shown to"),
  pictures: setting(natural, 0, "samples of the first seed that are shown"),
};

type Settings = Experiment<typeof common>;

/** Training samples that explainers compare with. */
const BACKGROUND = 100;

async function worldOf(lab: Lab, cell: Cell, e: Settings): Promise<ManipulationWorld & Disposable> {
  const { data, seed } = cell;
  const scheme = cell.scheme!;
  const loaded = await lab.data(data);
  const network = await lab.network({ data, seed, scheme });
  const { seeds } = lab.config;
  const siblings: TrainedNetwork[] = [];
  for (let i = 1; i <= e.siblings; i++)
    siblings.push(await lab.network({ data, seed: seeds[(seeds.indexOf(seed) + i) % seeds.length], scheme }));
  const { train, test, domain, classes, preparation, sensitive } = loaded;
  const chosen = await correctlyClassified(network.classifier, test, e.images + e.others);
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
  using _ = openScope(entry.name);
  using world = await worldOf(lab, cell, e);
  requireKind(entry, world);
  const own = Object.fromEntries(Object.keys(entry.options).map((name) => [name, e[name]]));
  const began = performance.now();
  const manipulation = await entry.run(own, world);
  const seconds = (performance.now() - began) / 1000;
  const study = await studyManipulation(manipulation, world, e);
  const scheme = cell.scheme!;
  const measurements: Measurement[] = study.measurements.map(({ conditions = {}, ...one }) => ({
    ...{ scheme, conditions },
    ...one,
  }));
  const add = (metric: string, value: number): void =>
    void measurements.push({ scheme, conditions: {}, metric, value, count: 1 });
  add("cost: seconds", seconds);
  if (manipulation.params) {
    add("accuracy before", await accuracyOf(world, world.test));
    add("accuracy", await accuracyOf({ model: world.model, params: manipulation.params }, world.test));
  }
  const pictures = picturesOf(lab.config, cell);
  const shown =
    pictures > 0 && world.domain.shape.length === 3 ? [await rowsOf(manipulation, study.maps, world, pictures)] : [];
  return { measurements, pictures: pictures > 0 ? [...shown, ...(manipulation.pictures ?? [])] : [] };
}

/** Input, explanation, input after, explanation after. */
async function rowsOf(
  { madeFor: { clean, manipulated } }: Manipulation,
  maps: { readonly clean: Tensor; readonly manipulated: Tensor },
  { domain, classes }: ManipulationWorld,
  most: number,
): Promise<PictureRows> {
  const all = [clean.x, importanceMap(maps.clean), manipulated.x, importanceMap(maps.manipulated)];
  const columns = await Promise.all(all.map(async (t) => Float32Array.from(await t.read())));
  const n = clean.x.shape[0];
  const predicted = await scope(() => argmax(clean.classifier(clean.x), 1)).read();
  const [channels, height, width] = domain.shape;
  return {
    ...{ name: "samples", columns: ["image", "map", "image", "map"], size: { channels, height, width } },
    rows: Array.from({ length: Math.min(most, n) }, (_, i) => ({
      label: classes[predicted[i]],
      cells: columns.map((values) => rounded(sampleOf(values, i, n))),
    })),
  };
}

const share = (q: Quantity | undefined): string => formatted(q, 2);

/** How well it worked, and on what it was not made for. */
function effectTable(data: string, all: readonly Quantity[], { config, experiment }: Findings): TableData {
  const of = (scheme: string, samples: string, metric: string): Quantity | undefined =>
    select(all, { scheme, metric, conditions: { samples } })[0];
  const made = (scheme: string, samples: string, metric: string): Quantity | undefined =>
    select(all, { scheme, metric, conditions: { samples } }).find(
      (q) => q.conditions.explainer === madeFor(all, scheme),
    );
  const rows = schemesIn(all).flatMap((scheme) =>
    valuesOf<string>(all, "samples").map((samples) => [
      config.schemes[scheme].title,
      samples,
      share(of(scheme, samples, "prediction as wanted")),
      formatted(of(scheme, samples, "change of probabilities")),
      formatted(of(scheme, samples, "largest change of the input")),
      share(made(scheme, samples, "fooled")),
      share(made(scheme, samples, "fooled before")),
      formatted(made(scheme, samples, "statistic")),
      formatted(made(scheme, samples, "spearman")),
      formatted(made(scheme, samples, "topK")),
    ]),
  );
  return {
    title: `${data}: ${experiment.title}`,
    header: [
      ...["network", "samples", "prediction as wanted", "change of probabilities", "largest change of the input"],
      ...["fooling success rate", "of the untouched", "statistic", "Spearman", "top-k"],
    ],
    rows,
    caption: `${basis(select(all, { metric: "fooled" }))} Under ${madeFor(all, schemesIn(all)[0])}, which it was made for; Spearman and top-k compare the explanation before with the one after.`,
  };
}

/** The explainer that a manipulation was made for is the one that is also tried on other samples, or was measured first. */
function madeFor(all: readonly Quantity[], scheme: string): string {
  return String(select(all, { scheme, metric: "fooled" })[0]?.conditions.explainer ?? "");
}

/** How far it carries over to other explainers. */
function transferTable(data: string, all: readonly Quantity[], { config }: Findings): TableData[] {
  const here = select(all, { conditions: { samples: "made for" } });
  const explainers = valuesOf<string>(select(here, { metric: "fooled" }), "explainer");
  if (explainers.length < 2) return [];
  const schemes = schemesIn(here);
  return [
    {
      title: `${data}: under other explainers`,
      header: [
        "explainer",
        ...schemes.flatMap((scheme) => {
          const { title } = config.schemes[scheme];
          return [`fooled, ${title}`, `before, ${title}`, `statistic, ${title}`, `Spearman, ${title}`];
        }),
      ],
      rows: explainers.map((explainer) => [
        explainer,
        ...schemes.flatMap((scheme) =>
          ["fooled", "fooled before", "statistic", "spearman"].map((metric) =>
            formatted(select(here, { scheme, metric, conditions: { explainer } })[0], 2),
          ),
        ),
      ]),
      caption: basis(select(here, { metric: "fooled" })),
    },
  ];
}

/** Numbers that are neither about samples nor about explainers alone: costs, and what is special about the manipulation. */
function otherTable(data: string, all: readonly Quantity[], { config }: Findings): TableData[] {
  const special = all.filter(({ conditions }) => conditions.detector === undefined && conditions.samples === undefined);
  if (special.length === 0) return [];
  const schemes = schemesIn(special);
  const nameOf = ({ metric, conditions }: Quantity): string =>
    [metric, ...Object.entries(conditions).map(([name, value]) => `${name} ${value}`)].join(", ");
  return [
    {
      title: `${data}: cost, and what else was measured`,
      header: ["", ...schemes.map((scheme) => config.schemes[scheme].title)],
      rows: [...new Set(special.map(nameOf))].map((name) => [
        name,
        ...schemes.map((scheme) => formatted(special.find((q) => q.scheme === scheme && nameOf(q) === name))),
      ]),
      caption: "Mean and 95 % interval over seeds.",
    },
  ];
}

/** What noticed or undid it. */
function detectorTable(data: string, all: readonly Quantity[], { config }: Findings): TableData[] {
  const detectors = valuesOf<string>(all, "detector");
  if (detectors.length === 0) return [];
  return [
    {
      title: `${data}: what notices or undoes it`,
      header: ["detector", "network", "noticed (AUROC)", "fooled in spite of it", "Spearman restored"],
      rows: detectors.flatMap((detector) =>
        schemesIn(all).map((scheme) => [
          detector,
          config.schemes[scheme].title,
          ...["noticed (AUROC)", "fooled in spite of it", "Spearman restored"].map((metric) =>
            formatted(select(all, { scheme, metric, conditions: { detector } })[0], 2),
          ),
        ]),
      ),
      caption: "AUROC 0.5 is guessing; 1 tells every manipulated explanation from every clean one.",
    },
  ];
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
      perData(findings).flatMap(([data, all]) => [
        effectTable(data, all, findings),
        ...transferTable(data, all, findings),
        ...otherTable(data, all, findings),
        ...detectorTable(data, all, findings),
      ]),
    pictureColumns: ["input", "its explanation", "input after", "its explanation after"],
    claims: entry.claims?.bind(entry),
  });
}
