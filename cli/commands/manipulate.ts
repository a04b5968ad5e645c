/** `holdfast manipulate <name>`: makes the explanations of one's own network lie, and measures how well, and who notices. */
import { join } from "node:path";
import { quantities, type TableData } from "../../atex/experiments/index.js";
import { featuresOf, manipulationTables, type PerformedManipulation, performManipulation } from "../../atex/index.js";
import { manipulationPictures, PICTURE_COLUMNS } from "../../atex/manipulations/pictures.js";
import { imagePictures, mapPictures } from "../../atex/render/attack.js";
import { featureContributions } from "../../atex/render/bars.js";
import { code, type Html, line, page, section } from "../../atex/render/html.js";
import { panel } from "../../atex/render/panel.js";
import { toPng } from "../../atex/render/picture.js";
import { explanationSheet } from "../../atex/render/sheet.js";
import { openScope, type Tensor } from "../../engine/index.js";
import { packTree, writeSafetensors } from "../../nn/index.js";
import { asUsage, defineCommand, UsageError } from "../command.js";
import { dataOptions, sourceOptions } from "../data.js";
import { cpuOption, withEngine } from "../engine.js";
import { shownRow } from "../features.js";
import { writeOutput } from "../files.js";
import { Live } from "../live.js";
import {
  type ManipulationRequest,
  manipulationLines,
  manipulationList,
  manipulationOptions,
  manipulationRequest,
  studyPlan,
  worldOf,
} from "../manipulations.js";
import { type LoadedModel, modelOptions, parametersOf, readModel } from "../model.js";
import { asTable, pictureRows } from "../reproduce/html.js";
import { tableAsMarkdown } from "../reproduce/markdown.js";
import { isImage, openFor, trainingData } from "../sample.js";
import { tableLines } from "../sanity.js";
import { inWords } from "../settings.js";
import { stopOnSignals } from "../stopping.js";
import { requireWritableFolder } from "../writable.js";

const options = {
  ...modelOptions,
  ...sourceOptions,
  data: { type: "string", value: "name", help: "data it is made with and judged on; default those of the weights" },
  "data-dir": dataOptions["data-dir"],
  ...manipulationOptions,
  list: { type: "boolean", help: "print the manipulations there are, with their sources and options, and stop" },
  json: { type: "boolean", help: "with --list: for machines" },
  out: {
    type: "string",
    value: "folder",
    help: "where report, pictures, weights, samples and maps go (default out/manipulate- and the name)",
  },
  ...cpuOption,
} as const;

/** Samples that are shown. */
const SHOWN = 5;

export const command = defineCommand({
  summary: "make the explanations of a network lie, through inputs, weights or background, and see who notices",
  options,
  positionals: "<manipulation>",
  async run({ values, positionals }) {
    if (values.list) {
      console.log(values.json ? JSON.stringify(manipulationList(), null, 2) : manipulationLines());
      return 0;
    }
    if (values.json) throw new UsageError("--json goes with --list; leave it out to manipulate");
    if (positionals.length > 1)
      throw new UsageError(`${positionals[1]} came after ${positionals[0]}; one name is needed`);
    const request = manipulationRequest(positionals[0], values);
    const { entry, settings, seed } = request;
    const out = values.out ?? join("out", `manipulate-${entry.name}`);
    await requireWritableFolder("out", out);
    const live = new Live();
    const source = await readModel(values);
    return withEngine({ cpu: values.cpu, withoutAdapter: "refuse" }, async (place) => {
      using here = openScope("manipulate");
      const model = await here.wait(source.open());
      const plan = studyPlan(values, model);
      const dataset = await here.wait(
        values.data === undefined ? trainingData(model, values["data-dir"], live) : openFor(model, values, live),
      );
      const stopping = stopOnSignals(() => live.print("stopping after the steps on their way"));
      live.print(`${entry.title} on the ${model.title} network and ${dataset.name}, on ${place.name}`);
      live.print(`${inWords(settings)}; seed ${seed}`);
      const own = parametersOf(model);
      const world = await here.wait(
        worldOf({ model, own, dataset, sensitive: values.sensitive }, request, live, stopping.signal),
      );
      const made = await here.wait(
        performManipulation(entry, settings, world, plan).catch((error: unknown) => {
          throw asUsage(error);
        }),
      );
      const tables = tablesOf(request, dataset.name, made);
      for (const { title, header, rows, caption } of tables)
        live.print(`\n${title}\n${tableLines({ title, header, rows })}\n  ${caption}`);
      for (const [name, why] of Object.entries(made.refused)) live.print(`left out: ${name}: ${why}`);
      const footer = `${["holdfast", ...process.argv.slice(2)].join(" ")}; computed on ${place.name}`;
      for (const [name, contents] of await here.wait(files({ made, model, request, tables, footer }))) {
        await here.wait(writeOutput(join(out, name), contents));
        live.print(join(out, name));
      }
      return stopping.status ?? 0;
    });
  },
});

/** Numbers as in a report of `reproduce`, of this one network. */
function tablesOf({ entry, seed }: ManipulationRequest, data: string, { measurements }: PerformedManipulation) {
  const cell = { id: entry.name, experiment: entry.name, data: data as "shapes", seed };
  const all = quantities([
    { cell, measurements: measurements.map((one) => ({ scheme: "given", conditions: {}, ...one })) },
  ]);
  return manipulationTables(all, { title: entry.title, networkTitle: () => "given" });
}

interface Made {
  readonly made: PerformedManipulation;
  readonly model: LoadedModel;
  readonly request: ManipulationRequest;
  readonly tables: readonly TableData[];
  readonly footer: string;
}

/** Report, picture, samples with their maps, and the network where it was changed. */
async function files(all: Made): Promise<[name: string, Uint8Array | string][]> {
  const { made, model, request, tables, footer } = all;
  const { manipulation, maps, measurements, refused } = made;
  const { entry, settings, seed } = request;
  const { clean, manipulated, wanted } = manipulation.madeFor;
  const tensors: Record<string, Tensor> = {
    ...{ clean: clean.x, manipulated: manipulated.x, cleanMap: maps.clean, manipulatedMap: maps.manipulated },
    ...(wanted && { wanted }),
    ...manipulation.tensors,
  };
  const stored = await Promise.all(
    Object.entries(tensors).map(async ([name, t]) => {
      const data = await t.read();
      const dtype = t.dtype === "f32" ? "f32" : "i32";
      return [name, { dtype, shape: t.shape, data }] as const;
    }),
  );
  const told = { manipulation: entry.name, settings, seed, explainer: manipulation.explainer };
  const about = { manipulation: JSON.stringify(told) };
  const result: [string, Uint8Array | string][] = [
    ["report.html", await reportPage(all)],
    [
      "report.md",
      `# ${capitalised(entry.title)}\n\n${entry.words}\n\n${tables.map(tableAsMarkdown).join("\n\n")}\n\n${footer}\n`,
    ],
    ["report.json", `${JSON.stringify({ ...told, command: footer, measurements, refused }, null, 2)}\n`],
    ["panel.png", await picture(all)],
    ["samples.safetensors", writeSafetensors(new Map(stored as never), new Map(Object.entries(about)))],
  ];
  if (manipulation.params) {
    const accuracy = measurements.find(({ metric }) => metric === "accuracy")!.value;
    const card = { ...Object.fromEntries(model.metadata), ...about, accuracy: String(accuracy) };
    result.push(["weights.safetensors", await packTree(manipulation.params, card)]);
  }
  return result;
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

async function reportPage({ made, model, request, tables, footer }: Made): Promise<string> {
  const { entry, settings } = request;
  const { domain, card } = model;
  const shown = await manipulationPictures(made.manipulation, made, { domain, classes: card.classes }, SHOWN);
  const pictures = shown.flatMap((rows) => pictureRows(rows, PICTURE_COLUMNS, "The first samples, not selected."));
  const bars: Html[] = isImage(domain) ? [] : [{ html: (await rowSheet({ made, model, request, footer })).svg() }];
  const left = Object.entries(made.refused).map(([name, why]) => line(`Left out: ${name}: ${why}`));
  return page({
    title: capitalised(entry.title),
    lead: entry.words,
    sections: [
      section("What it did", `Source: ${entry.source}.`, ...pictures, ...bars, ...tables.map(asTable), ...left),
      section("How it was made", line(code(inWords(settings)))),
    ],
    footer,
  });
}

/** Input, explanation, input after, explanation after; of a table, the contributions of the first row. */
async function picture(made: Omit<Made, "tables"> & { readonly tables?: unknown }): Promise<Uint8Array> {
  const { model, request, footer } = made;
  const { domain, card } = model;
  if (!isImage(domain)) return (await rowSheet(made)).png();
  const { pictures: _, ...manipulation } = made.made.manipulation;
  const [{ columns, rows, size }] = await manipulationPictures(
    manipulation,
    made.made,
    { domain, classes: card.classes },
    SHOWN,
  );
  const at = (column: number): Float32Array => Float32Array.from(rows.flatMap(({ cells }) => cells[column]));
  const maps = mapPictures([at(1), at(3)], size!);
  const drawn = columns.map((kind, i) => (kind === "map" ? maps.sets[(i - 1) / 2] : imagePictures(at(i), size!)));
  const cells = rows.map((_, row) => drawn.map((column) => column[row]));
  return toPng(
    panel(cells, { columns: [...PICTURE_COLUMNS], footer: `${request.entry.title}. ${maps.caption} ${footer}` }),
  );
}

async function rowSheet({ made, model, request, footer }: Pick<Made, "made" | "model" | "request" | "footer">) {
  const features = featuresOf(model.domain);
  const d = model.domain.shape[0];
  const { clean, manipulated } = made.manipulation.madeFor;
  const first = async (t: Tensor): Promise<Float32Array> => Float32Array.from(await t.read()).slice(0, d);
  const [before, after] = [shownRow(model, await first(clean.x)), shownRow(model, await first(manipulated.x))];
  const maps = [await first(made.maps.clean), await first(made.maps.manipulated)];
  return explanationSheet({
    title: `${request.entry.title}: the first row under ${made.manipulation.explainer}, shares of the whole`,
    footer,
    features: before.map(({ name, value }, i) => ({
      name,
      value: value === after[i].value ? value : `${value} -> ${after[i].value}`,
    })),
    explanations: maps.map((map, i) => ({
      name: ["before", "after"][i],
      contributions: featureContributions(features, map),
    })),
    scale: "shared",
  });
}
