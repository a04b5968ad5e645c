/** "Copy as TypeScript": the program that computes what the page shows, for Node. */
import { DEFENCES } from "./defences.js";
import { type Settings, SIDE } from "./settings.js";
import { stepSize } from "./steps.js";

/** Imports by module, written in order. */
class Imports {
  readonly #names = new Map<string, Set<string>>();

  use(module: string, ...names: readonly string[]): void {
    const known = this.#names.get(module) ?? new Set();
    for (const name of names) known.add(name);
    this.#names.set(module, known);
  }

  toString(): string {
    const key = (name: string): string => name.replace(/^type /, "").toLowerCase();
    return [...this.#names]
      .map(([module, names]) => {
        const sorted = [...names].sort((a, b) => key(a).localeCompare(key(b)));
        return `import { ${sorted.join(", ")} } from "${module}";`;
      })
      .join("\n");
  }
}

const quoted = (text: string): string => JSON.stringify(text);

/** The picture, [1,28,28] in [0,1]. */
function pictureLines({ image, pixels }: Settings, imports: Imports): string[] {
  if (pixels !== "")
    return [
      `const bytes = Uint8Array.from(atob(${quoted(pixels.replaceAll("-", "+").replaceAll("_", "/"))}), (c) => c.charCodeAt(0));`,
      `const x = tensor(Float32Array.from(bytes, (byte) => byte / 255), [1, 1, ${SIDE}, ${SIDE}]);`,
    ];
  imports.use("holdfast/nn", "shapes");
  const size = SIDE * SIDE;
  return [
    `const { images } = shapes({ count: ${image + 1}, seed: 0, stream: 1 });`,
    `const x = tensor(images.slice(${image * size}, ${(image + 1) * size}), [1, 1, ${SIDE}, ${SIDE}]);`,
  ];
}

function networkLines({ defence }: Settings, imports: Imports): string[] {
  if (defence === "onnx") {
    imports.use("holdfast/nn", "openOnnx");
    return ['const { classifier } = await openOnnx("net.onnx", { logits: true }); // your file'];
  }
  imports.use("node:fs/promises", "readFile");
  imports.use("holdfast/nn", "openNetwork");
  const file = defence === "trained" ? "trained" : DEFENCES[defence].file;
  const where = defence === "trained" ? " // what `holdfast train --data shapes --network tiny` wrote" : "";
  return [`const { classifier } = openNetwork(await readFile("page/networks/${file}.safetensors"));${where}`];
}

function explainerLines({ explainer, copies, seed, defence, beta }: Settings, imports: Imports): string[] {
  imports.use("holdfast", "random");
  imports.use("holdfast/atex", "makeExplainer");
  const takes = ["smoothgrad", "vargrad", "expected-gradients"].includes(explainer)
    ? `{ samples: ${copies} }`
    : explainer === "integrated-gradients"
      ? `{ points: ${copies} }`
      : "{}";
  const lines: string[] = [];
  let background = "";
  if (explainer === "expected-gradients") {
    imports.use("holdfast/nn", "shapes");
    lines.push(
      "const others = shapes({ count: 30, seed: 0, stream: 1 }).images;",
      `const background = tensor(others.slice(${20 * SIDE * SIDE}), [10, 1, ${SIDE}, ${SIDE}]);`,
    );
    background = ", background";
  }
  lines.push(
    `const domain = { shape: [1, ${SIDE}, ${SIDE}], range: { low: 0, high: 1 } };`,
    `const plain = makeExplainer(${quoted(explainer)}, ${takes}, { domain, key: random.key(${seed}), seed: ${seed}${background} });`,
  );
  if (defence === "smoothing") {
    imports.use("holdfast/atex", "smoothed", "type Explainer");
    lines.push(
      "// Beta-smoothing (Dombrowski et al. 2019): softplus in place of relu, for the map only.",
      "const explainer: Explainer = Object.assign(",
      `  (...[score, z]: Parameters<Explainer>) => plain(smoothed(score, ${beta}), z),`,
      "  { info: plain.info },",
      ");",
    );
  } else lines.push("const explainer = plain;");
  return lines;
}

function objectiveLines(settings: Settings, imports: Imports): string[] {
  const { objective, k, region, target } = settings;
  if (objective === "top-k") {
    imports.use("holdfast/atex", "topKSuppression");
    return [`const objective = topKSuppression(${k});`];
  }
  if (objective === "mass-centre") {
    imports.use("holdfast/atex", "massCentre");
    return ["const objective = massCentre();"];
  }
  if (objective === "target") {
    imports.use("holdfast/atex", "targetRegion");
    return [
      `const [top, left, height, width] = [${region.split(",").map(Number).join(", ")}];`,
      `const mask = new Float32Array(${SIDE * SIDE});`,
      `for (let y = top; y < top + height; y++) mask.fill(1, y * ${SIDE} + left, y * ${SIDE} + left + width);`,
      `const objective = targetRegion(tensor(mask, [1, ${SIDE}, ${SIDE}]));`,
    ];
  }
  imports.use("holdfast/atex", "targetMap");
  if (target.startsWith("word:")) {
    imports.use("holdfast/atex", "wordMap");
    return [
      `const objective = targetMap(tensor(wordMap(${quoted(target.slice(5))}, ${SIDE}, ${SIDE}), [1, ${SIDE}, ${SIDE}]));`,
    ];
  }
  imports.use("holdfast/nn", "shapes");
  const other = Number(target.slice(6));
  return [
    `const pictures = shapes({ count: ${other + 1}, seed: 0, stream: 1 }).images;`,
    `const other = tensor(pictures.slice(${other * SIDE * SIDE}), [1, 1, ${SIDE}, ${SIDE}]);`,
    "const objective = targetMap(saliencyMap(explainer(classScore(classifier, argmax(classifier(other), 1)), other)));",
  ];
}

/** A module for Node that prints what the page shows of these settings. It runs in a clone of the repository, where the networks are. */
export function programOf(settings: Settings, steps = settings.steps): string {
  const { eps, seed, defence } = settings;
  const imports = new Imports();
  imports.use("holdfast", "argmax", "init", "random", "shutdown", "tensor");
  imports.use("holdfast/nn", "cosineDecay");
  imports.use("holdfast/atex", "attackExplanation", "classScore", "linf", "saliencyMap", "signStep", "spearman");
  imports.use("holdfast/atex", "topKIntersection");
  const surrogate = defence === "smoothing" ? "" : ", surrogate: surrogateOf(classifier, domain.shape)";
  if (surrogate) imports.use("holdfast/atex", "surrogateOf");
  const body = [
    ...networkLines(settings, imports),
    ...pictureLines(settings, imports),
    ...explainerLines(settings, imports),
    ...objectiveLines(settings, imports),
    "",
    `const attack = attackExplanation({ explainer, objective, ball: linf(${eps}), rule: signStep(${stepSize(eps, steps)}), schedule: cosineDecay(1, ${steps}), steps: ${steps} });`,
    `const key = random.fold(random.key(${seed}), 1);`,
    `const { images: attacked, classes } = attack({ classifier${surrogate}, x, key });`,
    "const map = (z: typeof x) => saliencyMap(explainer(classScore(classifier, classes), z));",
    'console.log("class before", await argmax(classifier(x), 1).item(), "after", await argmax(classifier(attacked), 1).item());',
    `console.log("of the top ${settings.k} pixels", ${settings.k} * (await topKIntersection(${settings.k})(map(x), map(attacked)).item()), "are left");`,
    'console.log("rank correlation of the maps", await spearman(map(x), map(attacked)).item());',
  ];
  return `${imports}\n\nawait init();\n${body.join("\n")}\nshutdown();\n`;
}
