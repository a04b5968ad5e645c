import fc from "fast-check";
import { roundedTowards } from "../../atex/render/rounding.js";
import { check, test } from "../harness.js";

const unit = fc.double({ min: 0, max: 1, noNaN: true });
const pairs = fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), unit), { minLength: 1, maxLength: 60 });

test("an attacked image in bytes is nowhere farther from a clean image of bytes than the attack went, in either precision", () => {
  check.holds(
    fc.property(pairs, fc.boolean(), (values, single) => {
      const round = single ? Math.fround : (value: number) => value;
      const clean = values.map(([byte]) => round(byte / 255));
      const attacked = values.map(([, value]) => round(value));
      const bytes = roundedTowards(clean, attacked);
      return values.every(([home], i) => {
        const read = round(bytes[i] / 255);
        const inside = Math.abs(read - clean[i]) <= Math.abs(attacked[i] - clean[i]);
        // Towards the clean value, and no farther than it must be: less than a byte from the attacked value.
        return (
          inside &&
          Math.abs(bytes[i] - 255 * attacked[i]) < 1 + 1e-4 &&
          (bytes[i] - home) * (attacked[i] - clean[i]) >= 0
        );
      });
    }),
  );
});

test("budgets that are no whole number of bytes are kept: the cases 0.03 and 0.01", () => {
  const clean = Float32Array.from({ length: 256 }, (_, i) => i / 255);
  for (const eps of [0.03, 0.01, 0.04, 0.001]) {
    for (const sign of [1, -1]) {
      const attacked = clean.map((value) => Math.min(1, Math.max(0, value + sign * eps)));
      const change = roundedTowards(clean, attacked).map((byte, i) => Math.abs(byte - i));
      check.is(Math.max(...change), Math.floor(255 * eps), `eps ${eps}`);
    }
  }
});

test("a value equal to a byte stays that byte, at the clean value and away from it", () => {
  const all = Float32Array.from({ length: 256 }, (_, i) => i / 255);
  check.equal([...roundedTowards(all, all)], [...Array(256).keys()]);
  const black = new Float32Array(256);
  check.equal([...roundedTowards(black, all)], [...Array(256).keys()]);
});

test("where the clean value is no byte, the byte nearest to it is taken if none lies between", () => {
  check.equal(
    [...roundedTowards([100.4 / 255, 100.4 / 255, 100.4 / 255], [100.6 / 255, 102.5 / 255, 98.7 / 255])],
    [100, 102, 99],
  );
});

test("images that cannot be compared are refused", () => {
  check.throws(() => roundedTowards([0, 1], [0]), /2 clean and 1 attacked values; as many of both/);
  check.throws(() => roundedTowards([0, 1], [0, 1.5]), /value 1 is 1 in the clean and 1.5 in the attacked image/);
  check.throws(() => roundedTowards([Number.NaN], [0]), /value 0 is NaN/);
});
