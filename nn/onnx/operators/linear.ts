/** Products of matrices and tensors. */
import { add, cumsum, einsum, matmul, mul, sub, type Tensor } from "../../../engine/index.js";
import { flag, float, text } from "../attributes.js";
import { type Operator, operator } from "../operator.js";

const scaled = (x: Tensor, by: number): Tensor => (by === 1 ? x : mul(x, by));

export const linear: readonly Operator[] = [
  operator({ name: "MatMul", run: (call) => matmul(call.tensor(0), call.tensor(1)) }),
  operator({
    name: "Gemm",
    attributes: {
      alpha: float(1),
      beta: float(1),
      transA: flag(false),
      transB: flag(false),
      broadcast: flag(false),
    },
    run(call, { alpha, beta, transA, transB }) {
      const product = matmul(call.tensor(0), call.tensor(1), { transposeA: transA, transposeB: transB });
      const y = scaled(product, alpha);
      const c = call.optional(2);
      return c && beta !== 0 ? add(y, scaled(c, beta)) : y;
    },
  }),
  operator({
    name: "Einsum",
    since: 12,
    attributes: { equation: text() },
    run: (call, { equation }) => einsum(equation, ...call.tensors()),
  }),
  operator({
    name: "CumSum",
    since: 11,
    host: [1],
    attributes: { exclusive: flag(false), reverse: flag(false) },
    run(call, { exclusive, reverse }) {
      const x = call.tensor(0);
      const total = cumsum(x, call.axis(call.number(1), x.rank), { reverse });
      return exclusive ? sub(total, x) : total;
    },
  }),
];
