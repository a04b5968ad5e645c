/** A network that somebody wrote as a plain function, in an ES module of their own. */
import { execFile } from "node:child_process";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as atex from "../../atex/index.js";
import * as engine from "../../engine/index.js";
import { DataError } from "../../nn/data/error.js";
import * as nn from "../../nn/index.js";
import { ConfigError } from "../../nn/schema.js";
import { UsageError } from "../command.js";
import { readInput } from "../files.js";
import { inWords, type ModuleNetwork, readModuleNetwork } from "./module-schema.js";
import type { LoadedModel, NetworkSource } from "./source.js";
import { writtenNetwork } from "./written.js";

export const moduleOptions = {
  module: {
    type: "string",
    value: "file.mjs",
    help: "a network that you wrote: its default export is an object, or a function of { engine, nn, atex } that returns one, with classifier (x => logits), shape and classes; or with network ((params, x) => logits) and params, which sanity needs",
  },
} as const;

/** What the function of a module is given: the library as its packages are, "holdfast", "holdfast/nn" and "holdfast/atex". */
const API = { engine, nn, atex };

/** @throws UsageError when there is no such file. The module runs when it is opened, for it may make tensors. */
export async function readModule(path: string): Promise<NetworkSource> {
  await readInput("module", path);
  return { open: () => openModule(path) };
}

async function openModule(path: string): Promise<LoadedModel> {
  const origin = `--module ${path}`;
  const given = await imported(path);
  try {
    const made: unknown = typeof given === "function" ? await given(API) : given;
    return await loaded(readModuleNetwork(made), path, origin);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (error instanceof ConfigError || error instanceof DataError) throw new UsageError(`${origin}: ${error.message}`);
    throw new UsageError(`${origin}: ${await blame(error, path)}`);
  }
}

/** The default export. @throws UsageError for a module that cannot be run, or has none. */
async function imported(path: string): Promise<unknown> {
  const { default: given, ...others } = await import(pathToFileURL(resolve(path)).href).catch(
    async (error: unknown) => {
      throw new UsageError(`--module ${path}: ${await blame(error, path)}`);
    },
  );
  if (given !== undefined) return given;
  const names = Object.keys(others);
  throw new UsageError(
    `--module ${path}: it has no default export${names.length > 0 ? `, only ${names.join(", ")}` : ""}; export default the network, or a function of { engine, nn, atex } that returns it`,
  );
}

async function loaded(made: ModuleNetwork, path: string, origin: string): Promise<LoadedModel> {
  const { name, classes, domain, preparation, background, network, params, init } = made;
  const classifier = made.classifier ?? ((x: engine.Tensor) => network!(params, x));
  await trial(made, classifier);
  return {
    ...{ domain, classifier, origin, card: { classes }, metadata: new Map(), title: name ?? basename(path) },
    ...{ preparation, background },
    ...(network && { parametrised: writtenNetwork({ network, params, init }, origin) }),
  };
}

/** Runs the network once, on two samples near zero: what works on one may forget that there are batches.
 *  @throws ConfigError when it gives no logits, or when `classifier` and `network` are not the same. */
async function trial(
  { domain, classes, network, params, ...made }: ModuleNetwork,
  classifier: (x: engine.Tensor) => unknown,
): Promise<void> {
  using here = engine.openScope("trial");
  const shape = [2, ...domain.shape];
  const { low, high } = domain.range;
  const near = (i: number): number => {
    const [least, most] = [low, high].map((numbers) => (typeof numbers === "number" ? numbers : numbers[i]));
    return Math.min(most, Math.max(least, 0));
  };
  const size = nn.sampleSize(domain.shape);
  const x = engine.tensor(
    Float32Array.from({ length: 2 * size }, (_, i) => near(i % size)),
    shape,
  );
  const logits = requireLogits(made.classifier ? "classifier" : "network", classifier(x), x, classes.length);
  if (!made.classifier || !network) return;
  const other = await here.wait(requireLogits("network", network(params, x), x, classes.length).read());
  const one = await here.wait(logits.read());
  const apart = one.findIndex((v, i) => Math.abs(v - other[i]) > 1e-3 * (1 + Math.abs(v)));
  if (apart >= 0)
    throw new ConfigError(
      `classifier: it gives ${one[apart]} where network gives ${other[apart]} for a sample of zeros; leave classifier out, or make them the same`,
    );
}

function requireLogits(what: string, given: unknown, x: engine.Tensor, classes: number): engine.Tensor {
  const needed = `f32[2,${classes}], a logit for each of ${classes} classes, is needed`;
  if (given instanceof engine.Tensor) {
    if (given.dtype === "f32" && String(given.shape) === `2,${classes}`) return given;
    throw new ConfigError(
      `${what}: for two samples, x ${engine.describe(x)}, it gives ${engine.describe(given)}; ${needed}`,
    );
  }
  const another = given?.constructor?.name === "Tensor";
  throw new ConfigError(
    another
      ? `${what}: it gives a tensor of another copy of holdfast; use what the module's function is given, { engine, nn, atex }`
      : `${what}: for two samples, x ${engine.describe(x)}, it gives ${inWords(given)}; ${needed}`,
  );
}

/** What went wrong in a module, and where in it. */
async function blame(error: unknown, path: string): Promise<string> {
  if (!(error instanceof Error)) return `it throws ${inWords(error)}`;
  const place = placeIn(error.stack ?? "", path) ?? (await placeOfSyntaxError(error, path));
  const where = place === undefined ? "" : ` (${place})`;
  const name = error.name === "Error" ? "" : `${error.name}: `;
  return `${name}${error.message.split("\n")[0]}${where}`;
}

/** The first line of the module on a stack. */
function placeIn(stack: string, path: string): string | undefined {
  const at = stack.indexOf(`${pathToFileURL(resolve(path)).href}:`);
  return at < 0 ? undefined : /:(\d+)/.exec(stack.slice(at + "file:".length))?.[0].replace(":", "line ");
}

/** A module that does not parse is not on the stack: Node tells the place only on its way out. */
async function placeOfSyntaxError(error: Error, path: string): Promise<string | undefined> {
  if (!(error instanceof SyntaxError)) return undefined;
  const said = await new Promise<string>((done) => {
    execFile(process.execPath, ["--check", resolve(path)], { timeout: 10_000 }, (_, __, stderr) => done(stderr));
  });
  if (said === "") return "in a file that it imports";
  return /:(\d+)\n/.exec(said)?.[1].replace(/^/, "line ");
}
