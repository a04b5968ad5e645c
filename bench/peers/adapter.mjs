/** Dawn as the `navigator.gpu` that browser libraries look for. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { create, globals } from "webgpu";

/** The object of `create` and what came from it: when they are collected, Dawn aborts the process. */
const alive = [];

/**
 * Installs `navigator.gpu`; call it before the peer is imported.
 *
 * @param {string | undefined} name part of the adapter's name, e.g. llvmpipe; undefined takes Dawn's default
 * @returns {Promise<Record<string, string>>} what the adapter says of itself
 */
export async function installNavigator(name) {
  const gpu = create(name === undefined ? [] : [`adapter=${name}`]);
  alive.push(gpu);
  Object.assign(globalThis, globals);
  const userAgent = `Node.js ${process.version}`;
  Object.defineProperty(globalThis, "navigator", { value: { gpu, userAgent }, configurable: true });
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null)
    throw new Error("requestAdapter: no adapter ; one WebGPU adapter is needed ; run `npx holdfast doctor`");
  alive.push(adapter);
  const { vendor, architecture, device, description } = adapter.info;
  return { vendor, architecture, device, description };
}

/** @param {string} name an installed package @returns {string} its version */
export function versionOf(name) {
  // By path: some packages do not export their package.json.
  const files = createRequire(import.meta.url)
    .resolve.paths(name)
    .map((folder) => `${folder}/${name}/package.json`);
  return JSON.parse(readFileSync(files.find(existsSync), "utf8")).version;
}
