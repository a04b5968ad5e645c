/** A process of its own for `isa.ts`: makes the pipelines it is given on standard input, on whatever adapter the environment names, and runs
 *  nothing. The driver writes to standard error what it made of each; lines that begin with @@ say of which. */
import { readFileSync, writeSync } from "node:fs";
import { openGpu } from "../engine/gpu/provider.node.js";
import type { IsaKernel } from "./isaKernels.js";

const kernels: readonly Pick<IsaKernel, "code" | "constants">[] = JSON.parse(readFileSync(0, "utf8"));
const { gpu } = await openGpu({});
const adapter = await gpu.requestAdapter().catch(() => null);
if (!adapter) {
  writeSync(2, "\n@@ none\n");
  process.exit(0);
}
const { vendor, architecture, device: name } = adapter.info;
writeSync(2, `\n@@ adapter ${vendor} ${architecture} ${name}\n`);
const limits = [
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;
const device = await adapter.requestDevice({
  requiredFeatures: (["subgroups", "shader-f16"] as const).filter((f) => adapter.features.has(f)),
  requiredLimits: Object.fromEntries(limits.map((limit) => [limit, adapter.limits[limit]])),
});
for (const [i, { code, constants }] of kernels.entries()) {
  writeSync(2, `\n@@ ${i}\n`);
  try {
    const module = device.createShaderModule({ code });
    const { messages } = await module.getCompilationInfo();
    const wrong = messages.find(({ type }) => type === "error");
    if (wrong) throw new Error(`line ${wrong.lineNum}: ${wrong.message}`);
    await device.createComputePipelineAsync({ layout: "auto", compute: { module, constants } });
  } catch (error) {
    writeSync(2, `\n@error ${String((error as Error).message).split("\n")[0]}\n`);
  }
}
writeSync(2, "\n@@ end\n");
process.exit(0);
