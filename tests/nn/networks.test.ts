/** Whole networks against PyTorch in float64 (goldens/networks.py): loss, parameter gradients, input gradient, and the
 *  parameter gradient of the mean squared norm of the input gradient, which is second order through everything. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { classScore, gradient } from "../../atex/index.js";
import { grad, mul, square, sum, type Tensor, type Tree, tensor, valueAndGrad } from "../../engine/index.js";
import { authorsNetwork, crossEntropy, paperNetwork, relu, type Sequential, softplus } from "../../nn/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check, root } from "../harness.js";

interface Summary {
  readonly size: number;
  readonly norm: number;
  readonly projection: number;
  readonly first: readonly number[];
}
interface Golden {
  readonly shapes: readonly (readonly number[])[];
  readonly loss: number;
  readonly gradients: readonly Summary[];
  readonly inputGradient: Summary;
  readonly energy: number;
  readonly second: readonly Summary[];
}

const goldens = JSON.parse(readFileSync(join(root, "tests/goldens/networks.json"), "utf8")) as Record<string, Golden>;
const networks: Record<string, () => Sequential> = {
  "paper softplus": () => paperNetwork({ activation: softplus() }),
  "authors softplus beta 10": () => authorsNetwork({ activation: softplus({ beta: 10 }) }),
  "authors relu": () => authorsNetwork({ activation: relu }),
};
const BATCH = 8;

function hashed(i: number, stream: number): number {
  let b = Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(stream, 0x85ebca6b);
  b = Math.imul(b ^ (b >>> 16), 0x7feb352d);
  b = Math.imul(b ^ (b >>> 15), 0x846ca68b);
  return (b ^ (b >>> 16)) >>> 0;
}
const signed = (i: number, stream: number): number => hashed(i, stream) / 2 ** 31 - 1;

/** The golden's parameters as the model's tree: weight and bias for each layer that has them. */
function parameters(model: Sequential, shapes: Golden["shapes"]): Tree {
  let k = 0;
  const make = (): Tensor => {
    const shape = shapes[k];
    const inputs = shape.slice(1).reduce((a, b) => a * b, 1);
    const scale = shape.length === 1 ? 0.1 : 1 / Math.sqrt(inputs);
    const stream = 100 + k++;
    return tensor(
      Float32Array.from({ length: shape[0] * inputs }, (_, i) => signed(i, stream) * scale),
      shape,
    );
  };
  return model.layers.map((l) => (["conv2d", "dense"].includes(l.kind) ? { weight: make(), bias: make() } : null));
}

const listed = (params: Tree): Tensor[] => params.flatMap((p: Tree) => (p ? [p.weight, p.bias] : []));

async function compare(actual: Tensor, expected: Summary, tolerance: number, what: string): Promise<void> {
  const a = await actual.read();
  check.is(a.length, expected.size, what);
  let squares = 0;
  let projection = 0;
  let weights = 0;
  for (let i = 0; i < a.length; i++) {
    const w = signed(i, 7);
    squares += a[i] ** 2;
    projection += a[i] * w;
    weights += w * w;
  }
  check.close([Math.sqrt(squares)], [expected.norm], { rtol: tolerance, atol: 1e-12 }, `${what}: norm`);
  // An error of relative size t spread over the array moves the projection by about t · norm · ‖w‖.
  const spread = (tolerance * expected.norm * Math.sqrt(weights)) / Math.sqrt(a.length);
  check.close(
    [projection],
    [expected.projection],
    { rtol: tolerance, atol: 4 * spread + 1e-12 },
    `${what}: projection`,
  );
  const typical = expected.norm / Math.sqrt(a.length);
  check.close(
    a.slice(0, 8),
    expected.first,
    { rtol: tolerance, atol: tolerance * 4 * typical + 1e-12 },
    `${what}: first`,
  );
}

/** Relative error allowed in first and second order. */
async function againstGolden(name: string, first: number, second: number): Promise<void> {
  const golden = goldens[name];
  const model = networks[name]();
  const params = parameters(model, golden.shapes);
  const x = tensor(
    Float32Array.from({ length: BATCH * 784 }, (_, i) => hashed(i, 1) / 2 ** 32),
    [BATCH, 1, 28, 28],
  );
  const y = tensor(Int32Array.from({ length: BATCH }, (_, i) => i % 10));
  const [loss, gradients] = valueAndGrad((p: Tree) => crossEntropy(model.apply(p, x), y))(params);
  check.close([await loss.item()], [golden.loss], { rtol: first }, "loss");
  for (const [i, g] of listed(gradients).entries()) await compare(g, golden.gradients[i], first, `gradient ${i}`);

  const inputGradient = (p: Tree): Tensor =>
    gradient(
      classScore((z) => model.apply(p, z), y),
      x,
    );
  await compare(inputGradient(params), golden.inputGradient, first, "input gradient");
  const energy = (p: Tree): Tensor => mul(sum(square(inputGradient(p))), 1 / BATCH);
  check.close([await energy(params).item()], [golden.energy], { rtol: first }, "energy");
  const seconds = grad(energy)(params);
  for (const [i, g] of listed(seconds).entries()) await compare(g, golden.second[i], second, `second order ${i}`);
}

for (const name of Object.keys(networks)) {
  gpuTest(`${name}: GPU = PyTorch float64, 1e-4 in first and 1e-3 in second order`, () =>
    againstGolden(name, 1e-4, 1e-3),
  );
}
// One network is enough here, and the smaller one is quicker: the reference is plain loops.
referenceTest("authors softplus beta 10: reference = PyTorch float64", () =>
  againstGolden("authors softplus beta 10", 1e-6, 1e-6),
);
