/** Passes over the launches of a captured program, for what ops do before their main kernel: packed weights, copies into
 *  another layout. Ops are shared and hoisted in the graph; these launches exist only once ops are lowered. */
import { type Launch, mostKeptElements, type Operand } from "../lower.js";
import { sizeOf } from "../shape.js";
import { keyOf } from "./simplify.js";

/** What a launch does to memory. Every buffer it writes counts as written whole. */
interface Effect {
  readonly call: Launch;
  readonly reads: readonly Operand[];
  readonly writes: readonly Operand[];
}

function effectOf(call: Launch): Effect {
  const writable = call.kernel.bindings.filter(({ access }) => access === "read_write");
  const names = new Set(writable.map(({ name }) => name));
  const operands = Object.entries(call.bind);
  return {
    call,
    reads: operands.filter(([name]) => !names.has(name)).map(([, x]) => x),
    writes: operands.filter(([name]) => names.has(name)).map(([, x]) => x),
  };
}

/** The effects of launches, and whether all that one writes is `scratch` that no other launch writes: then it depends on
 *  nothing but what it reads. */
function study(
  launches: readonly Launch[],
  isScratch: (buffer: unknown) => boolean,
): { effects: Effect[]; isPure: (effect: Effect) => boolean } {
  const effects = launches.map(effectOf);
  const writers = new Map<unknown, number>();
  for (const { writes } of effects)
    for (const { buffer } of writes) writers.set(buffer, (writers.get(buffer) ?? 0) + 1);
  const isPure = ({ writes }: Effect): boolean =>
    writes.every(({ buffer }) => isScratch(buffer) && writers.get(buffer) === 1);
  return { effects, isPure };
}

/** Launches that do the same to the same contents become one; `standsFor` names the buffer in place of one that is gone. */
export function shareLaunches(
  launches: readonly Launch[],
  isScratch: (buffer: unknown) => boolean,
): { launches: Launch[]; standsFor: ReadonlyMap<unknown, unknown> } {
  const { effects, isPure } = study(launches, isScratch);
  /** How often a buffer has been written. */
  const versions = new Map<unknown, number>();
  const standsFor = new Map<unknown, unknown>();
  const known = new Map<string, Effect>();
  /** Equal kernels are one: both files and what was generated are made once. */
  const kernels = new Map<Launch["kernel"], number>();
  const numberOf = (kernel: Launch["kernel"]): number => {
    if (!kernels.has(kernel)) kernels.set(kernel, kernels.size);
    return kernels.get(kernel)!;
  };
  const kept: Launch[] = [];
  for (const effect of effects) {
    const { call, reads, writes } = effect;
    const bind = Object.fromEntries(
      Object.entries(call.bind).map(([name, x]) => [name, { ...x, buffer: standsFor.get(x.buffer) ?? x.buffer }]),
    );
    if (isPure(effect)) {
      const contents = reads.map(({ buffer }) => {
        const now = standsFor.get(buffer) ?? buffer;
        return [now, versions.get(now) ?? 0];
      });
      const key = keyOf([numberOf(call.kernel), call.params, call.spec, call.grid, Object.keys(bind), contents]);
      const same = known.get(key);
      if (same) {
        for (const [i, { buffer }] of writes.entries()) standsFor.set(buffer, same.writes[i].buffer);
        continue;
      }
      known.set(key, effect);
    }
    for (const { buffer } of writes) versions.set(buffer, (versions.get(buffer) ?? 0) + 1);
    kept.push({ ...call, bind });
  }
  return { launches: kept, standsFor };
}

/** Results kept between replays hold memory that a plan could share. Free are those of at most so many elements, or of this multiple of what
 *  they are made from; larger ones, up to `mostKeptElements`, are kept while together they are no more than all that is fixed. */
const fewElements = 2 ** 16;
const maxGrowth = 3;

/** Splits off the launches that reach nothing but what is `fixed` in all replays; they need to run once. What they write is
 *  fixed from then on. Only those that are `worth` it. */
export function hoistLaunches(
  launches: readonly Launch[],
  isFixed: (buffer: unknown) => boolean,
  isScratch: (buffer: unknown) => boolean,
  isWorth: (call: Launch) => boolean = () => true,
): { once: Launch[]; launches: Launch[]; fixed: ReadonlySet<unknown> } {
  const { effects, isPure } = study(launches, isScratch);
  const fixed = new Set<unknown>();
  const once: Launch[] = [];
  const rest: Launch[] = [];
  const elements = (operands: readonly Operand[]): number => operands.reduce((sum, x) => sum + sizeOf(x.shape), 0);
  const given = new Map(
    effects.flatMap(({ reads }) => reads.filter((x) => isFixed(x.buffer)).map((x) => [x.buffer, x])),
  );
  let room = elements([...given.values()]);
  const mayKeep = (made: number, from: number): boolean => {
    if (made <= Math.max(fewElements, maxGrowth * from)) return true;
    if (made > Math.min(mostKeptElements, room)) return false;
    room -= made;
    return true;
  };
  for (const effect of effects) {
    const { call, reads, writes } = effect;
    // Who stores halves wants the memory: nothing that is made of them is kept.
    const isSame =
      isWorth(call) &&
      isPure(effect) &&
      reads.every(({ buffer, dtype }) => dtype !== "f16" && (isFixed(buffer) || fixed.has(buffer)));
    if (!isSame || !mayKeep(elements(writes), elements(reads))) {
      rest.push(call);
      continue;
    }
    for (const { buffer } of writes) fixed.add(buffer);
    once.push(call);
  }
  return { once, launches: rest, fixed };
}
