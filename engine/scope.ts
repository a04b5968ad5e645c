/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Memory scopes: a tensor belongs to the innermost scope that is current when it is made, and is freed when that closes, unless
 * it is returned, kept, or still needed by an open gradient (then it moves to the enclosing scope). What is current ends with
 * the synchronous piece of code: a scope of async code steps aside while its owner waits, so that whatever else runs
 * meanwhile neither gets into it nor is freed with it.
 */
import { abandon, LifetimeError } from "./errors.js";
import { aFlag, aText } from "./kinds.js";
import { unwatch, watchForLeaks } from "./leaks.js";
import { checkedOptions, requireArguments, requireFunction } from "./options.js";
import { isNeeded } from "./record.js";
import type { Tensor } from "./tensor.js";
import { leaves, type Tree } from "./tree.js";

// Some browsers that have WebGPU lack it, and then neither the `using` of this library nor that of its users would run.
(Symbol as { dispose?: symbol }).dispose ??= Symbol("Symbol.dispose");

/** The scopes current in this synchronous piece of code, innermost last. */
const stack: Scope[] = [];

/** Where tensors go that are made outside of all scopes. */
let base: Scope | undefined;

/** An async function's place among the scopes: it waits outside of them and goes on inside. */
export class AsyncPlace {
  /** The scope that the function was called in. */
  readonly #callers: Scope | undefined;
  /** That scope, while this function has put it on the stack: in every piece but the first, which the caller is in himself. */
  #lent: Scope | undefined;
  /** The scopes that the function has open. */
  readonly #own: Scope[] = [];

  /** For `callerScope` and `openScope`. */
  constructor(callers: Scope | undefined) {
    this.#callers = callers;
  }

  /** Opens a scope for a block of the function. */
  open(name = "scope"): Scope {
    const s = new Scope(name, this.#own.at(-1) ?? openOf(this.#callers), this);
    this.#own.push(s);
    stack.push(s);
    afterwards(() => this.#endOfPiece());
    return s;
  }

  /** Waits for a promise outside of the scopes; what is returned must be awaited at once. @throws LifetimeError out of turn. */
  wait<T>(promise: PromiseLike<T> | T): Promise<Awaited<T>> {
    const mine = this.#lent ? [this.#lent, ...this.#own] : this.#own;
    const from = stack.length - mine.length;
    if (mine.some((scope, i) => stack[from + i] !== scope)) {
      if (promise instanceof Promise) abandon(promise);
      throw new LifetimeError(
        `wait: scope "${mine.at(-1)!.name}" is not the current one; call it in the function that opened the scope, once at a time ` +
          "(`await s.wait(Promise.all([...]))`), and await what it returns at once",
      );
    }
    stack.length = from;
    this.#lent = undefined;
    const waited = new Promise<Awaited<T>>((resolve, reject) => {
      // Jobs run in the order they come: first `goOn` below, then whoever awaits, then the look at what he left.
      const settled =
        <X>(settle: (x: X) => void) =>
        (x: X): void => {
          settle(x);
          afterwards(() => this.#endOfPiece());
        };
      Promise.resolve(promise).then(settled(resolve), settled(reject));
    });
    const goOn = (): void => {
      this.#lent = openOf(this.#callers);
      if (this.#lent) stack.push(this.#lent);
      stack.push(...this.#own);
    };
    waited.then(goOn, goOn);
    return waited;
  }

  /** Nothing of the function may be current now, unless it waited without saying so. */
  #endOfPiece(): void {
    if (this.#lent) takeOff(this.#lent);
    this.#lent = undefined;
    for (const scope of this.#own) if (takeOff(scope)) scope.wasHeld = true;
  }

  /** For `close`. */
  left(scope: Scope): void {
    takeOff(scope);
    this.#own.splice(this.#own.indexOf(scope), 1);
  }
}

/** A memory scope that is open; `using` closes it at the end of the block. */
export class Scope implements Disposable {
  readonly tensors = new Set<Tensor>();
  /** Whether it was current beyond a piece of code, where others ran. */
  wasHeld = false;
  readonly #place: AsyncPlace | undefined;
  #isOpen = true;

  /** For `openScope`, `open` and `scope`. */
  constructor(
    readonly name: string,
    readonly parent: Scope | undefined,
    place?: AsyncPlace,
  ) {
    this.#place = place;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Opens a scope inside this one, for a block of the same function: both step aside in the `wait` of either. */
  open(name = "scope"): Scope {
    return this.#placed("open").open(name);
  }

  /** Waits for a promise outside of the scope: `const loss = await s.wait(t.item());`. Await what it returns at once, for the scope is
   *  current again in exactly the piece of code that goes on from there. @throws LifetimeError when it is closed or not current. */
  wait<T>(promise: PromiseLike<T> | T): Promise<Awaited<T>> {
    if (!(this.#isOpen && this.#place) && promise instanceof Promise) abandon(promise);
    return this.#placed("wait").wait(promise);
  }

  #placed(what: string): AsyncPlace {
    this.#requireOpen(what);
    if (!this.#place)
      throw new LifetimeError(`${what}: scope "${this.name}" is current in its run() alone; open one with openScope()`);
    return this.#place;
  }

  /** Runs a synchronous piece of code in the scope, wherever the call comes from: an event handler, a callback. What is made stays until
   *  the scope closes. @throws LifetimeError when it is closed, TypeError when `body` returns a promise. */
  run<T>(body: () => T): T {
    this.#requireOpen("run");
    stack.push(this);
    try {
      return refusePromise("run", body());
    } finally {
      takeOff(this);
    }
  }

  /** Hands tensors of this scope to the enclosing one, or to nobody where there is none: what an async function returns. */
  pass<T extends Tree>(tree: T): T {
    for (const t of leaves(tree)) if (t.owner === this) giveTo(openOf(this.parent), t);
    return tree;
  }

  /** Takes tensors over, kept ones and those of other scopes alike: they are freed with this one. Returns its argument. */
  own<T extends Tree>(tree: T): T {
    this.#requireOpen("own");
    for (const t of leaves(tree)) if (!t.disposed) giveTo(this, t);
    return tree;
  }

  /** Closes the scope; `survivors` and what open gradients need move to the enclosing one.
   *  @throws LifetimeError when the scope was held across an `await` without `wait`: tensors made since are not in it. */
  close(survivors: Iterable<Tensor> = []): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#place) this.#place.left(this);
    else takeOff(this);
    const moving = new Set<Tensor>();
    for (const t of survivors) if (this.tensors.has(t)) moving.add(t);
    for (const t of this.tensors)
      if (isNeeded(t)) {
        moving.add(t);
        for (const x of t.node?.inputs ?? []) if (this.tensors.has(x)) moving.add(x);
      }
    for (const t of [...this.tensors]) {
      if (!moving.has(t)) t.dispose(`the end of scope "${this.name}"`);
      else giveTo(openOf(this.parent), t);
    }
    if (this.wasHeld)
      throw new LifetimeError(
        `scope "${this.name}" was held across an await, where anybody's tensors would get into it; write ` +
          "`await s.wait(promise)` in place of `await promise`, or open it with { enter: false } and give each piece to `s.run(() => ...)`",
      );
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #requireOpen(what: string): void {
    if (!this.#isOpen) throw new LifetimeError(`${what}: scope "${this.name}" is closed; open another`);
  }
}

/** The innermost scope that is still open, from `scope` outwards. */
function openOf(scope: Scope | undefined): Scope | undefined {
  let at = scope;
  while (at && !at.isOpen) at = at.parent;
  return at;
}

function takeOff(scope: Scope): boolean {
  const at = stack.lastIndexOf(scope);
  if (at >= 0) stack.splice(at, 1);
  return at >= 0;
}

/** Runs `body` after the jobs that wait already. */
function afterwards(body: () => void): void {
  void Promise.resolve().then(body);
}

function giveTo(scope: Scope | undefined, t: Tensor): void {
  disown(t);
  t.owner = scope;
  scope?.tensors.add(t);
}

function current(): Scope | undefined {
  return stack.at(-1) ?? base;
}

/** Opens a scope for async code, which ends with `s.close()`, in a `finally`, or by itself where the language has
 *  `using s = openScope("evaluation");`. While the function waits it steps aside: every `await p` is written `await s.wait(p)`, and
 *  blocks inside have `using inner = s.open();`. With `enter: false` it is current in its `run` alone, for what lives as long as
 *  a page or a session does. */
export function openScope(name = "scope", options: { readonly enter?: boolean } = {}): Scope {
  requireArguments("openScope", { name: [name, aText] });
  const { enter = true } = checkedOptions("openScope", options, { enter: aFlag });
  return enter ? new AsyncPlace(current()).open(name) : new Scope(name, current());
}

/** For an async function that leaves what it makes to the scope it was called in: `const here = callerScope();` first, then
 *  `await here.wait(p)` for every `await p`, so that it goes on in that scope, and `using s = here.open();` for blocks of its own. */
export function callerScope(): AsyncPlace {
  return new AsyncPlace(current());
}

/** Runs `body`; frees every tensor made inside except those in its result, which the caller's scope then owns.
 *  @throws TypeError if `body` returns a promise: other work would run inside the scope; use `openScope` there. */
export function scope<T>(body: () => T, name = "scope"): T {
  requireFunction("scope", body, "scope(() => mul(x, y))");
  requireArguments("scope", { name: [name, aText] });
  const s = new Scope(name, current());
  stack.push(s);
  let result: T | undefined;
  try {
    result = body();
    return refusePromise("scope", result);
  } finally {
    s.close(leaves(result as Tree));
  }
}

function refusePromise<T>(what: string, result: T): T {
  if (!(result instanceof Promise)) return result;
  abandon(result);
  throw new TypeError(
    `${what}: the function returned a promise, and other work would run inside the scope; in async code write ` +
      "`const s = openScope(); try { ... await s.wait(promise) ... } finally { s.close(); }`, or in TypeScript `using s = openScope()`",
  );
}

/** Takes tensors out of every scope: they live until `dispose`. Returns its argument. */
export function keep<T extends Tree>(tree: T): T {
  for (const t of leaves(tree)) giveTo(undefined, t);
  return tree;
}

/** Frees every tensor of a tree. */
export function dispose(tree: Tree): void {
  for (const t of leaves(tree)) t.dispose();
}

/** Puts tensors made outside of all scopes into one: for a program, such as a test, that does one thing at a time. */
export function setBaseScope(scope: Scope | undefined): Scope | undefined {
  const previous = base;
  base = scope;
  return previous;
}

export function adopt(t: Tensor): void {
  const s = current();
  t.owner = s;
  if (s) s.tensors.add(t);
  else watchForLeaks(t);
}

export function disown(t: Tensor): void {
  if (t.owner) t.owner.tensors.delete(t);
  else unwatch(t);
  t.owner = undefined;
}
