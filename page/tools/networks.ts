/** Trains the networks of the page and makes its first picture: `npm run page:networks` writes `page/networks`; with names after "--",
 *  those alone, the defended ones from the plain network that is there. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { add, dispose, init, keep, mapTree, openScope, random, scope, shutdown, type Tree } from "holdfast";
import { atex, batchLoss, type Defence, freshGradients, normal, r2et, smoothed } from "holdfast/atex";
import {
  adam,
  buildNetwork,
  cardMetadata,
  cosineDecay,
  evaluate,
  initialState,
  type ModelCard,
  packTree,
  type ResidentData,
  residentData,
  shapeBytes,
  train,
} from "holdfast/nn";
import { attack, explain } from "../core/attack.js";
import { DEFENCES } from "../core/defences.js";
import { defendedBy, networkFrom } from "../core/networks.js";
import { DEFENCE_NAMES, type DefenceName, INITIAL } from "../core/settings.js";
import { CARD, SHAPE } from "../core/training.js";

const folder = fileURLToPath(new URL("../../../page/networks/", import.meta.url));

const SEED = 0;
const BATCH = 50;
/** Largest change that the defences are trained against. */
const EPS = 0.05;
/** The plain network, from scratch. */
const PLAIN = { images: 3000, epochs: 5, rate: 0.005 };
/** The defended ones, from its weights, with softplus in place of relu. */
const DEFENDED = {
  atex: { images: 3000, epochs: 8, rate: 0.005 },
  r2et: { images: 3000, epochs: 3, rate: 0.005 },
} as const;
/** Test pictures whose attacks are counted at the end. */
const COUNTED = [1, 4, 8, 13, 17, 22, 26, 30];
const SOFT: ModelCard = { ...CARD, activation: "softplus", beta: 10 };

const splitOf = (count: number, stream: number) => {
  const { images, labels } = shapeBytes({ count, seed: 0, stream });
  return residentData({ shape: SHAPE, samples: images, labels });
};

async function trained(
  card: ModelCard,
  first: Tree,
  defence: Defence,
  data: ResidentData,
  { epochs, rate }: { readonly epochs: number; readonly rate: number },
): Promise<Tree> {
  const optimiser = adam({ lr: cosineDecay(rate, epochs * Math.floor(data.count / BATCH)) });
  const { params, optimiser: state } = await train(buildNetwork(card), initialState(first, optimiser), data, {
    ...{ optimiser, epochs, batchSize: BATCH, seed: SEED, loss: batchLoss(defence) },
    onProgress: ({ epoch, step, steps, loss }) =>
      console.log(`${defence.name}: pass ${epoch} of ${epochs}, step ${step} of ${steps}, loss ${loss.toFixed(4)}`),
  });
  dispose(state);
  return params;
}

/** Weights as a file of 16-bit floats, with what they can do. */
async function save(name: string, card: ModelCard, params: Tree, defence: Defence, held: ResidentData): Promise<void> {
  const accuracy = await evaluate(buildNetwork(card), params, held);
  const about = { ...cardMetadata(card), shape: `[${SHAPE}]`, data: "shapes", seed: String(SEED) };
  const told = { ...about, defence: defence.name, eps: String(EPS), accuracy: String(accuracy) };
  const bytes = await packTree(params, told, { floats: "f16" });
  await writeFile(`${folder}${name}.safetensors`, bytes);
  console.log(`${name}: test accuracy ${(100 * accuracy).toFixed(2)} %, ${bytes.length} bytes`);
}

/** What the default attack leaves of maps under a defence: of the first picture, which is handed back, and of all that are counted. */
async function firstPicture(name: DefenceName): Promise<object> {
  const { file, title } = DEFENCES[name];
  const network = networkFrom(new Uint8Array(await readFile(`${folder}${file}.safetensors`)), title);
  const on = defendedBy(name, network, INITIAL.beta);
  const attacked = async (image: number) => {
    const settings = { ...INITIAL, defence: name, image };
    const explained = await explain({ settings, on });
    return { settings, explained, attacked: await attack({ settings, on }, explained, INITIAL.steps) };
  };
  try {
    const all: Awaited<ReturnType<typeof attacked>>[] = [];
    for (const image of [INITIAL.image, ...COUNTED]) all.push(await attacked(image));
    const mean = (of: (one: (typeof all)[number]) => number): number =>
      all.slice(1).reduce((sum, one) => sum + of(one), 0) / COUNTED.length;
    const [first] = all;
    const sure = [first.explained, first.attacked].map((one) =>
      one.probabilities[first.explained.predicted].toFixed(3),
    );
    console.log(
      `  ${title}: of the first picture ${first.attacked.kept} of ${first.attacked.k} pixels kept, p ${sure.join(" to ")}; of ${COUNTED.length} pictures ` +
        `${mean(({ attacked }) => attacked.kept).toFixed(1)}, rank correlation ${mean(({ attacked }) => attacked.spearman).toFixed(2)}`,
    );
    return first;
  } finally {
    dispose(network.params);
  }
}

const TRAINED = ["plain", "atex", "r2et"] as const;
const asked = process.argv.slice(2);
const wanted = TRAINED.filter((name) => asked.length === 0 || asked.includes(name));
if (wanted.length < asked.length)
  throw new Error(`Asked for ${asked.join(", ")}; there are the networks ${TRAINED.join(", ")} to train.`);

const { description } = await init();
console.log(`on ${description}`);
const here = openScope("networks");
try {
  await here.wait(mkdir(folder, { recursive: true }));
  const data = splitOf(PLAIN.images, 0);
  const held = splitOf(1000, 1);
  if (wanted.includes("plain")) {
    const first = scope(() => keep(buildNetwork(CARD).init(random.key(SEED), SHAPE).params));
    const params = await here.wait(trained(CARD, first, normal(), data, PLAIN));
    await here.wait(save("plain", CARD, params, normal(), held));
    dispose(params);
  }
  const plain = networkFrom(new Uint8Array(await here.wait(readFile(`${folder}plain.safetensors`))), "plain");
  const teacher = smoothed(plain.classifier, SOFT.beta);
  const defences: Readonly<Record<string, Defence>> = {
    // Longer shifts and a larger weight than usual: so small a network gives up a few points of accuracy for its maps.
    atex: atex({ teacher, directions: freshGradients(), delta1: 4 * EPS, steepest: 2 * EPS, alpha: 10 }),
    r2et: r2et({ k: INITIAL.k, gap: 1, curvature: 0.01 }),
  };
  for (const name of wanted) {
    if (name === "plain") continue;
    const plan = DEFENDED[name];
    const few = splitOf(plan.images, 0);
    // A copy: training takes over what it starts from, and the teacher stays.
    const first = mapTree(plain.params, (t) => keep(add(t, 0)));
    const params = await here.wait(trained(SOFT, first, defences[name], few, plan));
    await here.wait(save(name, SOFT, params, defences[name], held));
    dispose([params, few.words, few.labels]);
  }
  dispose([plain.params, ...[data, held].flatMap(({ words, labels }) => [...words, labels])]);
  for (const name of DEFENCE_NAMES) {
    const shown = await here.wait(firstPicture(name));
    if (name !== "plain") continue;
    const rounded = (_: string, value: unknown): unknown =>
      value instanceof Float32Array ? Array.from(value, (v) => +v.toPrecision(5)) : value;
    await here.wait(
      writeFile(`${folder}first.json`, `${JSON.stringify({ adapter: description, ...shown }, rounded)}\n`),
    );
  }
} finally {
  here.close();
  shutdown();
}
