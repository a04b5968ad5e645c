/** Compute pipelines, made on first use and found again by a key derived from everything they depend on. */
import { type Binding, originOf, type ParamLayout, type Variant, variantOf } from "../../shaders/kernel.js";
import { DeviceError } from "../errors.js";
import type { Launch } from "../lower.js";
import { others } from "../turns.js";
import type { Device } from "./device.js";
import { Layouts, renumbered, type SharedLayout } from "./layouts.js";

export interface Pipeline {
  readonly name: string;
  readonly pipeline: GPUComputePipeline;
  readonly shared: SharedLayout;
  /** Storage bindings, in the order of their numbers. */
  readonly storage: readonly Binding[];
  /** The uniform block, when the kernel takes parameters. */
  readonly params: ParamLayout | undefined;
}

export class Pipelines {
  /** By kernel, then by variant. */
  readonly #byKernel = new Map<Launch["kernel"], Map<string, Pipeline>>();
  #size = 0;
  readonly #layouts: Layouts;

  constructor(readonly device: Device) {
    this.#layouts = new Layouts(device);
  }

  /** Pipelines made so far. */
  get size(): number {
    return this.#size;
  }

  /** @throws Error for an unknown name in `spec`. WGSL errors surface at the next read. */
  get(launch: Launch): Pipeline {
    return this.#byKernel.get(launch.kernel)?.get(variantKey(launch)) ?? this.#add(launch, this.#create(launch));
  }

  /** The first launch of each pipeline that is not made yet. */
  missing(launches: readonly Launch[]): Launch[] {
    const seen = new Map<Launch["kernel"], Set<string>>();
    return launches.filter((launch) => {
      const { kernel } = launch;
      const key = variantKey(launch);
      const keys = seen.get(kernel) ?? new Set();
      if (keys.has(key) || this.#byKernel.get(kernel)?.has(key)) return false;
      seen.set(kernel, keys.add(key));
      return true;
    });
  }

  #create(launch: Launch): Pipeline {
    this.device.assertAlive();
    const { wgsl, constants, parts } = this.#written(launch);
    const { name, shared } = parts;
    const { gpu } = this.device;
    let module: GPUShaderModule | undefined;
    const explain = async (error: DeviceError): Promise<DeviceError> => compileError(name, wgsl, module!, error);
    const pipeline = this.device.watch(
      ["validation"],
      () => {
        module = gpu.createShaderModule({ label: name, code: wgsl });
        return gpu.createComputePipeline({
          label: name,
          layout: gpu.createPipelineLayout({ bindGroupLayouts: [shared.layout] }),
          compute: { module, constants },
        });
      },
      explain,
    );
    return { ...parts, pipeline };
  }

  /** What a launch's pipeline is made of. */
  #written(launch: Launch) {
    const { name, params } = launch.kernel;
    const { wgsl, constants, bindings } = variantOfLaunch(launch);
    const declared = renumbered({ wgsl, bindings, params });
    const shared = this.#layouts.get(name, declared);
    const parts = { name, shared, storage: declared.bindings, params: declared.params };
    return { wgsl: declared.wgsl, constants, parts };
  }

  /** Makes the pipelines of launches to come while the caller's thread is free. One that cannot be made is left to `get`, which says why. */
  async makeAside(launches: readonly Launch[]): Promise<void> {
    const { gpu } = this.device;
    const making: Promise<void>[] = [];
    for (const launch of this.missing(launches)) {
      this.device.assertAlive();
      const { wgsl, constants, parts } = this.#written(launch);
      const { name, shared } = parts;
      gpu.pushErrorScope("validation");
      const made = gpu.createComputePipelineAsync({
        label: name,
        layout: gpu.createPipelineLayout({ bindGroupLayouts: [shared.layout] }),
        compute: { module: gpu.createShaderModule({ label: name, code: wgsl }), constants },
      });
      void gpu.popErrorScope().catch(() => {});
      making.push(
        made.then(
          (pipeline) => void this.#add(launch, { ...parts, pipeline }),
          () => {},
        ),
      );
      // A module is read at once, which takes milliseconds.
      await others();
    }
    await Promise.all(making);
    this.device.assertAlive();
  }

  #add(launch: Launch, made: Pipeline): Pipeline {
    const { kernel } = launch;
    const variants = this.#byKernel.get(kernel) ?? new Map<string, Pipeline>();
    this.#byKernel.set(kernel, variants);
    const key = variantKey(launch);
    const known = variants.get(key);
    if (known) return known;
    variants.set(key, made);
    this.#size++;
    return made;
  }
}

/** The text and the constants of a launch's pipeline. */
export function variantOfLaunch({ kernel, spec, bake, params }: Launch): Variant {
  return variantOf(kernel, spec, bake ? params : undefined);
}

/** The values given to a source's constants and flags, in an order of their own, and the parameters that are part of the text. */
function variantKey({ spec = {}, bake, params }: Launch): string {
  const values = Object.keys(spec)
    .sort()
    .map((name) => `${name}=${spec[name]}`)
    .join();
  return bake ? `${values}|${JSON.stringify(params)}` : values;
}

/** The compiler's first error with its file, line and an excerpt. */
async function compileError(
  name: string,
  wgsl: string,
  module: GPUShaderModule,
  error: DeviceError,
): Promise<DeviceError> {
  const { messages } = await module.getCompilationInfo();
  const first = messages.find((m) => m.type === "error");
  if (!first) return new DeviceError(`shader ${name}: no pipeline: ${error.message}`);
  const { file, line } = originOf(wgsl, first.lineNum);
  const where = file.startsWith("generated:") ? file : `shaders/${file}`;
  return new DeviceError(
    `shader ${name} does not compile: ${where}:${line}:${first.linePos}: ${first.message}\n${excerpt(wgsl, first.lineNum)}`,
  );
}

/** The lines around `line`, numbered as in their files. */
function excerpt(wgsl: string, line: number): string {
  const lines = wgsl.split("\n");
  const out: string[] = [];
  for (let i = Math.max(1, line - 3); i <= Math.min(lines.length, line + 3); i++)
    if (!lines[i - 1].startsWith("//@origin"))
      out.push(`${i === line ? ">" : " "}${String(originOf(wgsl, i).line).padStart(5)} | ${lines[i - 1]}`);
  return out.join("\n");
}
