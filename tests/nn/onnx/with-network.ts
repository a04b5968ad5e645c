/** Imports, runs, and frees the parameters. */
import { dispose, type Tensor } from "../../../engine/index.js";
import { importOnnx, type OnnxNetwork, type OnnxOptions } from "../../../nn/index.js";

export async function withNetwork(
  bytes: Uint8Array,
  body: (net: OnnxNetwork) => unknown,
  options: OnnxOptions = {},
): Promise<void> {
  const net = await importOnnx(bytes, options);
  try {
    await body(net);
  } finally {
    dispose(net.params);
  }
}

export const values = async (t: Tensor): Promise<number[]> => [...(await t.read())];

/** All parameters by name, whichever node they belong to. */
export const byName = (params: OnnxNetwork["params"]): Readonly<Record<string, Tensor>> => Object.assign({}, ...params);
