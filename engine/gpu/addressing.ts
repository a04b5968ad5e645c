/** The numbers of a generated kernel, and how it finds its elements: fields of `Params`, or literals. */
import type { ParamLayout, ScalarType } from "../../shaders/kernel.js";
import { tokensOf } from "../expression.js";
import type { Iteration, Stepping } from "./iteration.js";

const typeOfSuffix = { f: "f32", i: "i32", u: "u32" } as const;

/** Numbers a kernel needs: fields of `Params`, or literals when baked. */
export class Parameters {
  readonly values: Record<string, number> = {};
  readonly types: Record<string, ScalarType> = {};
  #constants = 0;
  constructor(readonly bake: boolean) {}

  /** Constants of an expression as parameters, so that `x * 0.1` and `x * 0.2` share a kernel. */
  lift(expression: string): string {
    if (this.bake) return expression;
    const lifted = tokensOf(expression).map(({ text, kind }) => {
      if (kind !== "number") return text;
      const name = `constant${this.#constants++}`;
      this.values[name] = Number(text.slice(0, -1));
      this.types[name] = typeOfSuffix[text.at(-1) as keyof typeof typeOfSuffix];
      return `p.${name}`;
    });
    return lifted.join("");
  }

  /** The WGSL that stands for `value`. Negative strides wrap around, as u32 addition does. */
  use(name: string, value: number): string {
    if (this.bake) return `${value >>> 0}u`;
    this.values[name] = value >>> 0;
    this.types[name] = "u32";
    return `p.${name}`;
  }

  /** How the struct that `declaration` writes lies in memory: all its fields have four bytes. */
  layout(binding: number): ParamLayout | undefined {
    if (this.bake) return undefined;
    const fields = Object.entries(this.types).map(([name, scalar], i) => ({ name, scalar, offset: 4 * i }));
    return { binding, bytes: 16 * Math.ceil(fields.length / 4), fields };
  }

  get declaration(): string {
    const fields = Object.entries(this.types).map(([name, type]) => `${name}: ${type}`);
    return `struct Params { ${fields.join(", ")} }`;
  }
}

export interface Addressing {
  readonly count: string;
  readonly span: string;
  /** Statements that turn the flat index `i` into coordinates `c0`, `c1`, ... */
  readonly coordinates: readonly string[];
  /** Index expression of each operand. */
  readonly indices: readonly string[];
}

export function describeLoop(
  loop: Iteration,
  groupSpan: number,
  inputCount: number,
  parameters: Parameters,
): Addressing {
  const { sides, operands } = loop;
  const count = parameters.use("count", loop.count);
  const span = parameters.use("span", groupSpan);
  const coordinates: string[] = [];
  if (operands.some((o) => o.access === "strided")) {
    let rest = "i";
    for (let k = sides.length - 1; k > 0; k--) {
      const side = parameters.use(`side${k}`, sides[k]);
      coordinates.push(`let c${k} = ${rest} % ${side};`, `let q${k} = ${rest} / ${side};`);
      rest = `q${k}`;
    }
    coordinates.push(`let c0 = ${rest};`);
  }
  const indices = operands.map((o, at) => {
    const name = at < inputCount ? `in${at}` : `out${at - inputCount}`;
    return indexOf(o, name, parameters);
  });
  return { count, span, coordinates, indices };
}

function indexOf(o: Stepping, name: string, parameters: Parameters): string {
  const terms: string[] = [];
  if (o.access === "linear") terms.push("i");
  if (o.access === "strided")
    o.strides.forEach((stride, k) => {
      if (parameters.bake && stride === 0) return;
      const unit = stride === 1 && (parameters.bake || k === o.strides.length - 1);
      terms.push(unit ? `c${k}` : `c${k} * ${parameters.use(`${name}_stride${k}`, stride)}`);
    });
  if (o.offset !== 0) terms.push(parameters.use(`${name}_offset`, o.offset));
  return terms.join(" + ") || "0u";
}
