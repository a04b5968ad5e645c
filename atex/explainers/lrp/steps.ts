/** What relevance needs to know about the steps of a function before it walks back through them. */
import { add, constant, div, expand, mul, neg, type Step, sameShape, type Tensor } from "../../../engine/index.js";

/** What follows a weighted op up to here: scale · op + offset. */
export interface Merged {
  readonly scale?: Tensor;
  readonly offset?: Tensor;
}

export interface Survey {
  /** The step that made a tensor; undefined for the explained input. */
  maker(t: Tensor): Step | undefined;
  /** The weighted ops. */
  readonly weighted: ReadonlySet<Step>;
  /** Those with none of their kind between them and the explained input. */
  readonly first: ReadonlySet<Step>;
  /** Weighted ops, and what scales, shifts and reshapes them and belongs to them. */
  readonly merged: ReadonlySet<Tensor>;
  /** Tensors without a negative element whatever the input. */
  readonly nonNegative: ReadonlySet<Tensor>;
}

/** Which inputs of a step depend on the explained input. */
export function dependents({ depends }: Step): number[] {
  return depends.flatMap((yes, i) => (yes ? [i] : []));
}

/** Linear in each of two operands, of which the explained input reaches one: matrix products and convolutions with weights. */
function isWeighted(step: Step): boolean {
  return isBilinear(step) && dependents(step).length === 1;
}

export function isBilinear({ pointwise, linearIn }: Step): boolean {
  return !pointwise && linearIn.length === 2;
}

/** y = ±u·k ± k' with constants. */
export function isAffine(step: Step): boolean {
  const [first, ...others] = dependents(step);
  if (others.length > 0) return false;
  return ["add", "sub", "mul", "neg"].includes(step.op) || (step.op === "div" && first === 0);
}

/** Steps that give each element of their input another place, and add none. */
const REARRANGING = new Set(["reshape", "transpose", "flip", "identity"]);

const NON_NEGATIVE = new Set(["relu", "softplus", "sigmoid", "exp", "square", "abs", "softmax", "sqrt"]);

/** Without a negative element where no operand has one. */
const KEEPING = new Set(["add", "mul", "div", "minimum", "max", "min", "sum", "windowSum", "cumsum", "prod"]);

/** `linear` leaves batch norms to themselves: a weighted op takes along its bias only. */
export function survey(steps: readonly Step[], batchNorm: "merged" | "linear"): Survey {
  const made = new Map(steps.map((step) => [step.output, step]));
  const weighted = new Set(steps.filter(isWeighted));
  const first = new Set<Step>();
  const merged = new Set<Tensor>();
  const nonNegative = new Set<Tensor>();
  const deep = new Set<Tensor>();
  for (const step of steps) {
    const from = dependents(step).map((i) => step.inputs[i]);
    const [u] = from;
    if (weighted.has(step)) {
      if (!deep.has(u)) first.add(step);
      merged.add(step.output);
    } else if (merged.has(u) && made.get(u)!.uses === 1 && isMergeable(step, u, batchNorm)) merged.add(step.output);
    if (weighted.has(step) || from.some((t) => deep.has(t))) deep.add(step.output);
    if (hasNoNegative(step, nonNegative)) nonNegative.add(step.output);
  }
  return { maker: (t) => made.get(t), weighted, first, merged, nonNegative };
}

function isMergeable(step: Step, u: Tensor, batchNorm: "merged" | "linear"): boolean {
  if (REARRANGING.has(step.op)) return true;
  if (!isAffine(step) || !sameShape(step.output.shape, u.shape)) return false;
  return batchNorm === "merged" || step.op === "add";
}

/** Whether the result of a step has no negative element, given tensors that have none. */
function hasNoNegative(step: Step, known: ReadonlySet<Tensor>): boolean {
  const { op, inputs, numbers, routes } = step;
  if (NON_NEGATIVE.has(op)) return true;
  const sure = inputs.map((x, i) => known.has(x) || numbers[i]! >= 0);
  switch (op) {
    case "maximum":
      return sure.some(Boolean);
    case "clamp": {
      const { low, high } = step.attrs as { readonly low: number; readonly high: number };
      return low >= 0 || (sure[0] && high >= 0);
    }
    case "place":
      return sure[0] && (step.attrs as { readonly value: number }).value >= 0;
    case "where":
      return sure[1] && sure[2];
    default:
      // Indices are integers.
      return KEEPING.has(op) ? sure.every(Boolean) : routes && inputs.every((x, i) => sure[i] || x.dtype !== "f32");
  }
}

/** What is merged up to the input of a step, given what is merged up to its output. */
export function mergedBefore(step: Step, { scale, offset }: Merged): Merged {
  if (REARRANGING.has(step.op)) {
    // The adjoint of a rearrangement is its inverse.
    const back = (t: Tensor | undefined) => t && step.vjp(expand(t, step.output.shape))[0]!;
    return { scale: back(scale), offset: back(offset) };
  }
  const { factor, shift } = affine(step);
  return {
    scale: scale && factor ? mul(scale, factor) : (scale ?? factor),
    offset: shift ? plus(offset, scale ? mul(scale, shift) : shift) : offset,
  };
}

function plus(a: Tensor | undefined, b: Tensor): Tensor {
  return a ? add(a, b) : b;
}

/** y = factor · u + shift. */
export function affine(step: Step): { readonly factor?: Tensor; readonly shift?: Tensor } {
  const [i] = dependents(step);
  const k = step.inputs[1 - i];
  switch (step.op) {
    case "add":
      return { shift: k };
    case "sub":
      return i === 0 ? { shift: neg(k) } : { factor: constant(-1), shift: k };
    case "neg":
      return { factor: constant(-1) };
    case "mul":
      return { factor: k };
    default:
      return { factor: div(1, k) };
  }
}

/** Whether a tensor is only a factor that normalises others, as 1/σ is in a layer norm. */
export function isNormaliser(t: Tensor, maker: Survey["maker"]): boolean {
  const step = maker(t);
  if (!step) return false;
  const [i, ...others] = dependents(step);
  if (others.length > 0) return false;
  if (step.op === "rsqrt" || step.op === "reciprocal") return true;
  if (step.op === "div" && i === 1) return true;
  if (step.op === "powNumber") return (step.attrs as { readonly exponent: number }).exponent < 0;
  return (step.routes || ["mul", "div", "neg"].includes(step.op)) && isNormaliser(step.inputs[i], maker);
}
