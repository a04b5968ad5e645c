/** The demo in miniature, on the reference executor, and the live line. */
import { wordMap } from "../../atex/render/word.js";
import { planDemo, runDemo } from "../../cli/demo/experiment.js";
import { demoPage, panels } from "../../cli/demo/page.js";
import { type Spelled, spell } from "../../cli/demo/word.js";
import { wordPanel, wordSentence } from "../../cli/demo/word-picture.js";
import { Live } from "../../cli/live.js";
import { matmul, mul, random, relu, reshape } from "../../engine/index.js";
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

function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const centred = (values: ArrayLike<number>): number[] => {
    const mean = sum(values) / values.length;
    return Array.from(values, (v) => v - mean);
  };
  const [u, v] = [centred(a), centred(b)];
  const dot = (p: number[], q: number[]): number => sum(p.map((value, i) => value * q[i]));
  return dot(u, v) / Math.sqrt(dot(u, u) * dot(v, v));
}

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0);

referenceTest("the demo measures what it shows, and its page holds everything itself", async () => {
  const planned = planDemo("shapes", 0, "reference");
  const plan = {
    ...planned,
    recipe: { ...planned.recipe, trainSize: 40, testSize: 40 },
    ...{ epochs: 1, images: 2, steps: 2, samples: 2, points: 2, word: { ...planned.word, text: "NO", steps: 12 } },
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

  const { letters, likeness, best } = result.spelled;
  check.equal([...letters], ["N", "O"].slice(0, n), "letters in turn");
  check.equal([...best], [0, 1].slice(0, n), "an image for each letter");
  const letterMaps = result.spelled.study.explainers[0].under.attacked.maps;
  const measured = letters.map((letter, i) =>
    pearson(letterMaps.subarray(i * 784, (i + 1) * 784), wordMap(letter, 28, 28)),
  );
  check.close([...likeness.attacked], measured, { rtol: 1e-4 }, "likeness to the letter");
  check.ok(sum(likeness.attacked) > sum(likeness.clean), "the maps came closer to their letters");

  const missing = { reason: "there is <none>", commands: ["apt-get install it"], hint: "" };
  const place = { name: "reference", kind: "reference", missing } as const;
  const html = demoPage(result, { command: "holdfast demo --cpu", place, version: "1.2.3", date: new Date(0) });
  const mean = sum(study.explainers[0].under.attacked.spearman) / n;
  for (const part of [
    "Reduced run on the CPU: there is &lt;none&gt;;",
    `<dd>${n} of ${n}</dd>`,
    `<td>after the attack</td><td class="number">${(sum(likeness.attacked) / n).toFixed(2)}</td>`,
    `<dd>${mean.toFixed(2)}</dd><dt>Spearman, attacked to clean map`,
    "<code>holdfast demo --cpu</code>",
  ])
    check.ok(html.includes(part), part);
  check.equal(html.match(/(?:src|href)="(?!data:)/g), null, "nothing is loaded from elsewhere");
  check.equal(
    panels(result).map(({ name }) => name),
    ["word", "gradient", "smoothgrad", "integrated-gradients"],
  );
  const software = demoPage(result, {
    ...{ command: "holdfast demo", version: "1.2.3", date: new Date(0) },
    place: { name: "an adapter", kind: "software" },
  });
  check.ok(!software.includes("Reduced run"), "no banner with an adapter");
});

referenceTest("a word is written into maps of any size, and the picture says what was measured", async () => {
  const size = { channels: 3, height: 16, width: 12 };
  const [n, inputs, hidden, classes] = [5, 3 * 16 * 12, 48, 3];
  const draw = (seed: number, shape: readonly number[]) => random.normal(random.key(seed), shape);
  // Small weights: units near their kinks, whose switching is what an attack on maps has to go by.
  const [first, second] = [mul(draw(1, [inputs, hidden]), 0.1), draw(2, [hidden, classes])];
  const pixels = Float32Array.from(await random.uniform(random.key(3), [n * inputs]).read());
  const plan = { text: "NO", images: n, eps: 0.3, steps: 60, beta: 5, remedy: 0.2 };
  const stages: string[] = [];
  const spelled = await spell(plan, {
    classifier: (x) => matmul(relu(matmul(reshape(x, [x.shape[0], inputs]), first)), second),
    ...{ pixels, size, key: random.key(4), onStage: (stage: string) => stages.push(stage) },
  });
  const { letters, likeness, best, study } = spelled;
  check.is(letters.join(""), "NONON");
  check.ok(stages.length > 0, "stages are told");
  const most = (of: readonly number[]): number => Math.max(...of.map((i) => likeness.attacked[i]));
  check.equal(
    best.map((i) => likeness.attacked[i]),
    [most([0, 2, 4]), most([1, 3])],
    "the image on which a letter shows best",
  );
  check.equal([...study.images.attacked.kept], new Array(n).fill(true), "predictions are kept");
  check.ok(
    study.images.attacked.change.every((c) => c <= plan.eps),
    "eps holds",
  );
  const gain = (sum(likeness.attacked) - sum(likeness.clean)) / n;
  const strayed = (sum(likeness.control) - sum(likeness.clean)) / n;
  check.ok(gain > 0.1 && gain > 2 * Math.abs(strayed), `attack ${gain}, control ${strayed}`);
  const plane = size.height * size.width;
  const shown = study.explainers[1].under.attacked.maps.subarray(0, plane);
  check.close([likeness.remedied[0]], [pearson(shown, wordMap("N", size.height, size.width))], { rtol: 1e-4 });

  const result = {
    plan: { ...planDemo("shapes", 0, "reference"), word: plan },
    ...{ size, pixels, labels: Array.from(study.classes), accuracy: 0.5, parameters: 1, trainImages: 1, testImages: 1 },
    card: { network: "tiny", activation: "relu", beta: 10, classes: ["a", "b", "c"] },
    ...{ trainSeconds: 0, attackSeconds: 0, indices: [0, 1, 2, 3, 4], study, weights: new Uint8Array() },
  } as const;
  const said = (changed: Partial<Spelled>): string => wordSentence({ ...result, spelled: { ...spelled, ...changed } });
  const all = (value: number) => ({ likeness: { ...likeness, attacked: new Array(n).fill(value) } });
  check.match(
    said(all(0.6)),
    /^2 images, no pixel changed by more than 30.% .* every prediction kept: .* now read "NO"\.$/,
  );
  check.match(said(all(0.4)), /were to read "NO", which 60 steps did not make legible/);
  const lost = { ...study.images.attacked, kept: new Array(n).fill(false) };
  check.match(said({ study: { ...study, images: { ...study.images, attacked: lost } } }), /predictions not all kept/);
  const { width, height } = wordPanel({ ...result, spelled });
  const zoom = Math.floor(140 / size.width);
  check.ok(
    width > 2 * best.length * zoom * size.width && height > 3 * zoom * size.height,
    `a panel of ${width}x${height}`,
  );
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
