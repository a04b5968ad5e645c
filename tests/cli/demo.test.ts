/** The demo in miniature, on the reference executor, and the live line. */
import { planDemo, runDemo } from "../../cli/demo/experiment.js";
import { demoPage, panels } from "../../cli/demo/page.js";
import { Live } from "../../cli/live.js";
import { loadDataset } from "../../nn/index.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";

/** An output that remembers. */
function recorder(isTTY: boolean) {
  let text = "";
  return {
    isTTY,
    columns: 20,
    write(more: string) {
      text += more;
    },
    text: () => text,
  };
}

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);

referenceTest("the demo measures what it shows, and its page holds everything itself", async () => {
  const planned = planDemo("shapes", 0, "reference");
  const plan = {
    ...planned,
    recipe: { ...planned.recipe, trainSize: 40, testSize: 40 },
    ...{ epochs: 1, images: 2, steps: 2, samples: 2, points: 2 },
  };
  const dataset = await loadDataset("shapes", { trainSize: 40, testSize: 40 });
  const log = recorder(false);
  const result = await runDemo(plan, dataset, new Live(log));
  check.match(log.text(), /epoch 1\/1 .* test accuracy [\d.]+ %\n/);

  const { study, indices, labels, pixels } = result;
  const n = indices.length;
  check.ok(n >= 1 && n <= 2, `${n} images were classified correctly`);
  check.equal([...study.classes], [...labels], "only correctly classified images are attacked");
  check.equal([...study.images.attacked.kept], new Array(n).fill(true), "predictions are kept");
  check.ok(
    study.images.attacked.change.every((c) => c <= plan.eps),
    "eps holds",
  );
  check.ok(
    study.objective.attacked.every((value, i) => value >= study.objective.clean[i]),
    "no image is worse than the clean one",
  );
  for (const { clean, under } of study.explainers) {
    for (const maps of [clean.maps, under.attacked.maps])
      check.close([sum(maps)], [n], { rtol: 1e-5 }, "relative importance sums to 1 per image");
    const masked = clean.maps.subarray(0, 784).reduce((s, v, i) => s + v * result.masks![i], 0);
    check.close([clean.mass![0]], [masked], { rtol: 1e-4 }, "mass on the figure");
    check.ok(
      under.attacked.spearman.every((r) => r <= 1 + 1e-12),
      "a correlation",
    );
  }
  const length = (images: Float32Array): number => sum(images.map((v, i) => (v - pixels[i]) ** 2));
  const [attack, control] = [study.images.attacked.images, study.images.control.images].map(length);
  // Shuffled changes that leave the range of pixels are clipped, so the control is a little smaller at most.
  check.ok(control <= attack * (1 + 1e-6) && control > 0.8 * attack, `control ${control}, attack ${attack}`);

  const missing = { reason: "there is <none>", commands: ["apt-get install it"], hint: "" };
  const place = { name: "reference", kind: "reference", missing } as const;
  const html = demoPage(result, { command: "holdfast demo --cpu", place, version: "1.2.3", date: new Date(0) });
  const mean = sum(study.explainers[0].under.attacked.spearman) / n;
  for (const part of [
    "Reduced run on the CPU: there is &lt;none&gt;;",
    `<dd>${n} of ${n}</dd>`,
    `<dd>${mean.toFixed(2)}</dd><dt>Spearman, attacked to clean map`,
    "<code>holdfast demo --cpu</code>",
  ])
    check.ok(html.includes(part), part);
  check.equal(html.match(/(?:src|href)="(?!data:)/g), null, "nothing is loaded from elsewhere");
  check.equal(
    panels(result).map(({ name }) => name),
    ["gradient", "smoothgrad", "integrated-gradients"],
  );
  const software = demoPage(result, {
    ...{ command: "holdfast demo", version: "1.2.3", date: new Date(0) },
    place: { name: "an adapter", kind: "software" },
  });
  check.ok(!software.includes("Reduced run"), "no banner with an adapter");
});

test("a terminal sees one line rewritten, a pipe one line every few seconds", () => {
  const [terminal, pipe] = [recorder(true), recorder(false)];
  for (const out of [terminal, pipe]) {
    const live = new Live(out);
    live.update("first");
    live.update("second, longer than the terminal is wide");
    live.print("done");
  }
  check.is(terminal.text(), "\r\x1b[2Kfirst\r\x1b[2Ksecond, longer than\r\x1b[2Kdone\n");
  check.is(pipe.text(), "first\ndone\n");
});
