/** Writes a network of the size that people use, with random weights, as ONNX: `node dist/bench/onnxNets.js NAME net.onnx`. */
import { writeFileSync } from "node:fs";
import { argv } from "node:process";
import { init, openScope, random, shutdown } from "../engine/index.js";
import { exportOnnx, type Layer } from "../nn/index.js";
import { mobileNetV2, resnet18 } from "./nets.js";

const NETWORKS: Readonly<Record<string, () => Layer>> = {
  resnet18_224: resnet18,
  mobilenet_v2_224: mobileNetV2,
};

const [, , name, out] = argv;
await init({ executor: "reference" });
{
  using here = openScope("network");
  const shape = [3, 224, 224];
  const network = NETWORKS[name]();
  writeFileSync(out, await here.wait(exportOnnx(network, network.init(random.key(0), shape).params, shape)));
}
shutdown();
