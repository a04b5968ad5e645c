/** From an op to kernel calls. Pure but for the allocator it is given; eager execution and capture both use it. */
import { type Capabilities, type DType, type Launch, type Operand, type TensorSpec, wordsOf } from "../lower.js";
import type { OpSpec } from "../op.js";
import { contiguousStrides, isContiguous, sizeOf } from "../shape.js";
import { pointwise } from "./codegen.js";

/** Who runs the calls: what its adapter can do, and where its tensors come from. */
export interface LoweringHost {
  readonly caps: Capabilities;
  /** A contiguous tensor in a buffer of its own, padded to 16 bytes. */
  allocate(spec: TensorSpec, what: string): Operand;
}

export interface Lowering {
  readonly calls: readonly Launch[];
  /** In a buffer of its own, or for a view in that of the input (or of a contiguous copy). All else that was allocated
   *  is done with after the last call. */
  readonly output: Operand;
}

/** Lowers one op whose shapes are validated. */
export function lowerOp(
  op: OpSpec<never>,
  inputs: readonly Operand[],
  attrs: unknown,
  output: TensorSpec,
  host: LoweringHost,
): Lowering {
  if (op.expression) return lowerExpression(op, inputs, attrs, output, host);
  const calls: Launch[] = [];
  const contiguous = (x: Operand): Operand => {
    if (isContiguous(x.shape, x)) return x;
    const copy = host.allocate(x, op.name);
    calls.push(...copyCalls(x, copy, host.caps));
    return { ...copy, fixed: x.fixed };
  };
  if (op.view) {
    const direct = op.view(inputs[0], attrs as never, output);
    const source = direct ? inputs[0] : contiguous(inputs[0]);
    const layout = direct ?? op.view(source, attrs as never, output);
    if (!layout) throw new Error(`internal: the view of ${op.name} refuses a contiguous input`);
    return { calls, output: { ...output, ...layout, buffer: source.buffer } };
  }
  if (!op.launch) throw new Error(`internal: op ${op.name} has no expression, view or launch`);
  const operands = op.strided ? inputs : inputs.map(contiguous);
  const result = host.allocate(output, op.name);
  if (sizeOf(output.shape) > 0)
    calls.push(
      ...op.launch(
        {
          inputs: operands,
          output: result,
          caps: host.caps,
          temp: (shape: readonly number[], dtype: DType = "f32") => host.allocate({ shape, dtype }, op.name),
        },
        attrs as never,
      ),
    );
  return { calls, output: result };
}

function lowerExpression(
  op: OpSpec<never>,
  inputs: readonly Operand[],
  attrs: unknown,
  output: TensorSpec,
  { caps, allocate }: LoweringHost,
): Lowering {
  const result = allocate(output, op.name);
  const distinct = inputs.length > 1 ? [...new Set(inputs)] : inputs;
  const step = {
    dtype: output.dtype,
    args: inputs.map((x) => distinct.indexOf(x)),
    expression: (args: readonly string[]) => op.expression!(args, attrs as never),
  };
  const call = pointwise({ name: op.name, steps: [step], results: [distinct.length] }, distinct, [result], { caps });
  return { calls: call ? [call] : [], output: result };
}

/** Copies elements between layouts of one shape. */
export function copyCalls(from: Operand, to: Operand, caps: Capabilities): Launch[] {
  if (from.dtype === "f16") return copyCalls(wordsIn(from), wordsIn(to), caps);
  const call = pointwise({ name: "copy", steps: [], results: [0] }, [from], [to], { caps });
  return call ? [call] : [];
}

/** Halves as the words they lie in: they are contiguous always, since no op gives another view of them. */
function wordsIn({ shape, dtype, buffer }: Operand): Operand {
  return wholeOperand({ shape: [wordsOf({ shape, dtype })], dtype: "u32" }, buffer);
}

/** A contiguous operand at the start of `buffer`. */
export function wholeOperand(spec: TensorSpec, buffer: unknown): Operand {
  return { shape: spec.shape, dtype: spec.dtype, strides: contiguousStrides(spec.shape), offset: 0, buffer };
}
