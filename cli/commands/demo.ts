/** `holdfast demo`: trains a network, explains it, attacks the explanations, writes pictures and a page. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { toPng } from "../../atex/render/picture.js";
import { defineCommand, numberOption } from "../command.js";
import { dataName, dataOptions, openData } from "../data.js";
import { planDemo, runDemo } from "../demo/experiment.js";
import { demoPage, panels } from "../demo/page.js";
import { likenessRows, wordSentence } from "../demo/word-picture.js";
import { formatRemedy } from "../driver.js";
import { cpuOption, type Place, withEngine } from "../engine.js";
import { writeOutput } from "../files.js";
import { duration, Live } from "../live.js";
import { requireWritableFolder } from "../writable.js";

const options = {
  ...dataOptions,
  seed: { type: "string", default: "0", value: "n", help: "seed of everything random" },
  out: { type: "string", default: "out", value: "folder", help: "where pictures and the page go" },
  ...cpuOption,
} as const;

/** What a run on the reference executor says before anything else. */
function banner({ missing }: Place): string {
  const why = missing ? formatRemedy(missing) : "--cpu was given.";
  const rule = "=".repeat(79);
  return `${rule}\nREDUCED RUN ON THE CPU: few images, few steps, numbers that mean little.\n${why}\n${rule}`;
}

export const command = defineCommand({
  summary: "train a small network, explain it, attack the explanations; writes pictures and a page",
  options,
  async run({ values }) {
    const began = performance.now();
    const data = dataName(values.data);
    const seed = numberOption("seed", values.seed, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true });
    await requireWritableFolder("out", values.out);
    const live = new Live();
    await withEngine({ cpu: values.cpu, withoutAdapter: "reference" }, async (place) => {
      live.print(place.kind === "reference" ? banner(place) : `computing on ${place.name}`);
      const plan = planDemo(data, seed, place.kind);
      const { trainSize, testSize } = plan.recipe;
      const dataset = await openData({ name: data, folder: values["data-dir"], trainSize, testSize }, live);
      const result = await runDemo(plan, dataset, live);
      const manifest = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
      const { version } = JSON.parse(manifest) as { version: string };
      const command = ["holdfast", ...process.argv.slice(2)].join(" ");
      const html = demoPage(result, { command, place, version, date: new Date() });
      const files: [string, Uint8Array | string][] = [
        ["demo.html", html],
        ...panels(result).map(({ name, picture }): [string, Uint8Array] => [`demo-${name}.png`, toPng(picture)]),
        ["demo-weights.safetensors", result.weights],
      ];
      const [{ under }] = result.study.explainers;
      const mean = (list: readonly number[]): string => (list.reduce((a, b) => a + b, 0) / list.length).toFixed(2);
      const { spearman, topK, ssim } = under.attacked;
      live.print(
        `gradient maps after the attack, mean of ${result.indices.length} images: Spearman ${mean(spearman)}, ` +
          `top-${plan.k} ${mean(topK)}, SSIM ${mean(ssim!)}; shuffled control: Spearman ${mean(under.control.spearman)}, ` +
          `top-${plan.k} ${mean(under.control.topK)}, SSIM ${mean(under.control.ssim!)}`,
      );
      const { text } = plan.word;
      live.print(
        `Pearson correlation of maps with the letters of "${text}", mean of ${result.spelled.letters.length} images: ` +
          `${likenessRows(result)
            .map(([label, value]) => `${label} ${value}`)
            .join("; ")}`,
      );
      live.print(wordSentence(result));
      live.print(`done in ${duration((performance.now() - began) / 1000)}`);
      for (const [name, contents] of files) {
        await writeOutput(join(values.out, name), contents);
        live.print(`  ${join(values.out, name)}`);
      }
    });
  },
});
