/** Kernels made of others by a text that takes the place of a hook. */
import type { Kernel } from "../../shaders/kernel.js";

/** By the kernel that has the hook, and the text, so that equal ones share a pipeline. */
export class DerivedKernels {
  readonly #known = new WeakMap<Kernel, Map<string, Kernel>>();

  /** The kernel of `file` with `text`, made by `make` where there is none. */
  get(file: Kernel, text: string, make: () => Kernel): Kernel {
    let known = this.#known.get(file);
    if (!known) {
      known = new Map();
      this.#known.set(file, known);
    }
    let kernel = known.get(text);
    if (!kernel) {
      kernel = make();
      known.set(text, kernel);
    }
    return kernel;
  }
}
