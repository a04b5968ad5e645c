/** Saving and going on. One learns: arrays of one's own as a data set, a training state as a file, and that a run which was
 *  interrupted ends with the same bits as one that was not. */
import { dispose, init, random, scope, shutdown } from "holdfast";
import * as nn from "holdfast/nn";

await init();
// Points inside and outside of a circle.
const samples = Float32Array.from({ length: 400 }, (_, i) => (Math.sin(i * 12.9898) * 43758.5453) % 1);
const labels = Array.from({ length: 200 }, (_, i) => Number(Math.hypot(samples[2 * i], samples[2 * i + 1]) < 0.8));
const data = nn.fromArrays({ shape: [2], classes: ["outside", "inside"], train: { samples, labels }, testShare: 0.1 });
const resident = nn.residentData(data.train);

const model = nn.sequential([nn.dense(16), nn.relu, nn.dense(2)]);
const optimiser = nn.adam({ lr: 0.01 });
const first = () =>
  nn.initialState(
    scope(() => model.init(random.key(0), [2]).params),
    optimiser,
  );
const options = { optimiser, batchSize: 30 };

const whole = await nn.train(model, first(), resident, { ...options, epochs: 4 });

const half = await nn.train(model, first(), resident, { ...options, epochs: 2 });
const file = await nn.saveCheckpoint(half, { note: "after two epochs" }); // bytes of a safetensors file
const like = first(); // says how the trees are built
const { state, metadata } = nn.loadCheckpoint(file, like);
dispose(like);
const resumed = await nn.train(model, state, resident, { ...options, epochs: 4 });

const [a, b] = [await whole.params[0].weight.read(), await resumed.params[0].weight.read()];
const same = a.every((value, i) => value === b[i]);
console.log("file", file.length, "bytes, from epoch", metadata.get("epoch"), "on; the same bits:", same);
shutdown();
