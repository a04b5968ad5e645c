/** `holdfast explain`: what a trained network predicts for one image, and which pixels it used. */
import { classScore } from "../../atex/index.js";
import { heatmap } from "../../atex/render/heatmap.js";
import { panel } from "../../atex/render/panel.js";
import { imagePicture, toPng } from "../../atex/render/picture.js";
import { abs, openScope, random, tensor } from "../../engine/index.js";
import { PIXEL_RANGE } from "../../nn/index.js";
import { unknown } from "../arguments.js";
import { defineCommand, UsageError } from "../command.js";
import { cpuOption, withEngine } from "../engine.js";
import {
  describeExplainer,
  explainerLines,
  explainerList,
  explainerOptions,
  explainerRequest,
  requestedExplainer,
} from "../explainers.js";
import { writeOutput } from "../files.js";
import { Live } from "../live.js";
import { asBatch, imageOptions, modelOptions, openImage, openModel, predict, predictionLines } from "../model.js";

/** The images of this command's networks. */
const SIZE = { channels: 1, height: 28, width: 28 };

const options = {
  ...modelOptions,
  ...imageOptions,
  ...explainerOptions,
  class: { type: "string", value: "name", help: "the class to explain, by name or number; default the predicted one" },
  list: { type: "boolean", help: "print the explanations there are, with their sources and options, and stop" },
  json: { type: "boolean", help: "with --list: for machines" },
  out: { type: "string", default: "out/explanation.png", value: "file.png", help: "where the picture goes" },
  ...cpuOption,
} as const;

/** A class by name or number. */
function classOf(text: string, classes: readonly string[]): number {
  const found = classes.indexOf(text);
  if (found >= 0) return found;
  if (/^\d+$/.test(text) && Number(text) < classes.length) return Number(text);
  throw unknown("class", text, classes);
}

export const command = defineCommand({
  summary: "show which pixels a prediction rests on",
  options,
  async run({ values }) {
    if (values.list) {
      console.log(values.json ? JSON.stringify(explainerList(), null, 2) : explainerLines());
      return;
    }
    if (values.json) throw new UsageError("--json goes with --list; leave it out to explain an image");
    const request = explainerRequest(values);
    const live = new Live();
    const image = await openImage(values, live);
    await withEngine({ cpu: values.cpu, withoutAdapter: "refuse" }, async (place) => {
      using _ = openScope("explain");
      const loaded = await openModel(values);
      const { classes } = loaded.card;
      const prediction = await predict(loaded, image.pixels);
      const chosen = values.class === undefined ? prediction.predicted : classOf(values.class, classes);
      const x = asBatch(image.pixels);
      const score = classScore(loaded.classifier, tensor(Int32Array.of(chosen)));
      const explainer = requestedExplainer(request, {
        domain: { shape: [1, 28, 28], range: PIXEL_RANGE },
        key: random.key(request.seed),
      });
      const attribution = explainer(score, x);
      const signed = heatmap(await attribution.read(), { ...SIZE, mode: "diverging", normalise: "p99" });
      const size = heatmap(await abs(attribution).read(), { ...SIZE, mode: "abs", normalise: "p99" });
      const over = heatmap(await attribution.read(), {
        ...{ ...SIZE, mode: "overlay", normalise: "p99", image: { values: image.pixels, channels: SIZE.channels } },
      });
      const method = describeExplainer(request);
      const sheet = panel([[imagePicture(image.pixels, SIZE), size, signed, over]], {
        columns: ["input", "|attribution|", "attribution", "attribution over the input"],
        footer:
          `${image.title}: ${method} of the logit "${classes[chosen]}". ` +
          (signed.empty
            ? "The map is zero everywhere."
            : `Red speaks for it, blue against it; full colour at ${signed.range.toPrecision(3)} and more (${signed.measure}).`),
        scale: 8,
      });
      await writeOutput(values.out, toPng(sheet));
      live.print(`${image.title}: ${classes[prediction.predicted]}`);
      live.print(predictionLines(prediction, classes, image.label));
      live.print(`explained: the logit of "${classes[chosen]}" by ${method}, on ${place.name}`);
      const gap = await explainer.gap?.(score, x, attribution).item();
      if (gap !== undefined)
        live.print(
          `completeness: the map's sum misses what ${request.entry.info.name} promises by ${gap.toPrecision(2)}`,
        );
      live.print(`picture  ${values.out}`);
    });
  },
});
