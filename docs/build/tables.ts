/** Pages that are made from the tables of the library: a new row stands in them without anybody's doing. */
import {
  AUDIT_TABLE,
  DEFENCES,
  DETECTOR_TABLE,
  EXPLAINER_TABLE,
  MANIPULATION_TABLE,
  METRIC_TABLE,
  OBJECTIVE_TABLE,
} from "../../atex/index.js";
import { table as OPS } from "../../engine/ops/table.js";
import { DATASETS, LAYER_KINDS } from "../../nn/index.js";
import { OPERATORS } from "../../nn/onnx/operators/table.js";
import type { Fields } from "../../nn/schema.js";
import { code, sentences, tableOf } from "./html.js";
import { opRow } from "./rules.js";

export interface TablePage {
  /** Name of the page without `.html`. */
  readonly name: string;
  readonly title: string;
  readonly body: string;
}

/** Settings with their defaults and what they mean. */
function settingsOf(fields: Fields): string {
  const rows = Object.entries(fields).map(([name, { json, absent }]) => {
    const { description, default: implied } = json as { description?: string; default?: unknown };
    const value = absent?.value ?? implied;
    const initial = value === undefined || typeof value === "function" ? "" : ` = ${JSON.stringify(value)}`;
    return `${code(name + initial)}${description === undefined ? "" : ` ${sentences(description)}`}`;
  });
  return rows.join("<br>");
}

const yes = (value: unknown): string => (value ? "yes" : "");

function opsPage(): string {
  const rows = [...OPS]
    .sort((a, b) => a.name.localeCompare(b.name))
    .map((op) => {
      const { name, value, shapes, gradients } = opRow(op);
      const how = value !== undefined ? code(value) : op.view ? "a view: nothing is computed" : "a kernel of its own";
      const rules = op.vjp === null ? "none" : gradients.map(code).join("<br>");
      return [code(name), how, code(shapes), rules, op.linearIn ? op.linearIn.join(", ") : ""];
    });
  return `<p>Every operation that the engine runs, ${rows.length} in all; the functions of the library are made of these. A rule is written
in operations itself, so it is differentiated like everything else: that is how there are derivatives of any order. <code>g</code> is the
gradient of the result, <code>y</code> the result, <code>x, w, z</code> the inputs, each line the gradient of one of them, traced from the first
sample of the operation in its tests. Where inputs broadcast, gradients are summed over the sides that grew.</p>
${tableOf(["operation", "value of an element", "a sample's shapes", "derivative rule", "linear in input"], rows)}`;
}

function explainersPage(): string {
  const rows = EXPLAINER_TABLE.map(({ name, info, needs, laws, options, uses, needsGrid }) => [
    `${code(name)}<br>${sentences(info.name)}`,
    sentences(info.source),
    needs,
    [needsGrid ? "images" : "images and rows", uses?.background ? "a background" : "", uses?.segments ? "segments" : ""]
      .filter(Boolean)
      .join(", "),
    yes(laws.differentiable),
    settingsOf(options),
  ]);
  return `<p>What <code>holdfast explain --method</code> and <code>makeExplainer</code> know by name. "Needs" says what of a network is asked:
its outputs, its gradients, or the operations inside. One with a derivative can be attacked and trained against.</p>
${tableOf(["explainer", "source", "needs", "for", "derivative", "settings"], rows)}`;
}

function metricsPage(): string {
  const rows = METRIC_TABLE.map(({ name, kind, info, options }) => [
    `${code(name)}<br>${sentences(info.name)}`,
    kind,
    info.larger,
    code(`${info.range[0]} to ${info.range[1]}`),
    sentences(String(info.perfect)),
    sentences(String(info.random)),
    yes(info.differentiable),
    sentences(info.source),
    settingsOf(options),
  ]);
  const heading = ["metric", "of", "larger means", "range", "perfect", "random", "gradient", "source", "settings"];
  return `<p>Similarities compare two maps, stability looks at an explainer around a sample, faithfulness at what a map says of the score,
placement at where it lies. "Perfect" and "random" are the values for equal maps or a perfect explanation, and for unrelated ones.</p>
${tableOf(heading, rows)}`;
}

function attacksPage(): string {
  const rows = OBJECTIVE_TABLE.map(({ name, help, source, targeted, needsGrid, options }) => [
    code(name),
    sentences(help),
    sentences(source),
    targeted ? "somebody's choice" : "away from the map",
    needsGrid ? "images" : "images and rows",
    settingsOf(options),
  ]);
  return `<p>Objectives of <code>attackExplanation</code> and <code>holdfast attack --objective</code>: what is done to a map while the prediction
stays. Balls are <code>linf</code>, <code>l2</code> and, for rows, <code>columnBall</code>; rules <code>signStep</code>, <code>maxAbsStep</code> and
<code>adamStep</code>. Attacks on predictions are <code>fgsmAttack</code>, <code>pgdAttack</code> and <code>attackPrediction</code>.</p>
${tableOf(["objective", "what it does", "source", "aim", "for", "settings"], rows)}`;
}

function manipulationsPage(): string {
  const rows = MANIPULATION_TABLE.map(({ name, title, help, source, changes, takes, options }) => [
    `${code(name)}<br>${sentences(title)}`,
    sentences(help),
    changes,
    takes,
    sentences(source),
    settingsOf(options),
  ]);
  return `<p>Ways to make explanations lie, of <code>holdfast manipulate</code> and <code>performManipulation</code>: through inputs, through
weights, or through what an explainer compares with.</p>
${tableOf(["manipulation", "what it does", "changes", "for", "source", "settings"], rows)}`;
}

function detectorsPage(): string {
  const rows = DETECTOR_TABLE.map(({ name, title, help, source, takes, explainers, suspicion, restored }) => [
    `${code(name)}<br>${sentences(title)}`,
    sentences(help),
    takes,
    explainers ? explainers.map(code).join(", ") : "all",
    [suspicion ? "raises an alarm" : "", restored ? "gives another map" : ""].filter(Boolean).join(", "),
    sentences(source),
  ]);
  return `<p>What notices or undoes a manipulation.</p>
${tableOf(["detector", "what it looks at", "for", "explainers", "what it does", "source"], rows)}`;
}

function defencesPage(): string {
  const rows = DEFENCES.map(({ name, info, order, needs, presets, options }) => [
    `${code(name)}<br>${sentences(info.name)}`,
    sentences(info.source),
    String(order),
    needs.join(", "),
    Object.keys(presets).map(code).join(", "),
    settingsOf(options),
  ]);
  return `<p>Ways to train a network whose explanations hold, of <code>holdfast defend --scheme</code> and <code>makeDefence</code>. "Order" is
that of the highest derivative in a training step.</p>
${tableOf(["defence", "source", "order", "needs", "presets", "settings"], rows)}`;
}

function auditPage(): string {
  const rows = AUDIT_TABLE.map(({ number, name, title, question, words, source, about, takes, options }) => [
    `${number} ${code(name)}<br>${sentences(title)}`,
    `<b>${sentences(question)}</b> ${sentences(words)}`,
    about,
    takes,
    sentences(source),
    settingsOf(options),
  ]);
  return `<p>The questions of <code>holdfast audit</code> and <code>runAudit</code>. Each is put to controls as well (a random map, the input
itself, its edges): a test that they pass says nothing.</p>
${tableOf(["row", "question and how it is tested", "about", "for", "source", "settings"], rows)}`;
}

function dataPage(): string {
  const rows = Object.entries(DATASETS).map(([name, { kind, title, shape, source, licence, citation }]) => [
    code(name),
    sentences(title),
    kind,
    code(`[${shape}]`),
    sentences(citation),
    sentences(licence),
    sentences(source),
  ]);
  return `<p>What <code>loadDataset</code> and <code>--data</code> know by name. Data of your own: <code>openFolder</code>,
<code>openTable</code>, <code>openIdx</code>, <code>fromArrays</code>.</p>
${tableOf(["data set", "what", "kind", "shape of a sample", "citation", "licence", "published at"], rows)}`;
}

function layersPage(): string {
  const rows = LAYER_KINDS.map(({ kind, about, options, parts }) => [
    code(kind),
    sentences(about),
    Object.entries(parts as Record<string, string>)
      .map(([part, count]) => `${code(part)} (${count})`)
      .join(", "),
    settingsOf(options),
  ]);
  return `<p>Layers of <code>holdfast/nn</code>, with their settings as files of weights hold them. A layer of your own is two functions; one
that is to be saved as data is a row made by <code>layerKind</code>.</p>
${tableOf(["layer", "what", "parts", "settings"], rows)}`;
}

function onnxPage(): string {
  const rows = [...OPERATORS]
    .sort((a, b) => a.domain.localeCompare(b.domain) || a.name.localeCompare(b.name) || a.since - b.since)
    .map(({ name, domain, since, until, attributes, host }) => [
      code(domain === "" ? name : `${domain}.${name}`),
      until === Number.POSITIVE_INFINITY ? `${since} and later` : `${since} to ${until}`,
      Object.keys(attributes).map(code).join(", "),
      host.length > 0 ? host.join(", ") : "",
    ]);
  const names = new Set(OPERATORS.map(({ name, domain }) => `${domain}.${name}`));
  return `<p>${names.size} ONNX operators are read by <code>importOnnx</code>, in ${rows.length} rows of a table, one for each range of operator sets in
which an operator means one thing. "Known before" are inputs that have to be constants, or to follow from shapes.</p>
${tableOf(["operator", "operator sets", "attributes", "known before"], rows)}`;
}

/** All of them. Ops are traced on symbols, so that no device is needed. */
export function tablePages(): TablePage[] {
  return [
    { name: "ops", title: "Operations and their derivatives", body: opsPage() },
    { name: "layers", title: "Layers", body: layersPage() },
    { name: "explainers", title: "Explainers", body: explainersPage() },
    { name: "metrics", title: "Metrics", body: metricsPage() },
    { name: "attacks", title: "Objectives of attacks", body: attacksPage() },
    { name: "manipulations", title: "Manipulations", body: manipulationsPage() },
    { name: "detectors", title: "Detectors", body: detectorsPage() },
    { name: "defences", title: "Defences", body: defencesPage() },
    { name: "audit-rows", title: "Rows of an audit", body: auditPage() },
    { name: "data-sets", title: "Data sets", body: dataPage() },
    { name: "onnx", title: "ONNX operators", body: onnxPage() },
  ].map((page) => ({ ...page, body: `<h1>${page.title}</h1>\n${page.body}` }));
}
