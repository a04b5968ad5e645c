/** The work of the suite of ONNX files on a network that fits in a second. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { random, scope } from "../engine/index.js";
import { buildNetwork, exportOnnx } from "../nn/index.js";
import { failureOf, ran } from "./onnx.js";
import type { OnnxTimes } from "./onnxWork.js";
import type { Row } from "./report.js";

export async function onnxSmoke(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-onnx-"));
  try {
    const shape = [1, 12, 12];
    const model = buildNetwork({ network: "tiny", activation: "relu", beta: 10, classes: ["a", "b", "c"] });
    const params = scope(() => model.init(random.key(0), shape).params);
    const path = join(folder, "tiny.onnx");
    writeFileSync(path, await exportOnnx(model, params, shape));
    const work = fileURLToPath(new URL("./onnxWork.js", import.meta.url));
    const ended = await ran([work, path]);
    const times = ended.code === 0 ? (JSON.parse(ended.out) as OnnxTimes) : undefined;
    const right = times !== undefined && times.outputs === 3 && times.forward.ms > 0 && times.gradient.ms > 0;
    return [
      {
        ...{ case: "tiny", system: "holdfast", wait: "none", checked: right && ended.peakMiB !== 0 },
        ...(!right && { error: failureOf(ended) }),
      },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
