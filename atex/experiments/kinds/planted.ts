/** Audits of networks whose fault is known, beside audits of honest ones: which row notices what, and how often it accuses wrongly. */
import { dispose, openScope, random, scope } from "../../../engine/index.js";
import type { Layer } from "../../../nn/index.js";
import { ConfigError, count, flag, list, optional, readSettings, record, setting, text } from "../../../nn/schema.js";
import type { AuditFinding, AuditMeasurement, AuditWorld } from "../../audit/audit.js";
import { drawnSamples, usualPlan } from "../../audit/plan.js";
import { type AuditPlan, auditCells, judgeAudit, runAudit } from "../../audit/run.js";
import { auditRowOf } from "../../audit/table.js";
import { explainerEntryOf } from "../../explainers/table.js";
import type { ManipulationWorld } from "../../manipulations/manipulation.js";
import type { Cell, Conditions, Measurement, Outcome } from "../cells.js";
import { type Experiment, experimentKind } from "../kind.js";
import type { Lab } from "../lab.js";
import { accuracyOf } from "../measuring.js";
import { names } from "../settings.js";
import { manipulationWorld } from "./manipulation.js";
import { CONDEMNED, claims, noticedTables, numberTables, TESTED } from "./plantedTables.js";
import { PLANTS, type PlantedNetwork, plantOf } from "./plants.js";

const anything = { read: (value: unknown) => value, json: {} };

const settings = {
  schemes: names,
  plant: setting(text, "honest", `what is audited: ${PLANTS.map(({ name }) => name).join(", ")}`),
  settings: optional(record(anything), {}),
  calibrates: setting(
    flag,
    false,
    "honest networks that only say how often rows speak against such; the others are judged by that",
  ),
  rows: setting(list(text), undefined, "rows of the audit; default all"),
  explainers: setting(list(text), undefined, "explainers that are judged; default three that are usual for the data"),
  samples: setting(count, 10, "test samples that are explained and attacked"),
  rowSettings: optional(record(record(anything)), {}),
};
type Settings = Experiment<typeof settings>;

const planFor = (e: Settings, { domain }: Pick<ManipulationWorld, "domain">): AuditPlan =>
  usualPlan(domain, { rows: e.rows, explainers: e.explainers, quick: true, settings: e.rowSettings });

/** The network as somebody is given it who knows nothing of how it was made. */
function auditWorld(made: ManipulationWorld, { classifier, params }: PlantedNetwork, e: Settings): AuditWorld {
  const { model, domain, classes, train, test, sensitive, explaining, explainer, seed, say } = made;
  const layer: Layer = model;
  return {
    ...{ classifier, domain, classes, train, test, sensitive, explaining, explainer, seed, say, about: {} },
    weights: params && {
      ...{ params, layer, network: (own, x) => layer.apply(own, x) },
      fresh: (draw) => scope(() => layer.init(random.key(draw), domain.shape).params),
    },
    samples: drawnSamples(test.labels.length, e.samples, seed),
  };
}

async function run(lab: Lab, cell: Cell, e: Settings): Promise<Outcome> {
  using here = openScope("planted");
  using made = await here.wait(manipulationWorld(lab, cell, { images: e.samples, others: 0, siblings: 0 }));
  const plant = plantOf(e.plant);
  const network = await here.wait(plant.make(readSettings(plant, e.settings), made));
  try {
    const plan = planFor(e, made);
    const world = auditWorld(made, network, e);
    let now = "";
    const store = { load: async () => undefined, save: async () => {} };
    const measured = await here.wait(
      runAudit({ ...world, say: (line) => lab.say(`${now}: ${line}`) }, plan, store, {
        onProgress({ cell: { id }, done, cells }) {
          now = `${id} (${done + 1} of ${cells})`;
          lab.say(now);
        },
      }),
    );
    const scheme = cell.scheme!;
    const found = judgeAudit(plan, measured).flatMap((finding) => verdictOf(finding, e.samples));
    const numbers = auditCells({ ...plan, controls: [] }).flatMap(({ id, row }) =>
      row.about === "network" ? numbersOf(row.name, measured.get(id)!) : [],
    );
    const { params } = network;
    const accuracy = params ? await here.wait(accuracyOf({ model: made.model, params }, made.test)) : undefined;
    return {
      measurements: [
        ...found,
        ...numbers,
        ...(accuracy === undefined
          ? []
          : [{ conditions: {}, metric: "accuracy", value: accuracy, count: made.test.labels.length }]),
      ].map((one) => ({ scheme, ...one })),
    };
  } finally {
    if (network.params && network.params !== made.params) dispose(network.params);
  }
}

type Found = Omit<Measurement, "scheme">;

function verdictOf({ row, explainer, verdict }: AuditFinding, samples: number): Found[] {
  const conditions: Conditions = explainer === undefined ? { row } : { row, explainer };
  const tested = verdict !== "not tested";
  const of = { conditions, count: samples };
  return [
    { ...of, metric: TESTED, value: Number(tested) },
    ...(tested ? [{ ...of, metric: CONDEMNED, value: Number(verdict === "does not hold") }] : []),
  ];
}

/** What a row says about the network as a whole: what thresholds are made from. A cell's file has no NaN. */
const numbersOf = (row: string, { numbers }: AuditMeasurement): Found[] =>
  numbers
    .filter(({ value }) => Number.isFinite(value))
    .map(({ name, setting: under, value, n }) => {
      const conditions: Conditions = under === undefined ? { row } : { row, setting: under };
      return { conditions, metric: name, value, count: n };
    });

export const planted = experimentKind({
  kind: "planted",
  withoutEps: true,
  settings,
  words:
    "Networks whose fault is known are audited like any other, and so are honest ones. A row that speaks against the explanations of honest networks as well says nothing " +
    "about the network. Which rows do is asked of honest networks that serve for nothing else; what is said of the others follows from that.",
  schemes: ({ schemes }) => schemes,
  check(e, _, path) {
    try {
      const found = PLANTS.find(({ name }) => name === e.plant);
      if (!found)
        throw new RangeError(`plant "${e.plant}" is unknown; there is ${PLANTS.map(({ name }) => name).join(", ")}`);
      readSettings(found, e.settings);
      for (const row of e.rows ?? []) auditRowOf(row);
      for (const [row, own] of Object.entries(e.rowSettings)) readSettings(auditRowOf(row), own);
      for (const name of e.explainers ?? []) explainerEntryOf(name);
      if (e.calibrates && e.plant !== "honest") throw new RangeError(`${e.plant} networks calibrate nothing`);
    } catch (error) {
      if (error instanceof RangeError) throw new ConfigError(`${path}: ${error.message}`);
      throw error;
    }
  },
  run,
  tables: numberTables,
  overview: noticedTables,
  claims,
});
