/** Kernels made of others by a text that takes the place of a hook, and what that text binds. */
import { type Binding, type Kernel, originLine } from "../../shaders/kernel.js";
import { libraryFor } from "../expression.js";
import type { Operand } from "../lower.js";

/** Names of the bindings that operands are read from: a buffer has one, and another where it is read as vectors besides. */
export function sourcesOf(
  prefix: string,
  operands: readonly (Operand | undefined)[],
  isVector: (at: number) => boolean,
): string[] {
  return operands.map(
    (x, i) => `${prefix}${operands.findIndex((o, j) => o?.buffer === x?.buffer && isVector(j) === isVector(i))}`,
  );
}

/** The bindings of these names, numbered from `first` on. */
export function bindingsOf(
  bind: Readonly<Record<string, Operand>>,
  first: number,
  isWritten: (name: string) => boolean = () => false,
): Binding[] {
  return Object.entries(bind).map(([name, { dtype }], i) => ({
    ...{ name, binding: first + i, scalar: dtype },
    access: isWritten(name) ? "read_write" : "read",
  }));
}

/** Lines generated for a kernel, with what their expressions use of lib/scalar.wgsl and it lacks, and what it has of that then. */
export function generatedFor(
  file: Kernel,
  name: string,
  expressions: readonly string[],
  lines: readonly string[],
): { text: string; scalarFunctions: readonly string[] } {
  const there = file.scalarFunctions ?? [];
  const added = libraryFor(expressions, there);
  return {
    text: `${added.text}${originLine(`generated:${name}`, 1)}${lines.join("\n")}\n`,
    scalarFunctions: [...there, ...added.names],
  };
}

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
