/** What the suite `networks` gives every system. */
import { coalitions, networkInputs, networks, parametersOf, samplesOf, targetMap } from "../../bench/networkInputs.js";
import { entries, random, type Tree } from "../../engine/index.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";

const shapes = (name: keyof typeof networks) =>
  Object.entries(parametersOf(name)).map(([path, { shape }]) => `${path} [${shape}]`);

referenceTest("parameters are those that the layers ask for", () => {
  for (const name of ["transformer", "mlp"] as const) {
    const { layer, shape } = networks[name];
    const { params } = layer().init(random.key(0), shape);
    const wanted = entries(params as Tree).map(([path, t]) => `${path} [${t.shape}]`);
    check.equal(shapes(name).sort(), wanted.sort());
  }
});

test("the networks are of the published size", () => {
  // Parameters of torchvision's resnet18 and mobilenet_v2.
  for (const [name, size] of [
    ["resnet-18", 11_689_512],
    ["mobilenet-v2", 3_504_872],
  ] as const) {
    const trained = Object.entries(parametersOf(name)).filter(([path]) => !path.includes("running"));
    check.is(
      trained.reduce((sum, [, { data }]) => sum + data.length, 0),
      size,
    );
  }
});

test("a case has what its work needs, and labels are classes", () => {
  const { x, labels } = samplesOf("mlp-tabular");
  check.equal(x.shape, [1024, 32]);
  check.equal([...new Set(labels)].sort(), [0, 1]);
  check.equal(targetMap("resnet18-224-attack").shape, samplesOf("resnet18-224-attack").x.shape);
  check.equal(Object.keys(networkInputs("kernel-shap")).slice(-4), ["background", "masks", "weights", "solver"]);
});

test("the solver gives back the values of an additive game", () => {
  const { masks, solver } = coalitions();
  const [count, features] = masks.shape;
  const worth = Array.from({ length: features }, (_, i) => Math.sin(i + 1));
  const score = (row: number) => worth.reduce((sum, value, i) => sum + value * masks.data[row * features + i], 0);
  const gains = Array.from({ length: count - 1 }, (_, i) => score(i + 1) - score(0));
  for (let i = 0; i < features; i++) {
    const value = gains.reduce((sum, gain, j) => sum + gain * solver.data[i * (count - 1) + j], 0);
    check.ok(Math.abs(value - worth[i]) < 1e-4, `feature ${i}: ${value} for ${worth[i]}`);
  }
});
