/** Products of matrices and tensors. */
import { add, cumsum, eye, matmul, mul, reshape, sub, sum, type Tensor, transpose } from "../../../engine/index.js";
import { flag, float, text } from "../attributes.js";
import { type Operator, operator, refuse } from "../operator.js";

const scaled = (x: Tensor, by: number): Tensor => (by === 1 ? x : mul(x, by));

/** The letters of each operand and of the result. */
function readEquation(equation: string, ranks: readonly number[]): { operands: string[]; output: string } {
  const plain = equation.replaceAll(" ", "");
  const [left, right, ...more] = plain.split("->");
  const operands = left.split(",");
  if (more.length > 0 || operands.length !== ranks.length || !/^[a-zA-Z.,]*(->[a-zA-Z.]*)?$/.test(plain))
    refuse(
      `equation ${JSON.stringify(equation.slice(0, 60))} for ${ranks.length} inputs; one list of letters for each is needed`,
    );
  // "..." stands for sides without a name; digits name them here.
  const unnamed = Math.max(0, ...operands.map((o, i) => (o.includes("...") ? ranks[i] - o.length + 3 : 0)));
  if (unnamed > 8) refuse(`equation ${JSON.stringify(equation.slice(0, 60))} leaves more than 8 sides without a name`);
  const names = (count: number): string => "01234567".slice(unnamed - count, unnamed);
  const inputs = operands.map((o, i) => o.replace("...", names(ranks[i] - o.length + 3)));
  const count = (letter: string): number => inputs.join("").split(letter).length - 1;
  const implied = [...new Set(inputs.join(""))].filter((letter) => /\d/.test(letter) || count(letter) === 1).sort();
  const output = right === undefined ? implied.join("") : right.replace("...", names(unnamed));
  for (const [i, letters] of inputs.entries())
    if (letters.length !== ranks[i] || /\./.test(letters))
      refuse(`equation ${JSON.stringify(equation.slice(0, 60))}: input ${i} has ${ranks[i]} sides; they do not fit`);
  if (
    /\./.test(output) ||
    [...output].some((l) => !inputs.join("").includes(l)) ||
    new Set(output).size < output.length
  )
    refuse(
      `equation ${JSON.stringify(equation.slice(0, 60))}: the result's letters must come from the inputs, once each`,
    );
  return { operands: inputs, output };
}

interface Term {
  readonly letters: string;
  readonly x: Tensor;
}

/** The diagonal where a letter comes twice. */
function diagonal({ letters, x }: Term): Term {
  const twice = [...letters].findIndex((l, i) => letters.indexOf(l) !== i);
  if (twice < 0) return { letters, x };
  const first = letters.indexOf(letters[twice]);
  const side = x.shape[first];
  const shape = x.shape.map((d, i) => (i === first || i === twice ? d : 1));
  const kept = sum(mul(x, reshape(eye(side), shape)), twice);
  return diagonal({ letters: letters.slice(0, twice) + letters.slice(twice + 1), x: kept });
}

/** Sums over letters that nobody needs. */
function reduced({ letters, x }: Term, needed: string): Term {
  const gone = [...letters].flatMap((l, i) => (needed.includes(l) ? [] : [i]));
  return gone.length === 0
    ? { letters, x }
    : { letters: [...letters].filter((l) => needed.includes(l)).join(""), x: sum(x, gone) };
}

/** Sides in the order of `order`; a letter that is missing becomes a side of 1. */
function arranged({ letters, x }: Term, order: string): Tensor {
  const present = [...order].filter((l) => letters.includes(l));
  const sorted = transpose(
    x,
    present.map((l) => letters.indexOf(l)),
  );
  return reshape(
    sorted,
    [...order].map((l) => (letters.includes(l) ? x.shape[letters.indexOf(l)] : 1)),
  );
}

/** Two operands as one product of matrices: letters of both that stay are its batch, those that go are summed. */
function contract(a: Term, b: Term, needed: string): Term {
  const [left, right] = [reduced(a, needed + b.letters), reduced(b, needed + a.letters)];
  const all = [...new Set(left.letters + right.letters)];
  const batch = all.filter((l) => left.letters.includes(l) && right.letters.includes(l) && needed.includes(l));
  const inner = all.filter((l) => left.letters.includes(l) && right.letters.includes(l) && !needed.includes(l));
  const rows = all.filter((l) => !right.letters.includes(l));
  const columns = all.filter((l) => !left.letters.includes(l));
  const size = (t: Term, letters: readonly string[]): number[] => letters.map((l) => t.x.shape[t.letters.indexOf(l)]);
  const product = (list: readonly number[]): number => list.reduce((p, q) => p * q, 1);
  const k = product(size(left, inner));
  const l = reshape(arranged(left, [...batch, ...rows, ...inner].join("")), [
    ...size(left, batch),
    product(size(left, rows)),
    k,
  ]);
  const r = reshape(arranged(right, [...batch, ...inner, ...columns].join("")), [
    ...size(right, batch),
    product(size(right, inner)),
    product(size(right, columns)),
  ]);
  const y = matmul(l, r);
  const letters = [...batch, ...rows, ...columns].join("");
  return { letters, x: reshape(y, [...y.shape.slice(0, batch.length), ...size(left, rows), ...size(right, columns)]) };
}

export function einsum(equation: string, inputs: readonly Tensor[]): Tensor {
  const { operands, output } = readEquation(
    equation,
    inputs.map((x) => x.rank),
  );
  const terms = inputs.map((x, i) => diagonal({ letters: operands[i], x }));
  let total = terms[0];
  for (let i = 1; i < terms.length; i++)
    total = contract(
      total,
      terms[i],
      output +
        terms
          .slice(i + 1)
          .map((t) => t.letters)
          .join(""),
    );
  return arranged(reduced(total, output), output);
}

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
    run: (call, { equation }) => einsum(equation, call.tensors()),
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
