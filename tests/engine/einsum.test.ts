/** einsum against plain loops over all letters, for random equations; what it refuses. */
import fc from "fast-check";
import { einsum, type Tensor, tensor } from "../../engine/index.js";
import { onReference, referenceTest } from "../executors.js";
import { check, test } from "../harness.js";

const SIZES: Readonly<Record<string, number>> = { a: 2, b: 3, c: 1, d: 2 };
const sizesOf = (letters: string): number[] => [...letters].map((l) => SIZES[l]);

/** Σ over all letters of the product of the operands' elements. */
function byLoops(operands: readonly string[], data: readonly number[][], output: string): number[] {
  const letters = [...new Set(operands.join(""))];
  const at = (of: string, index: Readonly<Record<string, number>>): number =>
    [...of].reduce((flat, l) => flat * SIZES[l] + index[l], 0);
  const result = new Array<number>(sizesOf(output).reduce((p, q) => p * q, 1)).fill(0);
  const visit = (left: readonly string[], index: Readonly<Record<string, number>>): void => {
    const [letter, ...rest] = left;
    if (letter === undefined)
      result[at(output, index)] += operands.reduce((product, o, i) => product * data[i][at(o, index)], 1);
    else for (let i = 0; i < SIZES[letter]; i++) visit(rest, { ...index, [letter]: i });
  };
  visit(letters, {});
  return result;
}

const operand = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 3 }).map((l) => l.join(""));

test("random equations of one to three operands give what plain loops give", () =>
  check.holds(
    fc.asyncProperty(
      fc.array(operand, { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 0, max: 1000 }),
      async (operands, seed) => {
        const all = [...new Set(operands.join(""))];
        const output = all.filter((_, i) => (seed >> i) & 1).join("");
        const data = operands.map((letters, k) =>
          Array.from(
            { length: sizesOf(letters).reduce((p, q) => p * q, 1) },
            (_, i) => ((7 * i + 3 * k + seed) % 11) - 5,
          ),
        );
        await onReference(async () => {
          const tensors = operands.map((letters, k) => tensor(data[k], sizesOf(letters)));
          const y = einsum(`${operands.join(",")}->${output}`, ...tensors);
          check.equal([...y.shape], sizesOf(output));
          check.close(await y.read(), byLoops(operands, data, output), { rtol: 1e-12, atol: 1e-12 });
        });
      },
    ),
    { numRuns: 60 },
  ));

referenceTest(
  "without an arrow the letters that come once stay, in the order of the alphabet; dots are sides without a name",
  async () => {
    const a = tensor([
      [1, 2],
      [3, 4],
    ]);
    check.equal([...(await einsum("ba", a).read())], [1, 3, 2, 4]);
    check.equal(await einsum("ii", a).item(), 5);
    check.equal([...(await einsum("ii->i", a).read())], [1, 4]);
    const batch = tensor([1, 0, 0, 1, 2, 0, 0, 2], [2, 2, 2]);
    check.equal([...(await einsum("...ij,jk->...ik", batch, a).read())], [1, 2, 3, 4, 2, 4, 6, 8]);
  },
);

referenceTest("equations that cannot be meant are refused in one sentence", () => {
  const a = tensor(new Float32Array(6), [2, 3]);
  const refused: readonly [() => Tensor, RegExp][] = [
    [
      () => einsum("ij,jk->ik", a),
      /^einsum: equation "ij,jk->ik" for 1 inputs; one list of letters for each is needed/,
    ],
    [() => einsum("ijk->i", a), /has other letters for operand 0 than f32\[2,3\] has sides; one for each is needed$/],
    [() => einsum("ij->ik", a), /has a result whose letters are not those of the operands, once each$/],
    [() => einsum("ij->ii", a), /has a result whose letters/],
    [
      () => einsum("ij,jk", a, a),
      /^einsum: j of "ij,jk" is 3 and, in operand 1 \(f32\[2,3\]\), 2; one size for each letter is needed$/,
    ],
    [() => einsum(a as never, a), /^einsum: the equation is f32\[2,3\]; a text is needed, like "ij,jk->ik"$/],
  ];
  for (const [call, message] of refused) check.throws(call, message);
});
