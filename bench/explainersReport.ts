/** The suite of explainers for people: one set of tables, as text and as Markdown. */
import { attackCase, type ExplainersReport, shapleyCase } from "./explainers.js";
import { type MapsLeft, radius, topPixels } from "./explainersAttack.js";
import { figure, formatAbout, originOf, type Row, table } from "./report.js";
import type { ShapleyError } from "./shapleyErrors.js";

interface Section {
  readonly title: string;
  /** What the columns mean. */
  readonly text: string;
  readonly heading: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** "none" where all maps are constant, which have no rank correlation; a file holds null for it. */
const fixed = (value: number | null | undefined): string =>
  value === undefined ? "-" : value === null || Number.isNaN(value) ? "none" : value.toFixed(3);
/** The mean, and how many images it leaves out. */
const rankText = (left: MapsLeft | undefined): string =>
  fixed(left?.spearman) + (left?.withoutRanks ? ` (−${left.withoutRanks})` : "");
const share = (value: number): string => (value === 0 ? "0" : value.toExponential(1));

/** Why a row says nothing, if it does. */
function fault(row: Row | undefined): string | undefined {
  if (!row) return "not measured";
  if (row.error) return `FAILED: ${row.error}`;
  const { disagreement } = row;
  return row.checked ? undefined : `WRONG: ${disagreement?.where} is ${disagreement?.got}, not ${disagreement?.truth}`;
}

function sectionsOf(report: ExplainersReport): Section[] {
  const { explained, results } = report;
  if (!explained) return [];
  const { size, network, data, accuracy, explainers, shapley } = explained;
  const rowOf = (name: string): Row | undefined => results.find((row) => row.case === name);
  const perImage = (ms: number | null | undefined): string => figure(ms == null ? ms : ms / size.batch);
  const cost = explainers.map(({ name, batch, agreement }) => {
    const row = rowOf(name);
    const error = agreement && `${share(agreement.error)} (${agreement.settings})`;
    return [
      ...[name, perImage(row?.medianMs), perImage(row?.workerCpuMs), figure(row?.dispatches)],
      ...[figure(batch?.inputs), fault(row) ?? batch!.settings, error ?? "-"],
    ];
  });
  const attacked = explainers.map(({ name, attack }) => {
    const row = rowOf(attackCase(name));
    const both = [attack?.attacked, attack?.control];
    const beside = (key: "topK" | "ssim"): string[] => both.map((left) => fixed(left?.[key]));
    const cut = attack?.cutTo === undefined ? "" : ` *${attack.cutTo}`;
    return [
      ...[name, attack ? figure(attack.seconds) + cut : "-"],
      ...[...both.map(rankText), ...beside("topK"), ...beside("ssim")],
      row ? (fault(row) ?? attack!.settings) : "no slope to attack by",
    ];
  });
  const checked =
    "Each was compared with its own op-by-op run on the whole batch, and with float64 on fewer images, before it was timed.";
  return [
    {
      title: `Cost at batch ${size.batch}, and agreement with float64`,
      text:
        `On ${network}, trained for ${size.epochs} ${size.epochs === 1 ? "pass" : "passes"} over ${size.trained} images of ${data} ` +
        `(accuracy ${(100 * accuracy).toFixed(1)} % on ${size.judged} others). Captured steps, median of ` +
        `${rowOf(explainers[0]?.name)?.runs ?? 0} runs. ${checked} Inputs: those that the network is given for each image, ` +
        `most of them with a gradient where the explainer uses gradients. The last column: the largest |device − float64| over ${size.compared} ` +
        `${size.compared === 1 ? "image" : "images"}, as a share of the largest |float64|. No dispatches: a map that does not depend on the ` +
        `image on this network (DeconvNet without max pooling), so that a captured step has nothing to do.`,
      heading: ["explainer", "ms per image", "worker CPU ms per image", "dispatches", "inputs", "settings", "off by"],
      rows: cost,
    },
    {
      title: `An attack of ${size.steps} steps through each, on ${size.attacked} images`,
      text:
        `Top-${topPixels} suppression, eps ${radius}, sign steps of ${radius / 2} that shrink by a cosine, predictions kept. Seconds: wall time from the ` +
        `first step to the attacked images on the host, capture included; * and a number: so many steps were run, the time is extrapolated ` +
        `and the maps are those after these steps. Agreement of the explainer's maps with those of the clean images, mean over the ` +
        `images: after the attack, and beside it after the same changes with their pixels shuffled. Patches and few samples make coarse ` +
        `maps, in which many pixels are equal; (−n): n images left out, whose maps are constant and have no ranks.`,
      heading: [
        ...["explainer", "seconds", "Spearman", "shuffled", `top-${topPixels}`, "shuffled", "SSIM", "shuffled"],
        "settings",
      ],
      rows: attacked,
    },
    ...(shapley.length > 0 ? [shapleySection(shapley, rowOf)] : []),
  ];
}

/** A line per number of samples, two columns per number of features. */
function shapleySection(errors: readonly ShapleyError[], rowOf: (name: string) => Row | undefined): Section {
  const players = [...new Set(errors.map((e) => e.players))];
  const samples = [...new Set(errors.map((e) => e.samples))];
  const cell = (p: number, s: number): string[] => {
    const found = errors.find((e) => e.players === p && e.samples === s);
    return found ? [share(found.mean) + (found.complete ? " (all)" : ""), share(found.max)] : ["-", "-"];
  };
  const faults = players.flatMap((p) => {
    const wrong = fault(rowOf(shapleyCase(p)));
    return wrong ? [`${p} features: ${wrong}`] : [];
  });
  return {
    title: "KernelSHAP against exact Shapley values",
    text: [
      "Games of a small random network, a perceptron with 16 hidden tanh units: mean and largest |KernelSHAP − exact| over features, rows and " +
        "draws of the coalitions, as shares of the row's largest exact value. (all): no more coalitions than these exist, and what is left is rounding.",
      ...faults,
    ].join(" "),
    heading: ["samples", ...players.flatMap((p) => [`${p} features: mean`, "largest"])],
    rows: samples.map((s) => [String(s), ...players.flatMap((p) => cell(p, s))]),
  };
}

export function formatExplainers(report: ExplainersReport): string {
  const parts = sectionsOf(report).flatMap(({ title, text, heading, rows }) => [
    `${title}\n${text}`,
    table(heading, rows),
  ]);
  return [formatAbout(report), ...parts].join("\n\n");
}

export function explainersMarkdown(report: ExplainersReport): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((c) => c.replaceAll("|", "\\|")).join(" | ")} |`;
  const isText = (name: string): boolean => ["explainer", "settings"].includes(name);
  const parts = sectionsOf(report).flatMap(({ title, text, heading, rows }) => [
    ...[`## ${title}`, text],
    [line(heading), line(heading.map((name) => (isText(name) ? "---" : "--:"))), ...rows.map(line)].join("\n"),
  ]);
  const made = `Measured on ${originOf(report)} by \`npm run bench -- explainers --save\`.`;
  return `${["# Every explainer: agreement, cost, attack", made, ...parts].join("\n\n")}\n`;
}
