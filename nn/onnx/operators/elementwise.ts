/** Functions of single elements. Source of all formulas: ONNX's docs/Operators.md and docs/Changelog.md. */
import {
  abs,
  add,
  atan,
  ceil,
  clamp,
  cos,
  div,
  elu,
  equal,
  erf,
  exp,
  expm1,
  finiteMask,
  floor,
  gelu,
  greater,
  leakyRelu,
  log,
  maximum,
  minimum,
  mul,
  nanMask,
  neg,
  reciprocal,
  relu,
  reshape,
  round,
  sigmoid,
  sign,
  sin,
  softplus,
  sqrt,
  square,
  sub,
  type Tensor,
  tanh,
  where,
} from "../../../engine/index.js";
import { flag, float, text } from "../attributes.js";
import { type Call, type Operator, operator, refuse } from "../operator.js";
import { deviceValue } from "../value.js";

const unary = (name: string, f: (x: Tensor) => Tensor): Operator =>
  operator({ name, run: (call) => f(call.tensor(0)) });

const withAlpha = (name: string, alpha: number, f: (x: Tensor, alpha: number) => Tensor): Operator =>
  operator({ name, attributes: { alpha: float(alpha) }, run: (call, { alpha }) => f(call.tensor(0), alpha) });

/** Between 0 and 1. */
const unit = (x: Tensor): Tensor => clamp(x, ...UNIT);
const UNIT = [0, 1] as const;

const sinh = (x: Tensor): Tensor => mul(sub(expm1(x), expm1(neg(x))), 0.5);
const cosh = (x: Tensor): Tensor => mul(add(exp(x), exp(neg(x))), 0.5);
/** log(|x| + √(x² + 1)) with x's sign, which loses nothing where x is negative. */
const asinh = (x: Tensor): Tensor => mul(sign(x), log(add(abs(x), sqrt(add(square(x), 1)))));

/** 2 atan(x / (1 + √(1 − x²))), which has no quotient that overflows. */
const asin = (x: Tensor): Tensor => mul(atan(div(x, add(sqrt(sub(1, square(x))), 1))), 2);

const SELU_ALPHA = 1.6732632423543772;
const SELU_GAMMA = 1.0507009873554805;

function clip(call: Call, low: number, high: number): Tensor {
  const x = call.tensor(0);
  if (low === -Infinity && high === Infinity) return x;
  // Where the bounds cross, the upper one holds.
  return low <= high ? clamp(x, low, high) : mul(add(mul(x, 0), 1), high);
}

/** Without approximation by erf, with it by tanh. Source: Hendrycks, Gimpel 2016. */
function geluOf(x: Tensor, approximate: string): Tensor {
  if (approximate === "none") return gelu(x);
  if (approximate !== "tanh") refuse(`approximate is ${approximate}; none or tanh is needed`);
  const inner = mul(add(x, mul(mul(x, square(x)), 0.044715)), Math.sqrt(2 / Math.PI));
  return mul(mul(x, 0.5), add(tanh(inner), 1));
}

export const elementwise: readonly Operator[] = [
  unary("Identity", (x) => x),
  unary("Relu", relu),
  unary("Sigmoid", sigmoid),
  unary("Tanh", tanh),
  unary("Softplus", (x) => softplus(x)),
  unary("Softsign", (x) => div(x, add(abs(x), 1))),
  unary("Exp", exp),
  unary("Log", log),
  unary("Sqrt", sqrt),
  unary("Abs", abs),
  unary("Neg", neg),
  unary("Sign", sign),
  unary("Reciprocal", reciprocal),
  unary("Floor", floor),
  unary("Ceil", ceil),
  unary("Round", round),
  unary("Erf", erf),
  unary("Sin", sin),
  unary("Cos", cos),
  unary("Tan", (x) => div(sin(x), cos(x))),
  unary("Sinh", sinh),
  unary("Cosh", cosh),
  unary("Asin", asin),
  unary("Acos", (x) => sub(Math.PI / 2, asin(x))),
  unary("Atan", atan),
  unary("Asinh", asinh),
  unary("Acosh", (x) => log(add(x, sqrt(sub(square(x), 1))))),
  unary("Atanh", (x) => mul(sub(log(add(x, 1)), log(sub(1, x))), 0.5)),
  unary("HardSwish", (x) => mul(x, unit(add(mul(x, 1 / 6), 0.5)))),
  unary("Mish", (x) => mul(x, tanh(softplus(x)))),
  withAlpha("LeakyRelu", 0.01, leakyRelu),
  withAlpha("Elu", 1, elu),
  withAlpha("Celu", 1, (x, alpha) => mul(elu(div(x, alpha)), alpha)),
  withAlpha("ThresholdedRelu", 1, (x, alpha) => where(greater(x, alpha), x, 0)),
  operator({
    name: "Selu",
    attributes: { alpha: float(SELU_ALPHA), gamma: float(SELU_GAMMA) },
    run: (call, { alpha, gamma }) => mul(elu(call.tensor(0), alpha), gamma),
  }),
  operator({
    name: "HardSigmoid",
    attributes: { alpha: float(0.2), beta: float(0.5) },
    run: (call, { alpha, beta }) => unit(add(mul(call.tensor(0), alpha), beta)),
  }),
  operator({
    name: "Shrink",
    attributes: { bias: float(0), lambd: float(0.5) },
    run(call, { bias, lambd }) {
      const x = call.tensor(0);
      return where(greater(x, lambd), sub(x, bias), where(greater(neg(x), lambd), add(x, bias), 0));
    },
  }),
  operator({
    name: "Gelu",
    since: 20,
    attributes: { approximate: text("none") },
    run: (call, { approximate }) => geluOf(call.tensor(0), approximate),
  }),
  operator({
    name: "Clip",
    until: 10,
    attributes: { min: float(-Infinity), max: float(Infinity) },
    run: (call, { min, max }) => clip(call, min, max),
  }),
  operator({
    name: "Clip",
    since: 11,
    host: [1, 2],
    run: (call) => clip(call, call.number(1, -Infinity), call.number(2, Infinity)),
  }),
  operator({
    name: "PRelu",
    run(call) {
      const [x, slope] = [call.tensor(0), call.tensor(1)];
      // Before operator set 7 one slope per channel goes along side 1.
      const perChannel = call.opset < 7 && slope.rank === 1 && slope.size > 1;
      const slopes = perChannel ? reshape(slope, [slope.size, ...x.shape.slice(2).map(() => 1)]) : slope;
      return add(relu(x), mul(slopes, minimum(x, 0)));
    },
  }),
  operator({
    name: "IsNaN",
    run: (call) => deviceValue("bool", nanMask(call.tensor(0))),
  }),
  operator({
    name: "IsInf",
    attributes: { detect_positive: flag(true), detect_negative: flag(true) },
    run(call, { detect_positive, detect_negative }) {
      const x = call.tensor(0);
      const infinite = sub(sub(1, finiteMask(x)), nanMask(x));
      const sides = [...(detect_positive ? [1] : []), ...(detect_negative ? [-1] : [])];
      const signs = sides.map((side) => equal(sign(where(infinite, x, 0)), side));
      return deviceValue("bool", signs.length > 0 ? mul(infinite, signs.reduce(maximum)) : mul(infinite, 0));
    },
  }),
];
