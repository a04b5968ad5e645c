/** Captured programs for adapters that are not at hand. */
import { capture } from "../../engine/capture.js";
import { type Plan, type PlanOptions, withExecutor } from "../../engine/executor.js";
import { wholeOperand } from "../../engine/gpu/lowering.js";
import type { Program } from "../../engine/gpu/planned.js";
import { compile } from "../../engine/gpu/program.js";
import type { Capabilities } from "../../engine/lower.js";
import { ReferenceExecutor } from "../../engine/reference.js";
import { scope } from "../../engine/scope.js";
import { type Graph, nodesOf } from "../../engine/trace.js";
import type { Tree } from "../../engine/tree.js";

export const llvmpipe: Capabilities = {
  ...{ software: true, subgroups: true, subgroupMinSize: 8, subgroupMaxSize: 8, f16: true },
  ...{ maxInvocationsPerWorkgroup: 1024, maxWorkgroupSizeX: 1024, maxWorkgroupStorageBytes: 32768 },
  ...{ maxWorkgroupsPerDimension: 65535, maxBindingBytes: 2 ** 27, maxBufferBytes: 2 ** 31, maxStorageBuffers: 16 },
};

export const gpu: Capabilities = { ...llvmpipe, software: false, subgroupMinSize: 32, subgroupMaxSize: 32 };

/** Compiles for an adapter that is not at hand. */
class Compiler extends ReferenceExecutor {
  program: Program | undefined;
  constructor(readonly caps: Capabilities) {
    super();
  }
  prepare(graph: Graph, options: PlanOptions): Plan {
    // On a GPU the values of constants are operands.
    for (const node of nodesOf(graph.outputs))
      if (node.kind === "constant") Object.assign(node.value, wholeOperand(node, {}));
    this.program = compile(graph, this.caps, options);
    return {
      run: () => graph.outputs.map((y) => this.upload(new Float64Array(), y)),
      describe: () => "",
      dispose() {},
    };
  }
}

/** The program of a function that `make` gives with its arguments. */
export function programOn<A extends Tree[]>(
  caps: Capabilities,
  make: () => { step: (...args: A) => Tree; args: [...A]; donate?: number[] },
): Program {
  const on = new Compiler(caps);
  withExecutor(on, () =>
    scope(() => {
      const { step, args, donate } = make();
      using captured = capture(step, { donate });
      captured(...args);
    }),
  );
  return on.program!;
}
