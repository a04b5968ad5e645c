/** The input of a network: name, shape, type. */
import { DataError } from "../data/error.js";
import type { SampleShape } from "../layer.js";
import { type ElementType, elementFormat } from "./element-types.js";
import { type Program, shorten } from "./program.js";
import type { ModelProto, ValueInfoProto } from "./proto.js";

/** What a model file says of its input. */
export interface OnnxInput {
  readonly name: string;
  /** All sides with the batch first; undefined where the file leaves one open. */
  readonly shape: readonly (number | undefined)[];
  /** What the file calls its elements; integers may come as i32 or as whole numbers in f32. */
  readonly type: ElementType;
}

/** The one input that the outputs need. @throws DataError for none, several, or one that is no tensor of known rank. */
export function inputOf(model: ModelProto, main: Program, given: SampleShape | undefined): OnnxInput {
  const used = new Set(main.steps.flatMap(({ inputs, captures }) => [...inputs, ...captures]));
  const names = main.inputs.filter((name) => used.has(name));
  if (names.length !== 1)
    throw new DataError(
      `onnx: the output ${shorten(main.outputs[0])} depends on ${names.length} inputs${names.length > 0 ? ` (${names.slice(0, 8).map(shorten).join(", ")})` : ""}; a network of one input is needed`,
    );
  const info = model.graph!.input.find(({ name }) => name === names[0])!;
  return { name: names[0], shape: sidesOf(info, given), type: typeIn(info) };
}

function typeIn({ name = "", type }: ValueInfoProto): ElementType {
  const format = elementFormat(type?.tensor_type?.elem_type);
  if (typeof format === "string")
    throw new DataError(
      `onnx: the input ${shorten(name)} is no tensor of numbers but of ${format}; floats or integers are needed`,
    );
  return format.type;
}

function sidesOf({ name = "", type }: ValueInfoProto, given: SampleShape | undefined): (number | undefined)[] {
  const dims = type?.tensor_type?.shape?.dim;
  const declared = dims?.map(({ dim_value }) => dim_value);
  if (!declared && !given)
    throw new DataError(
      `onnx: the file says nothing of the shape of its input ${shorten(name)}; pass the shape of a sample`,
    );
  const sides = declared ?? [undefined, ...given!];
  if (
    sides.length < 1 ||
    sides.length > 8 ||
    sides.some((side) => side !== undefined && !(side >= 1 && side < 2 ** 31))
  )
    throw new DataError(
      `onnx: the input ${shorten(name)} has shape [${sides.slice(0, 9)}]; one to eight sides of 1 or more, the batch first, are needed`,
    );
  if (!given) return sides;
  const fits = given.length === sides.length - 1 && given.every((side, i) => (sides[i + 1] ?? side) === side);
  if (!fits)
    throw new DataError(
      `onnx: samples of shape [${given}] for the input ${shorten(name)} of shape [${sides.map((side) => side ?? "?")}], the batch first; they do not fit`,
    );
  return [sides[0], ...given];
}
