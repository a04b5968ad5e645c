/** SIGTERM, which Slurm, Kubernetes and `timeout` send: each command ends with a status of its own and leaves whole files. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { random } from "../../engine/index.js";
import { cardMetadata, packTree, readSafetensors, SHAPE_CLASSES, tinyNetwork } from "../../nn/index.js";
import { onReference } from "../executors.js";
import { check, gpuTest } from "../harness.js";
import { holdfast, inFolder } from "./holdfast.js";

const weights = ["--weights", "w.safetensors"];

/** What is asked to stop, once its output says this, and what it leaves. */
const COMMANDS: readonly (readonly [args: readonly string[], when: RegExp, leaves: readonly string[]])[] = [
  [["train", "--epochs", "500", "--train-size", "640"], /epoch \d+\/500/, ["weights.safetensors"]],
  [["defend", ...weights, "--scheme", "atex", "--epochs", "500"], /step \d+/, ["defended.safetensors"]],
  [["manipulate", "fooling", ...weights, "--epochs", "500"], /seed 0/, []],
  [["audit", ...weights, "--samples", "5", "--rows", "weights,attack"], /measurements on/, ["audit"]],
  [["attack", ...weights, "--data", "shapes", "--steps", "100000"], /steps, on/, ["attack"]],
  [
    ["explain", ...weights, "--data", "shapes", "--method", "integrated-gradients", "--points", "10000"],
    /explaining by/,
    [],
  ],
  [["sanity", ...weights, "--images", "200", "--smooth"], /about .* left/, ["sanity"]],
];

/** A network that has learnt nothing of the drawn shapes. */
async function writeWeights(folder: string): Promise<void> {
  const network = tinyNetwork();
  const card = { network: "tiny", activation: "softplus", beta: 10, classes: SHAPE_CLASSES } as const;
  const said = { ...cardMetadata(card, network), data: "shapes", "train-size": "640", "test-size": "200" };
  const bytes = await onReference(() => packTree(network.init(random.key(0), [1, 28, 28]).params, said));
  await writeFile(join(folder, "w.safetensors"), bytes);
}

for (const [args, when, leaves] of COMMANDS)
  gpuTest(
    `${args[0]} asked to end by SIGTERM ends with status 143`,
    () =>
      inFolder(async (folder) => {
        await writeWeights(folder);
        let asked = false;
        const { code, out, err } = await holdfast(folder, args, (seen, interrupt) => {
          if (asked || !when.test(seen)) return;
          asked = true;
          interrupt("SIGTERM");
        });
        check.equal(code, 143, `${out}\n${err}`);
        check.ok(!/\n {4}at /.test(err), err);
        const left: string[] = await readdir(join(folder, "out")).catch(() => []);
        for (const name of leaves) check.ok(left.includes(name), `${name} among ${left}`);
        check.equal(
          left.filter((name) => name.endsWith(".tmp")),
          [],
        );
        for (const name of left.filter((name) => name.endsWith(".safetensors")))
          check.ok(readSafetensors(await readFile(join(folder, "out", name))).tensors.size > 0);
      }),
    { timeoutMs: 120_000 },
  );
