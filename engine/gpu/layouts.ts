/** Bind group layouts: one for all kernels that read and write as many buffers. Some hundred descriptor sets may be made for each. */
import type { Binding, ParamLayout } from "../../shaders/kernel.js";
import { slotBytes, slotsOf } from "./binding.js";
import type { Device } from "./device.js";
import { computeStage } from "./flags.js";

/** A bind group layout shared by all pipelines with the same bindings. */
export interface SharedLayout {
  readonly id: number;
  readonly layout: GPUBindGroupLayout;
}

/** What a kernel's text declares. */
export interface Declared {
  readonly wgsl: string;
  readonly bindings: readonly Binding[];
  readonly params: ParamLayout | undefined;
}

const mark = "@binding(";

/** The kernel with its bindings numbered without gaps: those it reads, those it writes, the parameters. */
export function renumbered({ wgsl, bindings, params }: Declared): Declared {
  const rank = ({ access }: Binding): number => (access === "read" ? 0 : 1);
  const ordered = [...bindings].sort((a, b) => rank(a) - rank(b) || a.binding - b.binding);
  const numbers = new Map([...ordered, ...(params ? [params] : [])].map(({ binding }, i) => [binding, i]));
  const [head, ...parts] = wgsl.split(mark);
  const declared = parts.map((part) => {
    const end = part.indexOf(")");
    const old = part.slice(0, end);
    return mark + (numbers.get(Number(old)) ?? old) + part.slice(end);
  });
  return {
    wgsl: head + declared.join(""),
    bindings: ordered.map((b, binding) => ({ ...b, binding })),
    params: params && { ...params, binding: ordered.length },
  };
}

export class Layouts {
  readonly #all = new Map<string, SharedLayout>();

  constructor(readonly device: Device) {}

  /** For a kernel that is numbered without gaps. */
  get(name: string, { bindings, params }: Declared): SharedLayout {
    // Whole slots, so that kernels whose parameters take more or fewer bytes share it.
    const bytes = slotBytes * slotsOf({ params });
    const key = `${bindings.map(({ access }) => access)},${bytes}`;
    let shared = this.#all.get(key);
    if (!shared) {
      const entry = (binding: number, buffer: GPUBufferBindingLayout): GPUBindGroupLayoutEntry => ({
        ...{ binding, visibility: computeStage, buffer },
      });
      const entries = bindings.map(({ binding, access }) =>
        entry(binding, { type: access === "read" ? "read-only-storage" : "storage" }),
      );
      if (params)
        entries.push(entry(params.binding, { type: "uniform", hasDynamicOffset: true, minBindingSize: bytes }));
      const layout = this.device.watch(["validation"], () =>
        this.device.gpu.createBindGroupLayout({ label: name, entries }),
      );
      shared = { id: this.#all.size, layout };
      this.#all.set(key, shared);
    }
    return shared;
  }
}
