/** `holdfast export`: a trained or defended network as an ONNX file. */
import { openScope } from "../../engine/index.js";
import { exportOnnx } from "../../nn/index.js";
import { asUsage, defineCommand, UsageError } from "../command.js";
import { cpuOption, withEngine } from "../engine.js";
import { writeOutput } from "../files.js";
import { Live } from "../live.js";
import { readWeights, weightsOptions } from "../sources/weights.js";
import { requireWritable } from "../writable.js";

const options = {
  ...weightsOptions,
  softmax: { type: "boolean", help: "let the file give probabilities; without it logits" },
  out: { type: "string", default: "out/network.onnx", value: "file.onnx", help: "where the ONNX file goes" },
  ...cpuOption,
} as const;

export const command = defineCommand({
  summary: "write a trained or defended network as an ONNX file, for other runtimes",
  options,
  async run({ values }) {
    if (!values.out.endsWith(".onnx")) throw new UsageError(`--out ${values.out}: a name that ends in .onnx is needed`);
    await requireWritable("out", values.out);
    const source = await readWeights(values);
    await withEngine({ cpu: values.cpu, withoutAdapter: "reference" }, async () => {
      using here = openScope("export");
      const { parametrised, domain, card, preparation, metadata } = await here.wait(source.open());
      const { network, params } = parametrised;
      const about = { ...Object.fromEntries(metadata), classes: JSON.stringify(card.classes) };
      const bytes = await here.wait(
        exportOnnx(network, params, domain.shape, { softmax: values.softmax, metadata: about }).catch(
          (error: unknown) => {
            throw asUsage(error);
          },
        ),
      );
      await here.wait(writeOutput(values.out, bytes));
      const range = domain.shape.length === 3 ? "pixels of 0 to 1" : "numbers";
      const prepared = preparation ? "prepared columns, as the file's metadata say (preparation)" : range;
      new Live().print(`${values.out}: ONNX, operator set 17, ${(bytes.length / 2 ** 20).toPrecision(3)} MiB`);
      new Live().print(`  x [n,${domain.shape}]: ${prepared}`);
      new Live().print(
        `  ${values.softmax ? "probabilities" : "logits"} [n,${card.classes.length}]: ${card.classes.join(", ")}`,
      );
    });
  },
});
