/** `holdfast audit`: can the explanations of this network be trusted? */
import { join } from "node:path";
import {
  AUDIT_TABLE,
  type AuditFinding,
  type AuditMeasurement,
  type AuditPlan,
  type AuditReport,
  type AuditVerdict,
  auditCells,
  auditFails,
  auditReport,
  runAudit,
} from "../../atex/index.js";
import { auditMarkdown, auditPage, type RowDrawings } from "../../atex/render/audit.js";
import { type Html, line } from "../../atex/render/html.js";
import { linePlot, plots } from "../../atex/render/plot.js";
import { openScope, scope } from "../../engine/index.js";
import { sampleTensor } from "../../nn/index.js";
import { choice, columns } from "../arguments.js";
import { auditPlan, auditStore, auditWorld, fingerprint, readAuditFile } from "../audit.js";
import { asUsage, defineCommand, numberOption } from "../command.js";
import { dataOptions, sourceOptions } from "../data.js";
import { cpuOption, withEngine } from "../engine.js";
import { METHODS } from "../explainers.js";
import { writeOutput } from "../files.js";
import { duration, Live } from "../live.js";
import { modelOptions, readModel } from "../model.js";
import { pictureRows } from "../reproduce/html.js";
import { openFor, trainingData } from "../sample.js";
import { stopOnSignals } from "../stopping.js";
import { requireWritableFolder } from "../writable.js";

const ROWS = AUDIT_TABLE.map(({ number, name }) => `${number} ${name}`).join(", ");

const options = {
  ...modelOptions,
  ...sourceOptions,
  data: { type: "string", value: "name", help: "labelled data it is judged on; default those of the weights" },
  "data-dir": dataOptions["data-dir"],
  rows: { type: "string", value: "names", help: `rows of the audit, with commas: ${ROWS} (default all)` },
  explainer: {
    type: "string",
    value: "names",
    help: `explanations that are judged, with commas: ${METHODS.join(", ")} (default three that are usual for the data)`,
  },
  samples: {
    type: "string",
    value: "n",
    help: "test samples that are explained and attacked (default 50; 20 with --quick)",
  },
  quick: { type: "boolean", help: "a few minutes on two cores for a network of small images" },
  budget: { type: "string", value: "minutes", help: "stop after this time; the same command goes on later" },
  set: {
    type: "string",
    value: "row.setting=value",
    help: "a setting of a row, several with commas, as the items of a list: attack.steps=50,attack.eps=0.02,0.04; --list names them",
  },
  config: {
    type: "string",
    value: "file.json",
    help: "rows, explainers, samples and settings, as an audit writes them",
  },
  "fail-on": {
    type: "string",
    value: "names",
    help: "exit with status 3 if one of these rows does not hold, or `any` of them: for builds",
  },
  sensitive: { type: "string", value: "column", help: "the column by which nobody should be judged" },
  seed: { type: "string", default: "0", value: "n", help: "seed of everything random" },
  list: { type: "boolean", help: "print the rows with their questions and settings, and stop" },
  out: { type: "string", default: "out/audit", value: "folder", help: "where audit.html, audit.md and audit.json go" },
  ...cpuOption,
} as const;

/** A build that is guarded by an audit fails with this. */
const FAILED = 3;

export const command = defineCommand({
  summary: "judge how far the explanations of a network can be trusted, row by row, beside controls",
  options,
  async run({ values }) {
    if (values.list) {
      console.log(rowLines());
      return 0;
    }
    const seed = numberOption("seed", values.seed, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true });
    const budget =
      values.budget === undefined ? undefined : numberOption("budget", values.budget, { min: 0.1, max: 100_000 });
    const guarded = guardedRows(values["fail-on"]);
    const file = await readAuditFile(values.config);
    const samples =
      values.samples === undefined
        ? (file.samples ?? (values.quick ? 20 : 50))
        : numberOption("samples", values.samples, { min: 2, max: 10_000, integer: true });
    await requireWritableFolder("out", values.out);
    const live = new Live();
    const source = await readModel(values);
    return withEngine({ cpu: values.cpu, withoutAdapter: "refuse" }, async (place) => {
      using here = openScope("audit");
      const began = performance.now();
      const model = await here.wait(source.open());
      const dataset = await here.wait(
        values.data === undefined ? trainingData(model, values["data-dir"], live) : openFor(model, values, live),
      );
      const plan = planned(() => auditPlan(values, file, model));
      const late = new AbortController();
      const stopping = stopOnSignals(() =>
        live.print("stopping; the same command goes on, and begins anew what is being measured"),
      );
      const stop = {
        get aborted(): boolean {
          return late.signal.aborted || stopping.signal.aborted;
        },
      };
      const few = sampleTensor(dataset.test, [0, 1].slice(0, dataset.test.labels.length));
      const of = await here.wait(fingerprint(await here.wait(scope(() => model.classifier(few)).read())));
      const about = {
        network: `${model.title} (${model.origin})`,
        "outputs' fingerprint": of,
        data: `${samples} of ${dataset.test.labels.length} test samples of ${dataset.name}, drawn with seed ${seed}`,
        classes: model.card.classes.join(", "),
        "explained output": "the logit of the predicted class",
        command: ["holdfast", ...process.argv.slice(2)].join(" "),
        "computed on": place.name,
      };
      let now = "";
      const say = (text: string): void => live.update(`${now}  ${text}`);
      const world = auditWorld(model, dataset, { samples, seed, sensitive: values.sensitive }, { say, about, stop });
      const store = auditStore(values.out, plan, { of, samples, seed, data: dataset.name });
      const cells = auditCells(plan).length;
      live.print(`${about.network}; ${about.data}; ${cells} measurements on ${place.name}`);
      await here.wait(writeOutput(join(values.out, "audit-config.json"), configText(plan, samples)));
      // What has been measured by then is kept; a first measurement that takes longer is brought to its end.
      const timer = budget === undefined ? undefined : setTimeout(() => late.abort(), 60_000 * budget).unref();
      let first = -1;
      const measured = await here.wait(
        runAudit(world, plan, store, {
          onProgress({ cell, done }) {
            const spent = (performance.now() - began) / 1000;
            if (first < 0) first = done;
            const left = done > first ? `  about ${duration((spent * (cells - done)) / (done - first))} left` : "";
            now = `${done}/${cells}${left}  ${cell.row.title}${cell.candidate ? `: ${cell.candidate.title}` : ""}`;
            live.update(now);
          },
        }).catch((error: unknown) => {
          throw asUsage(error);
        }),
      );
      clearTimeout(timer);
      const report = auditReport(plan, measured, { ...about, took: duration((performance.now() - began) / 1000) });
      for (const text of printed(report)) live.print(text);
      for (const [name, contents] of [
        ["audit.json", `${JSON.stringify(report, null, 2)}\n`],
        ["audit.md", auditMarkdown(report)],
        ["audit.html", auditPage(report, drawingsOf(report, measured))],
      ] as const) {
        await here.wait(writeOutput(join(values.out, name), contents));
        live.print(join(values.out, name));
      }
      if (measured.size < cells)
        live.print(`${cells - measured.size} measurements are missing; the same command goes on`);
      const failed = guarded ? auditFails(report, { verdicts: ["does not hold"], names: guarded.names }) : [];
      for (const finding of failed) live.print(`failed: ${findingText(report, finding)}`);
      return stopping.status ?? (failed.length > 0 ? FAILED : 0);
    });
  },
});

/** Unknown settings are mistakes of whoever gave them. */
function planned(make: () => AuditPlan): AuditPlan {
  try {
    const plan = make();
    auditCells(plan);
    return plan;
  } catch (error) {
    throw asUsage(error);
  }
}

function guardedRows(text: string | undefined): { names?: string[] } | undefined {
  if (text === undefined) return undefined;
  const known = AUDIT_TABLE.map(({ name }) => name);
  return text === "any" ? {} : { names: text.split(",").map((name) => choice("row", name, known)) };
}

/** What repeats the audit with --config. */
function configText({ rows, explainers }: AuditPlan, samples: number): string {
  const settings = Object.fromEntries(rows.map(({ row, settings = {} }) => [row, settings]));
  return `${JSON.stringify({ rows: rows.map(({ row }) => row), explainers: explainers.map(({ name }) => name), settings, samples }, null, 2)}\n`;
}

function findingText({ rows, explainers }: AuditReport, { row, explainer, verdict, sentence }: AuditFinding): string {
  const { number, title } = rows.find(({ name }) => name === row)!;
  const of = explainer === undefined ? "" : `, ${explainers.find(({ name }) => name === explainer)!.title}`;
  return `${number} ${title}${of}: ${verdict}. ${sentence}`;
}

/** Bad news first. */
function printed(report: AuditReport): string[] {
  const all = report.rows.flatMap(({ findings }) => findings);
  const order: readonly AuditVerdict[] = ["does not hold", "holds", "not tested"];
  return order.flatMap((verdict) =>
    all
      .filter((one) => one.verdict === verdict)
      .flatMap((one) => [findingText(report, one), ...one.caveats.map((text) => `  but ${text}`)]),
  );
}

function drawingsOf(report: AuditReport, measured: ReadonlyMap<string, AuditMeasurement>): RowDrawings {
  return Object.fromEntries(
    report.rows.map(({ name, candidates }) => [
      name,
      candidates.flatMap(({ name: of, title, control }): Html[] => {
        const found = measured.get(of === "" ? name : `${name}/${of}`);
        const drawn = (found?.plots ?? []).map(linePlot);
        const shown = control ? [] : (found?.pictures ?? []).flatMap((rows) => pictureRows(rows, [], `${title}.`));
        return [...(drawn.length > 0 ? [line(`${control ? "Control: " : ""}${title}`), plots(drawn)] : []), ...shown];
      }),
    ]),
  );
}

/** The table for people. */
function rowLines(): string {
  return columns(
    AUDIT_TABLE.map(({ number, name, question, source, options: settings }) => [
      `${number} ${name}`,
      `${question} (${source})${Object.keys(settings).length > 0 ? `; settings ${Object.keys(settings).join(", ")}` : ""}`,
    ]),
  );
}
