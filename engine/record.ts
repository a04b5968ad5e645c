/**
 * What is remembered for differentiation. Each open gradient scope owns one bit; a tensor carries the bits of the scopes
 * whose leaves it depends on; a node is kept only while some bit is active. The backward pass of a scope runs with only
 * the outer scopes' bits active, so it is itself recorded exactly when somebody outside will differentiate it. There is
 * no tape and no global mode: parents are pointers.
 */
import { currentLabel } from "./label.js";
import type { OpSpec } from "./op.js";
import { isFloat } from "./options.js";
import type { Tensor } from "./tensor.js";

/** How a tensor was made. */
export interface Node {
  readonly op: OpSpec<never>;
  readonly inputs: readonly Tensor[];
  readonly attrs: unknown;
  /** Labels open when it was made (see label.ts). */
  readonly label: string;
}

let activeBits = 0;
let allocatedBits = 0;
/** Tensors that carry each open bit, so that closing the scope can clear it. */
const carriers = new Map<number, Tensor[]>();

/** Records `y` if some active gradient scope depends on its inputs and the op has a rule. */
export function record<A>(y: Tensor, op: OpSpec<A>, inputs: readonly Tensor[], attrs: A): void {
  if (activeBits === 0 || op.vjp === null || !isFloat(y.dtype)) return;
  let bits = 0;
  for (const x of inputs) bits |= x.bits;
  bits &= activeBits;
  if (bits === 0) return;
  y.node = { op: op as unknown as OpSpec<never>, inputs, attrs, label: currentLabel() };
  mark(y, bits);
}

/** Adds bits to a tensor: a leaf's own bit, or those of a recorded result. */
export function mark(t: Tensor, bits: number): void {
  t.bits |= bits;
  for (const [bit, list] of carriers) if (bits & bit) list.push(t);
}

/** Opens a gradient scope and returns its bit. @throws RangeError at the 32nd nesting level. */
export function openGradient(): number {
  for (let i = 0; i < 31; i++) {
    const bit = 1 << i;
    if (allocatedBits & bit) continue;
    allocatedBits |= bit;
    activeBits |= bit;
    carriers.set(bit, []);
    return bit;
  }
  throw new RangeError("grad: 31 nested gradients are the limit");
}

/** Closes a gradient scope: its bit is cleared everywhere and nodes nobody else needs are dropped. */
export function closeGradient(bit: number): void {
  for (const t of carriers.get(bit)!) {
    t.bits &= ~bit;
    if (t.bits === 0) t.node = undefined;
  }
  carriers.delete(bit);
  allocatedBits &= ~bit;
  activeBits &= ~bit;
}

/** Runs `body` with only the bits in `mask` recording. */
export function withBits<T>(mask: number, body: () => T): T {
  const previous = activeBits;
  activeBits &= mask;
  try {
    return body();
  } finally {
    activeBits = previous;
  }
}

/** Whether ops on `t` are being recorded now. */
export function isRecorded(t: Tensor): boolean {
  return (t.bits & activeBits) !== 0;
}

/** Whether `t` will be needed by a gradient scope that is still open. */
export function isNeeded(t: Tensor): boolean {
  return (t.bits & allocatedBits) !== 0;
}
