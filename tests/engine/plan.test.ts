/** Liveness planning: buffers are shared only by values that are never alive together, and little is wasted. */
import fc from "fast-check";
import { type BufferPlan, type Lifetime, lowerBound, planBuffers } from "../../engine/graph/plan.js";
import { check, test } from "../harness.js";

const lifetime: fc.Arbitrary<Lifetime> = fc
  .record({ bytes: fc.integer({ min: 0, max: 1000 }), first: fc.nat(30), length: fc.nat(10) })
  .map(({ bytes, first, length }) => ({ bytes, first, last: first + length }));

const overlaps = (a: Lifetime, b: Lifetime): boolean => a.first <= b.last && b.first <= a.last;

/** The first broken rule of a plan, or undefined. */
function fault(values: readonly Lifetime[], { bufferOf, bufferBytes }: BufferPlan): string | undefined {
  for (const [i, a] of values.entries()) {
    if (!(bufferBytes[bufferOf[i]] >= a.bytes)) return `value ${i} does not fit its buffer`;
    for (const [j, b] of values.entries())
      if (i < j && bufferOf[i] === bufferOf[j] && overlaps(a, b)) return `values ${i} and ${j} share a buffer`;
  }
  return undefined;
}

test("no two live values share a buffer", () => {
  fc.assert(
    fc.property(fc.array(lifetime, { maxLength: 40 }), (values) => {
      const plan = planBuffers(values);
      check.is(fault(values, plan), undefined);
      const total = plan.bufferBytes.reduce((a, b) => a + b, 0);
      check.ok(total >= lowerBound(values), "less than what lives at once");
    }),
    { numRuns: 300 },
  );
});

test("values of one home share its buffer, and others use it in between", () => {
  const values: Lifetime[] = [
    { bytes: 100, first: -1, last: 2, home: "input 0" },
    { bytes: 90, first: 3, last: 5 },
    { bytes: 100, first: 6, last: 9, home: "input 0" },
    { bytes: 100, first: 2, last: 6 },
  ];
  const { bufferOf, bufferBytes } = planBuffers(values);
  check.equal(bufferOf, [0, 0, 0, 1]);
  check.equal(bufferBytes, [100, 100]);
});

test("two values that live at once in one home are refused", () => {
  const values: Lifetime[] = [
    { bytes: 4, first: 0, last: 2, home: "a" },
    { bytes: 4, first: 2, last: 3, home: "a" },
  ];
  check.throws(() => planBuffers(values), /two values live at once in buffer "a"/);
});

test("a chain needs two buffers, however long it is", () => {
  const values = Array.from({ length: 50 }, (_, i) => ({ bytes: 8, first: i, last: i + 1 }));
  check.equal(planBuffers(values).bufferBytes, [8, 8]);
  check.is(lowerBound(values), 16);
});

test("a forward and a backward pass are planned within 1.3 of the lower bound", () => {
  // Activations of falling size, each read again on the way back, where each gradient lives for two launches.
  const sizes = [800, 800, 200, 400, 400, 100, 16, 16, 1];
  const n = sizes.length;
  const values = sizes.flatMap((bytes, i): Lifetime[] => [
    { bytes, first: i, last: 2 * n - i },
    { bytes, first: 2 * n - i, last: 2 * n - i + 1 },
  ]);
  const { bufferBytes } = planBuffers(values);
  const total = bufferBytes.reduce((a, b) => a + b, 0);
  check.ok(total <= 1.3 * lowerBound(values), `${total} bytes planned, ${lowerBound(values)} live at once`);
});
