/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Memory scopes: a tensor belongs to the innermost scope open when it was made, and is freed when that closes, unless it
 * is returned, kept, or still needed by an open gradient (then it moves to the enclosing scope).
 */
import { abandon } from "./errors.js";
import { aText } from "./kinds.js";
import { requireArguments, requireFunction } from "./options.js";
import { isNeeded } from "./record.js";
import type { Tensor } from "./tensor.js";
import { leaves, type Tree } from "./tree.js";

// Some browsers that have WebGPU lack it, and then neither the `using` of this library nor that of its users would run.
(Symbol as { dispose?: symbol }).dispose ??= Symbol("Symbol.dispose");

/** A memory scope that is open; `using` closes it at the end of the block. */
export class Scope implements Disposable {
  readonly tensors = new Set<Tensor>();
  constructor(
    readonly name: string,
    readonly parent: Scope | undefined,
  ) {}

  /** Closes the scope; `survivors` and what open gradients need move to the enclosing one. */
  close(survivors: Iterable<Tensor> = []): void {
    const at = stack.lastIndexOf(this);
    if (at < 0) return;
    // Async code may close scopes out of order; each takes only its own place.
    stack.splice(at, 1);
    const moving = new Set<Tensor>();
    for (const t of survivors) if (this.tensors.has(t)) moving.add(t);
    for (const t of this.tensors)
      if (isNeeded(t)) {
        moving.add(t);
        for (const x of t.node?.inputs ?? []) if (this.tensors.has(x)) moving.add(x);
      }
    for (const t of [...this.tensors]) {
      if (!moving.has(t)) {
        t.dispose(`the end of scope "${this.name}"`);
        continue;
      }
      this.tensors.delete(t);
      t.owner = this.parent;
      this.parent?.tensors.add(t);
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

const stack: Scope[] = [];

/** Opens a scope for async code, which ends with `s.close()`, in a `finally`, or by itself where the language has
 *  `using s = openScope("evaluation");`. */
export function openScope(name = "scope"): Scope {
  requireArguments("openScope", { name: [name, aText] });
  const s = new Scope(name, stack.at(-1));
  stack.push(s);
  return s;
}

/** Runs `body`; frees every tensor made inside except those in its result, which the caller's scope then owns.
 *  @throws TypeError if `body` returns a promise: other work would run inside the scope; use `openScope` there. */
export function scope<T>(body: () => T, name = "scope"): T {
  requireFunction("scope", body, "scope(() => mul(x, y))");
  const s = openScope(name);
  let result: T | undefined;
  try {
    result = body();
    if (result instanceof Promise) {
      abandon(result);
      throw new TypeError(
        "scope: the function returned a promise, and other work would run inside the scope; in async code write " +
          "`const s = openScope(); try { ... } finally { s.close(); }`, or in TypeScript `using s = openScope()`",
      );
    }
    return result;
  } finally {
    s.close(leaves(result as Tree));
  }
}

/** Takes tensors out of every scope: they live until `dispose`. Returns its argument. */
export function keep<T extends Tree>(tree: T): T {
  for (const t of leaves(tree)) {
    t.owner?.tensors.delete(t);
    t.owner = undefined;
  }
  return tree;
}

/** Frees every tensor of a tree. */
export function dispose(tree: Tree): void {
  for (const t of leaves(tree)) t.dispose();
}

export function adopt(t: Tensor): void {
  const s = stack.at(-1);
  t.owner = s;
  s?.tensors.add(t);
}

export function disown(t: Tensor): void {
  t.owner?.tensors.delete(t);
  t.owner = undefined;
}
