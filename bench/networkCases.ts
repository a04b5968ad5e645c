/** The cases of the suite `networks` in Holdfast, through its public interface. */
import { classScore, type Explainer, elementGroups, gradCam, kernelShap, lrp, smoothed } from "../atex/index.js";
import {
  add,
  capture,
  dispose,
  div,
  entries,
  grad,
  keep,
  maximum,
  minimum,
  mul,
  oneHot,
  scope,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  type Tree,
  tensor,
  valueAndGrad,
} from "../engine/index.js";
import { crossEntropy, type Layer } from "../nn/index.js";
import { placesOf } from "../nn/layer.js";
import { type BenchCase, caseOf, upload } from "./cases.js";
import { adam, type HostTensor, type NetworkCase } from "./inputs.js";
import { batchOf, parameterTree, training } from "./network.js";
import {
  attack,
  coalitionCount,
  coalitions,
  networks,
  networkWorks,
  parametersOf,
  samplesOf,
  targetMap,
  type WorkName,
} from "./networkInputs.js";
import { model } from "./steps.js";

/** A network with its parameters, kept on the device. */
interface World {
  readonly layer: Layer;
  readonly params: Tree;
  readonly x: Tensor;
  readonly labels: Tensor;
  readonly classes: number;
}

/** The tree of a layer's parameters, uploaded and kept. */
function treeOf(layer: Layer, at: string, given: Readonly<Record<string, HostTensor>>): Tree {
  const places = placesOf(layer);
  const inside = places.map((place) => [place.at, treeOf(place.layer, `${at}${place.at}.`, given)] as const);
  if (layer.kind === "sequential") return inside.map(([, tree]) => tree);
  if (inside.length > 0) return Object.fromEntries(inside);
  const own = Object.keys(given).filter((path) => path.startsWith(at));
  if (own.length === 0) return null;
  const tree: Record<string, Tree> = {};
  for (const path of own) {
    const names = path.slice(at.length).split(".");
    let branch = tree;
    for (const name of names.slice(0, -1)) {
      branch[name] ??= {};
      branch = branch[name] as Record<string, Tree>;
    }
    branch[names.at(-1)!] = upload(given[path]);
  }
  return tree;
}

function worldOf(name: WorkName): World {
  const { network } = networkWorks[name];
  const { layer: make, classes } = networks[network];
  const layer = make();
  const { x, labels } = samplesOf(name);
  return {
    layer,
    classes,
    params: treeOf(layer, "", parametersOf(network)),
    x: upload(x),
    labels: keep(tensor(labels)),
  };
}

/** A case that owns more than its arguments. */
const owning = (made: BenchCase, owned: Tree): BenchCase => ({
  ...made,
  dispose() {
    made.dispose();
    dispose(owned);
  },
});

/** What is run on a trained network closes over its parameters, as an explanation does. */
function forward(name: WorkName): BenchCase {
  const { layer, params, x, labels } = worldOf(name);
  const step = capture((x: Tensor) => ({ y: layer.apply(params, x) }));
  return owning(caseOf(step, [x]), [params, labels]);
}

/** The sum of the label logits of a network. */
function labelLogits({ layer, params, classes, labels }: World): (x: Tensor) => Tensor {
  return (x) => sum(mul(layer.apply(params, x), oneHot(labels, classes)));
}

function gradient(name: WorkName): BenchCase {
  const world = worldOf(name);
  const step = capture((x: Tensor) => ({ x: grad(labelLogits(world))(x) }));
  return owning(caseOf(step, [world.x]), [world.params, world.labels]);
}

function secondOrderAttack(name: WorkName): BenchCase {
  const world = worldOf(name);
  const score = smoothed(labelLogits(world), attack.beta);
  const target = upload(targetMap(name));
  const loss = (x: Tensor): Tensor => sum(square(sub(grad(score)(x), target)));
  const step = capture(function attackStep(x: Tensor, start: Tensor) {
    const [value, slope] = valueAndGrad(loss)(x);
    const moved = sub(x, mul(slope, div(attack.step, sqrt(sum(square(slope))))));
    const low = maximum(sub(start, attack.radius), 0);
    const high = minimum(add(start, attack.radius), 1);
    return { loss: value, x: minimum(maximum(moved, low), high) };
  });
  const run = (): { shift: Tensor; losses: Tensor[] } =>
    scope(() => {
      const losses: Tensor[] = [];
      let x = world.x;
      for (let i = 0; i < attack.steps; i++) {
        const made = step(x, world.x);
        losses.push(made.loss);
        x = made.x;
      }
      return { shift: sub(x, world.x), losses };
    });
  return {
    async results() {
      const { shift, losses } = run();
      const values: number[] = [];
      for (const loss of losses) values.push(await loss.item());
      const results = { shift: await shift.read(), losses: values };
      dispose([shift, losses]);
      return results;
    },
    submit: () => dispose(run() as unknown as Tree),
    step,
    dispose() {
      step.dispose();
      dispose([world.params, world.x, world.labels, target]);
    },
  };
}

/** Mean cross-entropy and Adam on all parameters. */
function trainingStep(name: WorkName): BenchCase {
  const { layer, params, x, labels } = worldOf(name);
  return training((p, x, y) => crossEntropy(layer.apply(p, x), y), [x, labels], {
    params,
    async gradients(moments) {
      const found: Record<string, ArrayLike<number>> = {};
      for (const [path, moment] of entries(moments)) {
        // After one step the first moment is the gradient times 1 - beta1.
        found[`gradient ${path}`] = Float64Array.from(await moment.read(), (value) => value / (1 - adam.beta1));
      }
      return found;
    },
  });
}

function shapley(name: WorkName): BenchCase {
  const world = worldOf(name);
  const { background } = coalitions();
  const rows = upload(background);
  const explain = kernelShap({
    groups: elementGroups(networks.mlp.shape),
    ...{ background: { rows }, samples: coalitionCount, seed: 0 },
  });
  const score = classScore((x) => world.layer.apply(world.params, x), world.labels);
  const step = capture((x: Tensor) => ({ values: explain(score, x) }));
  return owning(caseOf(step, [world.x]), [world.params, world.labels, rows]);
}

/** An explainer of the label logits of the network of inputs.ts. */
function explained(name: "lrp" | "grad-cam", explain: Explainer): BenchCase {
  const { images, labels } = batchOf(name);
  const params = parameterTree();
  const score = classScore((x) => model.apply(params, x), labels);
  const step = capture((x: Tensor) => ({ map: explain(score, x) }));
  return owning(caseOf(step, [images]), [params, labels]);
}

const works = { forward, gradient, attack: secondOrderAttack, training: trainingStep, shapley };

/** Every case, not yet built. */
export const networkCases = {
  ...Object.fromEntries(
    Object.entries(networkWorks).map(([name, { work }]) => [name, () => works[work](name as WorkName)]),
  ),
  // Sums of positive numbers alone, which f32 gets right: the denominators of epsilon rules almost vanish here and there.
  lrp: () => explained("lrp", lrp({ composite: "dombrowski", range: { low: 0, high: 1 } })),
  "grad-cam": () => explained("grad-cam", gradCam()),
} as Readonly<Record<NetworkCase, () => BenchCase>>;
