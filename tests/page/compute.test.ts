/** What the page computes, here on the adapter of the tests: the same code as in its worker. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { transform } from "esbuild";
import { dispose } from "../../engine/index.js";
import { type Attacked, attack, type Explained, explain } from "../../page/core/attack.js";
import { defendedBy, Networks, networkFrom } from "../../page/core/networks.js";
import { peopleCsv } from "../../page/core/people.js";
import { programOf } from "../../page/core/program.js";
import { sanityCascade } from "../../page/core/sanity.js";
import { DEFENCE_NAMES, INITIAL, type Settings } from "../../page/core/settings.js";
import { explainPerson } from "../../page/core/table.js";
import { type TrainingTold, trainNetwork } from "../../page/core/training.js";
import { gpuTest, onReference } from "../executors.js";
import { check, root, test } from "../harness.js";

const bytesOf = (file: string): Uint8Array =>
  new Uint8Array(readFileSync(join(root, `page/networks/${file}.safetensors`)));

/** Explains and attacks with a defence's network. */
async function answerOf(changed: Partial<Settings>): Promise<{ explained: Explained; attacked: Attacked }> {
  const settings = { ...INITIAL, ...changed };
  const file = settings.defence === "smoothing" ? "plain" : settings.defence;
  const network = networkFrom(bytesOf(file), file);
  try {
    const question = { settings, on: defendedBy(settings.defence, network, settings.beta) };
    const explained = await explain(question);
    return { explained, attacked: await attack(question, explained, settings.steps) };
  } finally {
    dispose(network.params);
  }
}

interface First {
  readonly settings: Settings;
  readonly explained: Explained;
  readonly attacked: Attacked;
}
const first: First = JSON.parse(readFileSync(join(root, "page/networks/first.json"), "utf8"));

gpuTest("the first picture is what its settings give", async () => {
  const { explained, attacked } = await answerOf(first.settings);
  check.equal(first.settings, INITIAL, "made with the defaults");
  check.is(explained.predicted, first.explained.predicted);
  check.close(explained.attribution, first.explained.attribution, { rtol: 1e-3, atol: 1e-4 }, "map");
  // Signs of tiny gradients may differ between adapters; the picture may not tell another story.
  check.ok(Math.abs(attacked.kept - first.attacked.kept) <= 5, `${attacked.kept} and ${first.attacked.kept} are left`);
  check.ok(attacked.kept < attacked.k / 2, `the attack works: ${attacked.kept} of ${attacked.k} are left`);
  check.ok(attacked.change <= INITIAL.eps, `no pixel by more than eps: ${attacked.change}`);
  const says = (p: readonly number[]): number => p.indexOf(Math.max(...p));
  check.is(says(attacked.probabilities), explained.predicted, "the answer stays");
});

gpuTest("defences keep more of the map than the plain network", async () => {
  const kept: Record<string, number> = {};
  for (const defence of DEFENCE_NAMES) {
    kept[defence] = 0;
    for (const image of [1, 4, 8]) kept[defence] += (await answerOf({ defence, image, steps: 15 })).attacked.kept;
  }
  // 150 in all; what was trained to keep its maps keeps half as much again at least.
  for (const trained of ["atex", "r2et"])
    check.ok(kept[trained] > 1.5 * kept.plain, `${trained}: ${JSON.stringify(kept)}`);
  check.ok(kept.smoothing > kept.plain, JSON.stringify(kept));
});

gpuTest("every objective climbs, in a region that reaches over the edge too", async () => {
  for (const changed of [
    { objective: "top-k" },
    { objective: "mass-centre" },
    { objective: "target", region: "20,20,20,20" },
    { objective: "target-map", target: "word:NO" },
    { objective: "target-map", target: "image:4" },
  ] as const) {
    const { attacked } = await answerOf({ ...changed, steps: 6 });
    check.ok(attacked.after > attacked.before, `${JSON.stringify(changed)}: ${attacked.before} → ${attacked.after}`);
  }
});

test("what cannot be asked for is answered in a sentence", () =>
  onReference(async () => {
    await check.rejects(
      () => answerOf({ objective: "target-map", target: "word:    ", steps: 1 }),
      /one to four letters/,
    );
    const networks = new Networks(async (name) => bytesOf(name));
    await check.rejects(() => networks.of("trained", 3), /There is no network “trained” yet/);
  }));

gpuTest("the program that the page writes prints what the page shows", async () => {
  for (const changed of [
    {},
    { defence: "smoothing", explainer: "smoothgrad", copies: 4, objective: "target", eps: 0.1 },
    { defence: "atex", objective: "target-map", target: "image:4", image: 7 },
  ] as const) {
    const settings: Settings = { ...INITIAL, ...changed, steps: 5 };
    const { attacked } = await answerOf(settings);
    const printed = await printedBy(programOf(settings));
    check.is(printed[1], printed[3], "the answer stays");
    check.is(Math.round(Number(printed[5])), attacked.kept, JSON.stringify(changed));
    check.close([Number(printed[8])], [attacked.spearman], { rtol: 0, atol: 0.02 }, "rank correlation");
  }
});

/** What a program prints, run in this process and on its device. */
async function printedBy(program: string): Promise<unknown[]> {
  const { code } = await transform(program, { loader: "ts", format: "esm", target: "es2022" });
  // Inside the package, where it finds "holdfast".
  const file = join(root, `out/page-program-${process.pid}-${performance.now()}.mjs`);
  const here = code.replace("await init();", "").replace("shutdown();", "").replaceAll("console.log", "print");
  mkdirSync(join(root, "out"), { recursive: true });
  // What a program leaves to `shutdown` is freed here by hand.
  const kept = `${here.replace("const { classifier } = ", "export const opened = ")}\n`;
  const named = kept.replace(/(export const opened = .*\n)/, "$1const { classifier } = opened;\n");
  writeFileSync(file, `export const printed = []; const print = (...all) => printed.push(...all);\n${named}`);
  const before = process.cwd();
  process.chdir(root);
  try {
    const { printed, opened } = await import(pathToFileURL(file).href);
    dispose(opened.params);
    return printed;
  } finally {
    process.chdir(before);
    rmSync(file);
  }
}

test("people are made up from a seed", () => {
  const [one, again, other] = [1, 1, 2].map((seed) => peopleCsv({ count: 300, seed }));
  check.is(one, again);
  check.ok(one !== other, "another seed, other people");
  check.is(one.split("\n").length, 301);
});

gpuTest("the scaffold hides the column that the model judges by", async () => {
  const answer = await explainPerson({ ...INITIAL, people: 600 }, undefined, () => {});
  const [before, after] = answer.first;
  check.is(answer.sensitive, "group");
  check.ok(before > 0.9, `LIME shows the column for ${before} of the people without the scaffold`);
  check.ok(after < 0.2, `and for ${after} with it`);
  check.ok(answer.alike > 0.9, `${answer.alike} are judged alike`);
  check.is(answer.before.length, answer.features.length);
  check.equal(
    answer.values.filter((value) => /e-/.test(value)),
    [],
    "what is left of rounding is not shown",
  );
});

gpuTest("a network is trained, can be stopped, and can be attacked", async () => {
  const settings: Settings = { ...INITIAL, images: 200, epochs: 2, defence: "trained" };
  const told: number[] = [];
  const doing: string[] = [];
  const tell = (one: TrainingTold): void => {
    if ("doing" in one) doing.push(one.doing);
    else if (one.test !== undefined) told.push(one.test);
  };
  const { network, result } = await trainNetwork(settings, tell, { aborted: false });
  check.match(doing[0], /^Compiling kernels/, "what takes long is said before it does");
  check.equal(
    doing.map((text) => text.match(/testing on (\d+)/)?.[1]).filter(Boolean),
    ["100", "300"],
    "few test pictures in between",
  );
  check.is(told.length, 2, "a look at test pictures after each pass");
  check.is(result.stopped, false);
  check.close([result.accuracy], [told[1]], { rtol: 0, atol: 0 }, "accuracy");
  const on = defendedBy("trained", network, settings.beta);
  const explained = await explain({ settings, on });
  check.is(explained.classes.length, 10);
  dispose(network.params);
  const stopped = await trainNetwork(settings, () => {}, { aborted: true });
  check.ok(stopped.result.stopped, "stopped");
  dispose(stopped.network.params);
});

gpuTest("maps lose their likeness while the network forgets", async () => {
  const network = networkFrom(bytesOf("plain"), "plain");
  const { layers, rows } = await sanityCascade(INITIAL, defendedBy("plain", network, 3), () => {});
  dispose(network.params);
  check.equal(layers, ["dense1", "conv2", "conv1"]);
  for (const { attributions, alike } of rows) check.equal([attributions.length, alike.length], [4, 4]);
  const gradient = rows.find(({ explainer }) => explainer === "gradient")!;
  check.close([gradient.alike[0]], [1], { rtol: 0, atol: 1e-5 }, "trained, against itself");
  check.ok(gradient.alike[3] < 0.6, `without any layer ${gradient.alike[3]}`);
});
