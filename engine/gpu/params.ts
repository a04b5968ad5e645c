import type { ParamLayout } from "../../shaders/kernel.js";
import type { Launch } from "../lower.js";

/** Three views of one block of uniform memory. */
export class UniformBlock {
  readonly memory: ArrayBuffer;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f32: Float32Array;
  constructor(readonly bytes: number) {
    this.memory = new ArrayBuffer(bytes);
    this.u32 = new Uint32Array(this.memory);
    this.i32 = new Int32Array(this.memory);
    this.f32 = new Float32Array(this.memory);
  }
}

/** Writes a call's parameters at byte `at`, as the kernel's `Params` struct lays them out.
 *  @throws Error for a field that is missing, unknown, too long or out of range. */
export function writeParams(
  name: string,
  { fields }: ParamLayout,
  params: NonNullable<Launch["params"]>,
  block: UniformBlock,
  at: number,
): void {
  let given = 0;
  for (const field of fields) {
    const value = params[field.name];
    if (value === undefined) throw new Error(`internal: shader ${name} gets no value for parameter ${field.name}`);
    given++;
    const view = block[field.scalar];
    const base = (at + field.offset) / 4;
    if (typeof value === "number") {
      view[base] = value;
      if (view[base] !== value && field.scalar !== "f32") throw outOfRange(name, field.name, value, field.scalar);
      continue;
    }
    const { components = 1, elements = 1, stride = 4 } = field;
    if (value.length > components * elements)
      throw new Error(
        `internal: shader ${name} gets ${value.length} numbers for parameter ${field.name}, which holds ${components * elements}`,
      );
    for (let e = 0; e < elements; e++)
      for (let c = 0; c < components; c++) {
        const number = value[e * components + c] ?? 0;
        const index = base + (e * stride) / 4 + c;
        view[index] = number;
        if (view[index] !== number && field.scalar !== "f32") throw outOfRange(name, field.name, number, field.scalar);
      }
  }
  for (const _ in params) given--;
  if (given !== 0) {
    const unknown = Object.keys(params).filter((key) => !fields.some((f) => f.name === key));
    throw new Error(`internal: shader ${name} has no parameter ${unknown.join(", ")}`);
  }
}

function outOfRange(shader: string, field: string, value: number, type: string): Error {
  return new Error(`internal: shader ${shader} gets ${value} for parameter ${field}, which is ${type}`);
}
