/** One process of the suite of ONNX files: `node dist/bench/onnxWork.js net.onnx [c,h,w]` times a forward pass and a gradient, and prints JSON. */
import { argv } from "node:process";
import { gradient } from "../atex/index.js";
import { classScore } from "../atex/score.js";
import { callerScope, init, openScope, random, scope, shutdown, type Tensor, tensor } from "../engine/index.js";
import { openOnnx } from "../nn/index.js";
import { median } from "./measure.js";

/** What a process measured. */
export interface OnnxTimes {
  readonly parameters: number;
  readonly shape: readonly number[];
  readonly importMs: number;
  /** Of the first run, which compiles, and the median of those after it; one sample. */
  readonly forward: { readonly firstMs: number; readonly ms: number };
  readonly gradient: { readonly firstMs: number; readonly ms: number };
  readonly outputs: number;
}

const RUNS = 5;

async function timed(run: () => Tensor): Promise<{ firstMs: number; ms: number }> {
  const here = callerScope();
  const all: number[] = [];
  for (let i = 0; i <= RUNS; i++) {
    const began = performance.now();
    const value = await here.wait(scope(run).read());
    if (!value.every(Number.isFinite)) throw new Error("a result is not finite");
    all.push(performance.now() - began);
  }
  return { firstMs: all[0], ms: median(all.slice(1)) };
}

async function measure(path: string, sides: string | undefined): Promise<OnnxTimes> {
  using here = openScope("onnx");
  const began = performance.now();
  const shape = sides?.split(",").map(Number);
  const net = await here.wait(openOnnx(path, { ...(shape && { shape }), logits: true }));
  const importMs = performance.now() - began;
  const sample = net.input.shape.slice(1) as number[];
  const x = random.uniform(random.key(0), [1, ...sample]);
  const score = classScore(net.classifier, tensor(Int32Array.of(0)));
  return {
    ...{ parameters: net.parameterCount, shape: sample, outputs: net.classes ?? 0, importMs },
    forward: await here.wait(timed(() => net.classifier(x))),
    gradient: await here.wait(timed(() => gradient(score, x))),
  };
}

const [, , path, sides] = argv;
await init();
process.stdout.write(`${JSON.stringify(await measure(path, sides))}\n`);
shutdown();
