/** Preparation of tables, of the domain ai.onnx.ml. Source: ONNX's docs/Operators-ml.md. */
import { div, equal, max, mul, norm, sub, type Tensor, tensor, where } from "../../../engine/index.js";
import { floats, text } from "../attributes.js";
import { type Operator, operator, refuse } from "../operator.js";
import { deviceValue } from "../value.js";

const domain = "ai.onnx.ml";

/** Rows divided by what `size` says of them; rows of zeros stay. */
const divided = (x: Tensor, size: Tensor): Tensor => div(x, where(equal(size, 0), 1, size));

const sizes: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  MAX: (x) => max(x, -1, { keepDims: true }),
  L1: (x) => norm(x, -1, { p: 1, keepDims: true }),
  L2: (x) => norm(x, -1, { keepDims: true }),
};

export const tabular: readonly Operator[] = [
  operator({
    domain,
    name: "Scaler",
    attributes: { offset: floats([0]), scale: floats([1]) },
    run: (call, { offset, scale }) =>
      deviceValue("float32", mul(sub(call.tensor(0), tensor([...offset])), tensor([...scale]))),
  }),
  operator({
    domain,
    name: "Normalizer",
    attributes: { norm: text("MAX") },
    run(call, { norm: kind }) {
      const x = call.tensor(0);
      const size = sizes[kind] ?? refuse(`norm is ${kind}; MAX, L1 or L2 is needed`);
      return deviceValue("float32", divided(x, size(x)));
    },
  }),
];
