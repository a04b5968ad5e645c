/** Networks under attack: accuracy, and how much attacked maps agree with clean ones (tables 1 to 4 and whatever looks like them). */
import { callerScope } from "../../../engine/index.js";
import { flag, list, natural, setting } from "../../../nn/schema.js";
import { surrogateOf } from "../../attacks/surrogate.js";
import { type Quantity, select, valuesOf } from "../aggregate.js";
import { accuracyOf as accuracyIn, ENSEMBLE, ensembleTable, ofEnsembles, PAPERS_ATTACKS } from "../aimed.js";
import { type Cell, type Measurement, type Outcome, type PictureRows, picturesOf } from "../cells.js";
import type { ReproduceConfig } from "../config.js";
import { curves } from "../curves.js";
import { type CellPart, type Experiment, experimentKind } from "../kind.js";
import { type Lab, type Split, splitOf } from "../lab.js";
import type { Manipulated } from "../manipulation.js";
import {
  accuracyOf,
  attackImages,
  attackMeasurements,
  correctlyClassified,
  type Manipulations,
  meansOf,
  pixelsAt,
  rounded,
  sampleOf,
} from "../measuring.js";
import { type AttackConfig, attack, names, split } from "../settings.js";
import { basis, formatted, metricTitle, perData, schemesIn, type TableData } from "../tables.js";
import { claimsUnderAttack } from "./robustnessClaims.js";

const settings = {
  schemes: names,
  attacks: list(attack),
  split,
  trainPerEps: setting(
    flag,
    false,
    "trains a network for each eps1 and attacks it with that one, as the paper does; otherwise one network for all",
  ),
  pictures: setting(natural, 0, "images of the first seed that are shown"),
};
type Settings = Experiment<typeof settings>;

async function run(lab: Lab, cell: Cell, experiment: Settings): Promise<Outcome> {
  const here = callerScope();
  const { data, seed, eps } = cell;
  const scheme = cell.scheme!;
  const loaded = await here.wait(lab.data(data));
  using network = await here.wait(lab.network({ data, seed, scheme, eps }));
  const split = splitOf(loaded, experiment);
  const trainedFor: Record<string, number> = eps === undefined ? {} : { eps };
  const accuracy: Measurement = {
    ...{ scheme, conditions: trainedFor, metric: "accuracy" },
    ...{ value: await here.wait(accuracyOf(network, split)), count: split.labels.length },
  };
  const measurements = [accuracy];
  const pictures: PictureRows[] = [];
  const shown = picturesOf(lab.config, cell);
  const radii = eps === undefined ? loaded.plan.eps! : [eps];
  for (const [at, attack] of experiment.attacks.entries()) {
    const indices = await here.wait(correctlyClassified(network.classifier, split, attack.images));
    const surrogate = surrogateOf(network.classifier, split.shape);
    const all = await here.wait(
      attackImages(lab, network.classifier, { attack, surrogate, indices, split, radii, seed }),
    );
    measurements.push(...all.under.flatMap((one) => measured(scheme, attack, one)));
    if (at === 0 && shown > 0) {
      const labels = indices.slice(0, shown).map((i) => loaded.classes[split.labels[i]]);
      pictures.push(pictureRows(`${data} ${scheme}`, labels, split, indices, all));
    }
  }
  return { measurements, pictures };
}

function measured(scheme: string, attack: AttackConfig, one: Manipulated): Measurement[] {
  const { objective, explainer, steps, restarts, rule } = attack;
  const by = (objective: string) => ({
    scheme,
    conditions: { objective, explainer, eps: one.eps, steps, restarts, rule },
  });
  return [
    ...attackMeasurements(by(objective), one),
    ...meansOf(by(objective), one.control, "control "),
    ...Object.entries(one.alone ?? {}).flatMap(([name, agreement]) => meansOf(by(name), agreement)),
  ];
}

/** Input, its map, the input attacked at the largest eps1, and the map of that. */
function pictureRows(
  name: string,
  labels: readonly string[],
  split: Split,
  indices: readonly number[],
  { clean, under }: Manipulations,
): PictureRows {
  const last = under.reduce((a, b) => (b.eps > a.eps ? b : a));
  const rows = labels.map((label, i) => {
    const of = (all: Float32Array): number[] => rounded(sampleOf(all, i, indices.length));
    return { label, cells: [pixelsAt(split, indices[i]), of(clean), of(last.images), of(last.maps)] };
  });
  return { name, columns: ["image", "map", "image", "map"], rows };
}

/** Of ensembles the measures under their own attacks and under all; of the paper's tables also all measures under each of the paper's
 *  attacks, as it has them; of single attacks what they leave. */
function tablesOf(name: string, data: string, all: readonly Quantity[], config: ReproduceConfig): TableData[] {
  const explainers = valuesOf<string>(ofEnsembles(all), "explainer");
  const tables = explainers.map((explainer) =>
    ensembleTable(
      data,
      [...select(all, { metric: "accuracy" }), ...select(all, { conditions: { explainer } })],
      config,
    ),
  );
  const attacks = new Map(
    all.flatMap(({ conditions: { objective, explainer, steps, restarts } }) =>
      objective === undefined || objective === ENSEMBLE
        ? []
        : [[JSON.stringify([objective, explainer, steps, restarts]), { objective, explainer, steps, restarts }]],
    ),
  );
  for (const conditions of attacks.values()) {
    const part = explainers.includes(String(conditions.explainer));
    if (!part || (name === "tables" && PAPERS_ATTACKS.includes(conditions.objective)))
      tables.push(attackTable(data, all, { config, conditions, part }));
  }
  return tables;
}

interface AttackTable {
  readonly config: ReproduceConfig;
  readonly conditions: Quantity["conditions"];
  /** It was part of an ensemble. */
  readonly part: boolean;
}

/** All measures under one attack. */
function attackTable(
  data: string,
  all: readonly Quantity[],
  { config: { schemes, k }, conditions, part }: AttackTable,
): TableData {
  const under = select(all, { conditions });
  const measures = ["topK", "spearman", "ssim", ...(part ? [] : ["control topK", "control spearman"])];
  const row = (eps: number, scheme: string): string[] => {
    const of = (metric: string) => formatted(select(under, { scheme, metric, conditions: { eps } })[0]);
    return [String(eps), schemes[scheme].title, formatted(accuracyIn(all, scheme, eps)), ...measures.map(of)];
  };
  const titles = [metricTitle("topK", k), "Spearman", "SSIM"];
  const random = part ? [] : [`${titles[0]}, random`, "Spearman, random"];
  return {
    title: `${data}: ${conditions.objective} attack on ${conditions.explainer} maps${part ? ", all measures under this one attack as the paper has them" : ""}`,
    header: ["eps1", "", "accuracy, %", ...titles, ...random],
    rows: valuesOf<number>(under, "eps").flatMap((eps) => {
      const tried = schemesIn(select(under, { conditions: { eps } }));
      return tried.map((scheme) => row(eps, scheme));
    }),
    caption:
      `${basis(under)} Agreement of attacked with clean maps, 1 is unchanged; ${part ? "" : "random is a change as large without an aim; "}${conditions.steps} steps` +
      `${part ? "" : `, ${conditions.restarts} restarts`}, every attacked image correctly classified before and predicted alike after.`,
  };
}

export const robustness = experimentKind({
  kind: "robustness",
  settings,
  words:
    "Each attack looks inside the L-inf ball of radius eps1 for the image whose map differs most in the attack's sense, among " +
    "images that are classified as before (eq. 1): untargeted attacks drain the most important pixels, targeted ones fill a random " +
    "5×5 block. Agreement is measured between the map of the clean and that of the attacked image. The random change is a point " +
    "of the same ball without an aim. A map through SmoothGrad is attacked knowing its noise.",
  schemes: ({ schemes }) => schemes,
  cells({ schemes, trainPerEps }, config, data) {
    return schemes.flatMap((scheme): CellPart[] =>
      trainPerEps && config.schemes[scheme].kind !== "normal"
        ? config.data[data].eps!.map((eps) => ({ scheme, eps }))
        : [{ scheme }],
    );
  },
  run,
  tables: (findings) => perData(findings).flatMap(([data, all]) => tablesOf(findings.name, data, all, findings.config)),
  plots({ config, all }) {
    const worst = ofEnsembles(all);
    const drawn = worst.length > 0 ? (["topK", "spearman"] as const) : (["topK"] as const);
    return drawn.flatMap((metric) =>
      curves(select(worst.length > 0 ? worst : all, { metric }), {
        axis: "eps",
        x: "eps1",
        y: metricTitle(metric, config.k),
        nameOf: ({ scheme }) => config.schemes[scheme].title,
      }),
    );
  },
  pictureColumns: ["input", "map", "attacked input", "its map"],
  claims: claimsUnderAttack,
});
