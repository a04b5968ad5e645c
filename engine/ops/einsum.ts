/** Sums of products in Einstein's notation, as products of matrices: any order of derivative. */
import { describe, ShapeError } from "../errors.js";
import { requireTensor } from "../kinds.js";
import { shown } from "../options.js";
import type { Tensor } from "../tensor.js";
import { mul } from "./arithmetic.js";
import { eye } from "./create.js";
import { matmul } from "./matmul.js";
import { reshape } from "./movement.js";
import { sum } from "./reduce.js";
import { transpose } from "./view.js";

/** The sum of products that an equation describes: `einsum("bij,bjk->bik", a, b)`. A letter names a side; letters that the result
 *  lacks are summed over, one that comes twice in an operand takes the diagonal, `...` stands for sides without a name. Without
 *  `->` the result has the letters that come once, in the order of the alphabet, as NumPy has it. f32.
 *  @throws TypeError for an equation that is none or does not fit the operands, ShapeError where a letter has two sizes. */
export function einsum(equation: string, ...inputs: readonly Tensor[]): Tensor {
  if (typeof equation !== "string")
    throw new TypeError(`einsum: the equation is ${shown(equation)}; a text is needed, like "ij,jk->ik"`);
  for (const x of inputs) requireTensor("einsum", x);
  const { operands, output } = readEquation(equation, inputs);
  requireSizes(equation, operands, inputs);
  const terms = inputs.map((x, i) => diagonal({ letters: operands[i], x }));
  let total = terms[0];
  for (let i = 1; i < terms.length; i++) {
    const later = terms.slice(i + 1).map((t) => t.letters);
    total = contract(total, terms[i], [output, ...later].join(""));
  }
  return arranged(reduced(total, output), output);
}

/** A sentence about an equation that cannot be meant. */
function refuse(equation: string, why: string): never {
  throw new TypeError(`einsum: equation ${JSON.stringify(equation.slice(0, 60))} ${why}`);
}

/** The letters of each operand and of the result. */
function readEquation(equation: string, inputs: readonly Tensor[]): { operands: string[]; output: string } {
  const ranks = inputs.map((x) => x.rank);
  const plain = equation.replaceAll(" ", "");
  const [left, right, ...more] = plain.split("->");
  const given = left.split(",");
  if (more.length > 0 || given.length !== ranks.length || !/^[a-zA-Z.,]*(->[a-zA-Z.]*)?$/.test(plain))
    refuse(equation, `for ${ranks.length} inputs; one list of letters for each is needed, like "ij,jk->ik"`);
  // "..." stands for sides without a name; digits name them here.
  const unnamed = Math.max(0, ...given.map((o, i) => (o.includes("...") ? ranks[i] - o.length + 3 : 0)));
  if (unnamed > 8) refuse(equation, "leaves more than 8 sides without a name");
  const names = (count: number): string => "01234567".slice(unnamed - count, unnamed);
  const operands = given.map((o, i) => o.replace("...", names(ranks[i] - o.length + 3)));
  const all = operands.join("");
  const count = (letter: string): number => all.split(letter).length - 1;
  const implied = [...new Set(all)].filter((letter) => /\d/.test(letter) || count(letter) === 1).sort();
  const output = right === undefined ? implied.join("") : right.replace("...", names(unnamed));
  for (const [i, letters] of operands.entries())
    if (letters.length !== ranks[i] || /\./.test(letters))
      refuse(
        equation,
        `has other letters for operand ${i} than ${describe(inputs[i])} has sides; one for each is needed`,
      );
  if (/\./.test(output) || [...output].some((l) => !all.includes(l)) || new Set(output).size < output.length)
    refuse(equation, "has a result whose letters are not those of the operands, once each");
  return { operands, output };
}

/** Sides without a name broadcast, from the right; those with one have one size. */
function requireSizes(equation: string, operands: readonly string[], inputs: readonly Tensor[]): void {
  const seen = new Map<string, number>();
  for (const [i, letters] of operands.entries())
    for (const [axis, letter] of [...letters].entries()) {
      const [side, before] = [inputs[i].shape[axis], seen.get(letter)];
      const broadcasts = /\d/.test(letter) && (side === 1 || before === 1);
      if (before !== undefined && before !== side && !broadcasts)
        throw new ShapeError(
          `einsum: ${/\d/.test(letter) ? "a side of ..." : letter} of ${JSON.stringify(equation)} is ${before} and, in operand ${i} ` +
            `(${describe(inputs[i])}), ${side}; one size for each letter is needed`,
        );
      if (before === undefined || before === 1) seen.set(letter, side);
    }
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
