/**
 * Looking inside a function: the ops between x and f(x) with their labels, the tensors at a label, and a walk back with other
 * rules than the derivative's. Works for anything made of ops, whoever wrote it, and what comes out can be differentiated again:
 * rules are made of ops, like derivatives.
 */
import { noGradient, recorded } from "./backward.js";
import { describe, ShapeError } from "./errors.js";
import { requireTensor } from "./kinds.js";
import { isWithin } from "./label.js";
import { apply, type OpSpec, observe } from "./op.js";
import { numberOf } from "./ops/arithmetic.js";
import { sumTo } from "./ops/reduce.js";
import { requireFunction, shown, shownList } from "./options.js";
import type { Node } from "./record.js";
import { sameShape } from "./shape.js";
import { isTensor, type Tensor } from "./tensor.js";

/** One op between x and f(x). */
export interface Step {
  /** Its name: "conv2d", "relu", ... */
  readonly op: string;
  /** Labels open when it ran, joined by dots: "block1.conv2"; "" outside of all. */
  readonly label: string;
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
  readonly attrs: unknown;
  /** Which inputs depend on x; the others are constants, such as weights. */
  readonly depends: readonly boolean[];
  /** What the inputs are that were given as numbers; undefined for others. */
  readonly numbers: readonly (number | undefined)[];
  /** Which inputs change when x does, also by ways that no gradient goes: masks, indices, what stopGradient holds. */
  readonly varies: readonly boolean[];
  /** How often the output is used, as an input of later steps or as the result. */
  readonly uses: number;
  /** One element of the result comes from one element of each input (with broadcasting). */
  readonly pointwise: boolean;
  /** Elements are moved, not computed with: each of the result is one of an input, or a constant. */
  readonly routes: boolean;
  /** Inputs in which the op is linear when the others are held. */
  readonly linearIn: readonly number[];
  /** The op's own derivative: what a cotangent of the output gives each input, null where nothing flows. `inputs` may stand in
   *  for the step's own: `vjp(g, [x, positiveWeights])`. A broadcast input gets a sum over its copies. */
  vjp(g: Tensor, inputs?: readonly Tensor[]): readonly (Tensor | null)[];
  /** The same op, with the same attributes, on other inputs. */
  apply(inputs: readonly Tensor[]): Tensor;
}

/** What a step passes back to its inputs, given what came back to its output: one entry per input, null for nothing; undefined
 *  leaves the step to its derivative. An entry may be larger than its input by broadcasting: it is summed. */
export type Rule = (g: Tensor, step: Step) => readonly (Tensor | null)[] | undefined;

/** A function that was run once, open for looking around. */
export interface Inside {
  /** f(x). */
  readonly output: Tensor;
  /** All steps that lead from x to f(x), in the order in which they ran. */
  readonly steps: readonly Step[];
  /** The result of the last step inside a label, or inside its parts. @throws RangeError naming the labels that there are. */
  at(label: string): Tensor;
  /** Walks back from f(x). Rules see each step once, the last step first. @throws ShapeError unless the cotangent is like f(x). */
  pullback(cotangent: Tensor, rule?: Rule): Pulled;
}

/** What a backward walk brought, as `pullback` of an `Inside` gives it. */
export interface Pulled {
  /** What arrived at x. */
  readonly x: Tensor;
  /** What arrived at a tensor inside, zeros if nothing did. */
  at(t: Tensor): Tensor;
}

/** Runs f on x and lets `use` look inside; gives what `use` gives. An outer gradient records what `use` does with the tensors it
 *  finds. @throws TypeError when f returns no tensor. */
export function inspect<R>(f: (x: Tensor) => Tensor, x: Tensor, use: (inside: Inside) => R): R {
  requireFunction("inspect", f, "inspect((x) => relu(x), x, (inside) => inside.steps)");
  requireTensor("inspect", x);
  requireFunction("inspect", use, "inspect((x) => relu(x), x, (inside) => inside.steps)");
  const touched = new Set<Tensor>();
  return recorded(touching(f, touched), x, (run) => {
    const output = run.output;
    if (!isTensor(output)) throw new TypeError(`inspect: the function must return a tensor, got ${shown(output)}`);
    const between = run.between(output).reverse();
    const uses = countUses(between, output);
    const steps = between.flatMap((t) =>
      t.node?.inputs.some(run.depends) ? [stepOf(t, t.node, uses.get(t)!, run.depends, touched)] : [],
    );
    const stepAt = new Map(steps.map((step) => [step.output, step]));
    return use({
      output,
      steps,
      at(label) {
        const found = steps.findLast((step) => isWithin(step.label, label));
        if (found) return found.output;
        const known = [...new Set(steps.map((step) => step.label))].filter((name) => name !== "");
        throw new RangeError(
          `inspect: nothing is labelled "${label}"; ${known.length > 0 ? `there is ${known.join(", ")}` : "there are no labels; give parts names with label()"}`,
        );
      },
      pullback(cotangent, rule) {
        requireTensor("inspect", cotangent);
        if (!sameShape(cotangent.shape, output.shape))
          throw new ShapeError(
            `inspect: the function returned ${describe(output)}, the cotangent is ${describe(cotangent)}; they need the same shape`,
          );
        const found = run.cotangents(output, cotangent, (g, _, t) => {
          const step = stepAt.get(t)!;
          const parts = rule?.(g, step) ?? step.vjp(g);
          if (!Array.isArray(parts) || parts.length !== step.inputs.length)
            throw new TypeError(
              `inspect: the rule for ${step.op} gave ${shownList(parts)} for ${step.inputs.length} inputs; one each is needed`,
            );
          return parts.map((part) => part && (() => part));
        });
        return {
          x: run.ofArguments(found),
          at: (t) => found.get(t) ?? noGradient(t),
        };
      },
    });
  });
}

function countUses(between: readonly Tensor[], output: Tensor): Map<Tensor, number> {
  const uses = new Map<Tensor, number>([[output, 1]]);
  for (const t of between) for (const x of t.node?.inputs ?? []) uses.set(x, (uses.get(x) ?? 0) + 1);
  return uses;
}

/** f, which leaves behind all that was made from its argument. The bits of gradients end where an op has no derivative; this
 *  goes on. */
function touching(f: (x: Tensor) => Tensor, touched: Set<Tensor>): (x: Tensor) => Tensor {
  return (x) => {
    touched.add(x);
    const previous = observe((y, op, inputs, on) => {
      if (inputs.some((input) => touched.has(input))) touched.add(y);
      previous?.(y, op, inputs, on);
    });
    try {
      return f(x);
    } finally {
      observe(previous);
    }
  };
}

function stepOf(
  output: Tensor,
  node: Node,
  uses: number,
  isDependent: (t: Tensor) => boolean,
  touched: ReadonlySet<Tensor>,
): Step {
  const { inputs, attrs } = node;
  // Attributes differ by op; a node holds those of its own.
  const op = node.op as unknown as OpSpec<unknown>;
  const depends = inputs.map(isDependent);
  return {
    op: op.name,
    label: node.label,
    inputs,
    output,
    attrs,
    depends,
    numbers: inputs.map(numberOf),
    varies: inputs.map((t) => touched.has(t)),
    uses,
    pointwise: op.expression !== undefined,
    routes: op.routes === true,
    linearIn: op.linearIn ?? [],
    apply: (others) => apply(op, others, attrs),
    vjp(g, others = inputs) {
      const context = {
        inputs: others,
        attrs,
        // Few rules need the result, so it is made when one asks.
        get output() {
          return others === inputs ? output : apply(op, others, attrs);
        },
      };
      const rules = op.vjp!(g, context);
      return rules.map((rule, i) => (rule && depends[i] ? sumTo(rule(), others[i].shape) : null));
    },
  };
}
