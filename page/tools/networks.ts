/** Trains the networks of the page and makes its first picture: `npm run page:networks` writes `page/networks`. */
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import {
  add,
  dispose,
  init,
  keep,
  mapTree,
  openScope,
  random,
  scope,
  shutdown,
  type Tensor,
  type Tree,
} from "holdfast";
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
import { defendedBy, networkFrom } from "../core/networks.js";
import { INITIAL } from "../core/settings.js";
import { CARD, SHAPE } from "../core/training.js";

const folder = fileURLToPath(new URL("../../../page/networks/", import.meta.url));

const SEED = 0;
const BATCH = 50;
/** Largest change that the defences are trained against. */
const EPS = 0.05;
/** The plain network, from scratch. */
const PLAIN = { images: 6000, epochs: 6, rate: 0.004 };
/** The defended ones, from its weights, with softplus in place of relu. */
const DEFENDED = { images: 6000, epochs: 5 };
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
  const { params } = await train(buildNetwork(card), initialState(first, optimiser), data, {
    ...{ optimiser, epochs, batchSize: BATCH, seed: SEED, loss: batchLoss(defence) },
    onProgress: ({ epoch, step, steps, loss }) => {
      if (step === steps) console.log(`${defence.name}: pass ${epoch} of ${epochs}, loss ${loss.toFixed(4)}`);
    },
  });
  return params;
}

const { description } = await init();
console.log(`on ${description}`);
const open = openScope("networks");
try {
  await mkdir(folder, { recursive: true });
  const data = splitOf(PLAIN.images, 0);
  const held = splitOf(2000, 1);
  const copyOf = (params: Tree): Tree => mapTree(params, (t) => keep(add(t, 0)));

  const model = buildNetwork(CARD);
  const fresh = scope(() => keep(model.init(random.key(SEED), SHAPE).params));
  const plain = await trained(CARD, fresh, normal(), data, PLAIN);
  const teacher = smoothed((x: Tensor) => model.apply(plain, x), SOFT.beta);
  const defences: Record<string, readonly [Defence, rate: number]> = {
    atex: [atex({ teacher, directions: freshGradients(), delta1: 2 * EPS, delta2: 2 * EPS, steepest: EPS }), 0.005],
    r2et: [r2et({ k: 50, gap: 1, curvature: 0.01 }), 0.003],
  };
  const all: [name: string, card: ModelCard, params: Tree, defence: Defence][] = [["plain", CARD, plain, normal()]];
  for (const [name, [defence, rate]] of Object.entries(defences))
    all.push([name, SOFT, await trained(SOFT, copyOf(plain), defence, data, { ...DEFENDED, rate }), defence]);

  for (const [name, card, params, defence] of all) {
    const accuracy = await evaluate(buildNetwork(card), params, held);
    const about = { ...cardMetadata(card), shape: `[${SHAPE}]`, data: "shapes", seed: String(SEED) };
    const told = { ...about, defence: defence.name, eps: String(EPS), accuracy: String(accuracy) };
    const bytes = await packTree(params, told, { floats: "f16" });
    await writeFile(`${folder}${name}.safetensors`, bytes);
    console.log(`${name}: test accuracy ${(100 * accuracy).toFixed(2)} %, ${bytes.length} bytes`);
    const network = networkFrom(bytes, name);
    const shown = name === "plain" ? ["plain", "smoothing"] : [name];
    for (const one of shown) {
      const question = {
        settings: { ...INITIAL, defence: one as "plain" },
        on: defendedBy(one, network, INITIAL.beta),
      };
      const explained = await explain(question);
      const attacked = await attack(question, explained, INITIAL.steps);
      console.log(
        `  ${one}: ${attacked.kept} of ${attacked.k} pixels kept, rank correlation ${attacked.spearman.toFixed(2)}, ` +
          `p ${explained.probabilities[explained.predicted].toFixed(3)} → ${attacked.probabilities[explained.predicted].toFixed(3)}`,
      );
      if (one === "plain") {
        const rounded = (_: string, value: unknown): unknown =>
          value instanceof Float32Array ? Array.from(value, (v) => +v.toPrecision(5)) : value;
        const first = { settings: question.settings, adapter: description, explained, attacked };
        await writeFile(`${folder}first.json`, `${JSON.stringify(first, rounded)}\n`);
      }
    }
    dispose(network.params);
  }
  dispose([...all.map(([, , params]) => params), data.words, data.labels, held.words, held.labels]);
} finally {
  open.close();
  shutdown();
}
