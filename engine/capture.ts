/**
 * Capture of a whole step: the function runs once on symbols, which gives a graph; the graph is simplified, planned and
 * prepared once; each call then only replays it. A JavaScript number in the function is part of the graph: what varies
 * from call to call must be a tensor.
 */

import { collectTensors, difference, recordArguments } from "./arguments.js";
import { abandon, CaptureError, describe } from "./errors.js";
import { type Executor, executor, type Plan, type Value, withExecutor } from "./executor.js";
import { hoist } from "./graph/hoist.js";
import { interpret } from "./graph/interpret.js";
import { unpackLate } from "./graph/late.js";
import { scaleWeights } from "./graph/scale.js";
import { shareCommon, simplify } from "./graph/simplify.js";
import { aFlag, aNatural } from "./kinds.js";
import { isObserved, isSubstituting } from "./op.js";
import { checkedOptions, isList, requireFunction, shown, shownList } from "./options.js";
import { isNeeded, isRecorded } from "./record.js";
import { openScope, scope } from "./scope.js";
import { Tensor } from "./tensor.js";
import { type Graph, type GraphNode, type InputNode, inputNode, Tracer } from "./trace.js";
import { entries, isPlainObject, leaves, mapTree, type Tree } from "./tree.js";
import { type Readings, readTree, verifyStep } from "./verify.js";

/** What a captured step may do with its arguments and its ops. */
export interface CaptureOptions {
  /** Positions of arguments whose tensors each call consumes. Outputs of the same shape and dtype take over their
   *  storage, by name where trees have one: parameters and optimiser state are updated in place. */
  readonly donate?: readonly number[];
  /** Join ops into fewer kernels; default true. Each op rounds there as it does alone and hands on NaN, infinities and errors of
   *  rounding, because its result is hidden from the driver's compiler, which would simplify `(x + c) - c` and `x - x`. Sums of at
   *  most 16 elements are taken in another order, and convolutions with windows that the step closes over may run by other kernels and have
   *  factors of their channels multiplied into the windows, so results equal the uncaptured function's to rounding; without `fuse` to the bit. */
  readonly fuse?: boolean;
}

/** A captured function. Call it like the function itself. */
export interface Captured<A extends Tree[], R> {
  (...args: A): R;
  /** Records the function for arguments like these, and compiles its kernels beside whatever else the thread does, so that the first call
   *  holds up nobody. Runs nothing and consumes nothing. Where the function is recorded already it does nothing.
   *  @throws CaptureError as the call would. */
  prepare(...args: A): Promise<void>;
  /** How often the function has been recorded: 0 before the first call, then 1. */
  readonly recordings: number;
  /** What runs: launches with shapes and buffers, memory against the lower bound; with `source`, the generated kernels.
   *  @throws CaptureError before the first call. */
  describe(options?: { readonly source?: boolean }): string;
  /** Runs function and replay on the same arguments, consuming none, and compares: to the bit without `fuse`, else to 2e-3
   *  of each output's largest element.
   *  @throws CaptureError naming the first output that differs, and whether the function, what it closes over, fusion or the plan
   *  is the reason: the function is run again and captured anew, with and without `fuse`. */
  verify(...args: A): Promise<void>;
  /** Frees the plan's buffers. Results stay valid. */
  dispose(): void;
  [Symbol.dispose](): void;
}

interface Recording {
  readonly on: Executor;
  readonly tracer: Tracer;
  readonly plan: Plan;
  readonly args: Tree;
  /** Whether each tensor of the arguments is given up. */
  readonly donated: readonly boolean[];
  /** The result with places among the outputs for tensors. */
  readonly result: Tree;
}

/** `capture(fn)` is `fn`, recorded at the first call and replayed from then on, without host work per op. Arguments are trees
 *  of tensors and plain values; plain values, shapes and structure are fixed by the first call, and so are tensors that `fn`
 *  closes over: what depends on them alone is computed once. Weights that are arguments are packed once while they are the same tensors.
 *  @throws CaptureError when called with others, when `fn` reads a value or runs no op. */
export function capture<A extends Tree[], R extends Tree>(
  fn: (...args: A) => R,
  options: CaptureOptions = {},
): Captured<A, R> {
  requireFunction("capture", fn, "capture((x) => sum(x))");
  const { donate = [], fuse = true } = checkedOptions("capture", options, ["donate", "fuse"]);
  if (!aFlag.fits(fuse)) throw new TypeError(`capture: fuse is ${shown(fuse)}; true or false is needed`);
  if (!isList(donate) || !donate.every((i) => aNatural.fits(i)))
    throw new TypeError(
      `capture: donate is ${shownList(donate)}; a list of positions of arguments is needed, like [0]`,
    );
  const name = fn.name || "step";
  let recording: Recording | undefined;
  let recordings = 0;
  let disposed = false;

  /** The recording, made at the first call; `given` gets the tensors of the arguments. */
  const current = (args: A, given: Tensor[]): Recording => {
    if (disposed) throw new CaptureError(`capture: step "${name}" was disposed; capture it again`);
    if (!recording) {
      checkCall(name, args, donate);
      recording = recordStep(name, fn, args, donate, fuse);
      recordings++;
    }
    const { on, args: recorded, donated } = recording;
    const fits = collectTensors(recorded, args, given);
    if (!fits || !areUsable(given, donated)) checkCall(name, args, donate);
    if (executor() !== on)
      throw new CaptureError(
        `capture: step "${name}" was captured on ${on.description}, ops now run on ${executor().description}; ` +
          `capture another for it`,
      );
    const found = fits ? undefined : difference(recorded, args);
    if (found)
      throw new CaptureError(
        `capture: argument ${found.path} was ${found.recorded} at capture, now ${found.given}; ` +
          `${found.hint} or capture a second step`,
      );
    return recording;
  };

  const prepare = async (...args: A): Promise<void> => {
    const on = executor();
    if (recording || disposed || on.kind === "trace" || isObserved() || isSubstituting()) return;
    checkCall(name, args, donate);
    const traced = traceStep(name, fn, args, donate, fuse);
    try {
      const plan = await (on.prepareAside?.(traced.graph, { fuse }) ?? interpret(traced.graph, on));
      // Somebody may have called, or given up, meanwhile.
      if (recording || disposed) {
        plan.dispose();
        traced.tracer.releaseConstants();
        return;
      }
      recording = { ...traced, plan };
      recordings++;
    } catch (error) {
      traced.tracer.releaseConstants();
      throw error;
    }
  };

  const [reading, origin, donation] = [`capture "${name}"`, `step "${name}"`, `donation to step "${name}"`];

  const replay = (args: A): R => {
    const given: Tensor[] = [];
    const { on, plan, result, donated } = current(args, given);
    const values = given.map((t) => t.valueOn(on, reading));
    const outputs = plan.run(values).map((value) => new Tensor(on, value, origin));
    for (let i = 0; i < given.length; i++) if (donated[i]) given[i].dispose(donation);
    return fill(result, outputs);
  };

  const step = (...args: A): R => {
    // Inside another capture the function becomes part of that graph; in anomaly mode every op has to be seen, and one that another
    // stands in for has to be asked.
    if (executor().kind !== "trace" && !isObserved() && !isSubstituting()) return replay(args);
    const result = scope(() => fn(...args), name);
    for (const i of donate) for (const t of leaves(args[i])) t.dispose(donation);
    return result;
  };

  const verify = async (...args: A): Promise<void> => {
    const inScope = async (run: () => Tree): Promise<Readings> => {
      using here = openScope("verify");
      return await here.wait(readTree(run()));
    };
    await verifyStep(name, fuse, {
      eager: () => inScope(() => fn(...args)),
      replay: () => inScope(() => replay(args.map((a, i) => (donate.includes(i) ? mapTree(a, handle) : a)) as A)),
      async recorded(fuse) {
        using here = openScope("verify");
        const { on, plan, tracer, result } = recordStep(name, fn, args, [], fuse);
        try {
          const outputs = plan.run(leaves(args).map((t) => t.valueOn(on, reading)));
          const filled = fill(
            result,
            outputs.map((value) => new Tensor(on, value, origin)),
          );
          return await here.wait(readTree(filled));
        } finally {
          plan.dispose();
          tracer.releaseConstants();
        }
      },
    });
  };

  const dispose = (): void => {
    disposed = true;
    recording?.plan.dispose();
    recording?.tracer.releaseConstants();
    recording = undefined;
  };

  const describePlan: Captured<A, R>["describe"] = (options) => {
    if (!recording) throw new CaptureError(`describe: step "${name}" has no plan now; call it first`);
    return recording.plan.describe(options);
  };

  Object.defineProperty(step, "recordings", { get: () => recordings });
  return Object.assign(step, {
    prepare,
    describe: describePlan,
    verify,
    dispose,
    [Symbol.dispose]: dispose,
  }) as Captured<A, R>;
}

/** Refuses calls that could only give a wrong answer, whatever was recorded. */
function checkCall(name: string, args: Tree[], donate: readonly number[]): void {
  for (const i of donate)
    if (!(i in args))
      throw new CaptureError(`capture: step "${name}" donates argument ${i}, but was given ${args.length}`);
  const seen = new Map<Tensor, string>();
  const given = new Set(donate.flatMap((i) => leaves(args[i])));
  for (const [path, t] of entries(args)) {
    if (isRecorded(t))
      throw new CaptureError(
        `capture: argument ${path} of step "${name}" is being differentiated, and a replay has no gradient; ` +
          `take the gradient inside the captured function, or wrap the call in stopGradient`,
      );
    const before = seen.get(t);
    if (before !== undefined && given.has(t))
      throw new CaptureError(
        `capture: arguments ${before} and ${path} of step "${name}" are one tensor, ${describe(t)}, and it is donated; ` +
          `a donated tensor may be passed once`,
      );
    seen.set(t, path);
  }
}

/** Whether `checkCall` has nothing against these tensors; cheap, since every replay asks. */
function areUsable(given: readonly Tensor[], donated: readonly boolean[]): boolean {
  const givenUp = new Set<Tensor>();
  for (let i = 0; i < given.length; i++) {
    if (isRecorded(given[i])) return false;
    if (!donated[i]) continue;
    if (givenUp.has(given[i])) return false;
    givenUp.add(given[i]);
  }
  if (givenUp.size === 0) return true;
  for (let i = 0; i < given.length; i++) if (!donated[i] && givenUp.has(given[i])) return false;
  return true;
}

/** Which output of the plan stands at a place of the result. */
class Place {
  constructor(readonly output: number) {}
}

/** The result of a replay. */
function fill(result: Tree, outputs: readonly Tensor[]): Tree {
  if (result instanceof Place) return outputs[result.output];
  if (isList(result)) return result.map((part) => fill(part, outputs));
  if (!isPlainObject(result)) return result;
  const filled: Record<string, Tree> = {};
  for (const key of Object.keys(result)) filled[key] = fill(result[key], outputs);
  return filled;
}

function recordStep(...[name, fn, args, donate, fuse]: Parameters<typeof traceStep>): Recording {
  const traced = traceStep(name, fn, args, donate, fuse);
  try {
    const { on, graph } = traced;
    return { ...traced, plan: on.prepare?.(graph, { fuse }) ?? interpret(graph, on) };
  } catch (error) {
    traced.tracer.releaseConstants();
    throw error;
  }
}

/** A step that is written down and not planned yet. */
interface Traced extends Omit<Recording, "plan"> {
  readonly graph: Graph;
}

function traceStep(
  name: string,
  fn: (...args: never[]) => Tree,
  args: Tree[],
  donate: readonly number[],
  fuse: boolean,
): Traced {
  const on = executor();
  const tracer = new Tracer(on);
  try {
    const inputs: InputNode[] = [];
    const outputs: GraphNode[] = [];
    const outputPaths: string[] = [];
    const outputOf = new Map<Tensor, number>();
    let result: Tree;
    withExecutor(tracer, () =>
      scope(() => {
        const symbols = new Map<string, Tensor>();
        for (const [path, t] of entries(args)) {
          const node = inputNode(t, path, donate.includes(Number.parseInt(path, 10)));
          inputs.push(node);
          symbols.set(path, new Tensor(tracer, node, `argument ${path}`));
        }
        result = fn(...(mapTree(args, (_, path) => symbols.get(path)!) as never[]));
        if (result instanceof Promise) {
          abandon(result);
          throw new TypeError(`capture: function "${name}" returned a promise; capture only what needs no waiting`);
        }
        for (const [path, t] of entries(result)) {
          if (outputOf.has(t)) continue;
          if (isNeeded(t))
            throw new CaptureError(
              `capture: step "${name}" closes over a tensor that is being differentiated outside; pass it as an ` +
                `argument and take the gradient inside, or detach it with stopGradient`,
            );
          outputOf.set(t, outputs.push(t.valueOn(tracer, `capture "${name}"`) as GraphNode) - 1);
          outputPaths.push(path);
        }
      }, "capture"),
    );
    if (tracer.opCount === 0)
      throw new CaptureError(`capture: function "${name}" ran no op; compute with tensors that are arguments`);
    const shared = shareCommon({ inputs, outputs, outputPaths });
    const graph = unpackLate(fuse ? shareCommon(hoist(scaleWeights(simplify(shared)), tracer, on)) : shared);
    const places = mapTree(result, (t) => new Place(outputOf.get(t)!));
    const donated = inputs.map((node) => node.donated);
    return { on, tracer, graph, args: recordArguments(args), donated, result: places };
  } catch (error) {
    tracer.releaseConstants();
    throw error;
  }
}

/** A second handle of the same elements, for a call that consumes it. */
function handle(t: Tensor): Tensor {
  const on = t.executor;
  const value: Value = t.valueOn(on, "verify");
  on.retain(value);
  return new Tensor(on, value, t.origin);
}
