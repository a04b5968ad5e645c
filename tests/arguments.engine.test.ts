/** Every export of the engine with about forty kinds of wrong argument in each position. */
import * as h from "../engine/index.js";
import { table } from "../engine/ops/table.js";
import { ENGINE } from "./arguments/engine.js";
import { testEntry } from "./arguments/entry.js";
import { type AnyFunction, type Row, trial } from "./arguments/row.js";
import { check, test } from "./harness.js";
import { tensorsOf } from "./values.js";

// The arguments of an op without settings are those of its first sample.
testEntry("engine", h, ENGINE, (name, f) => {
  const sample = table.find((op) => op.name === name)?.samples()[0];
  if (!sample || sample.inputs.length === 0 || sample.inputs.length !== f.length) return undefined;
  return { args: () => tensorsOf(sample.inputs, 1) };
});

test("the trial finds what it is for", async () => {
  const row: Row = { args: () => [h.tensor([1, 2])] };
  const faultsOf = (f: AnyFunction): Promise<string[]> => trial("f", f, row, { calls: 0, covered: new Set() });
  const wrong: [AnyFunction, RegExp][] = [
    [(x) => x.shape.length, /f\(argument 0 is undefined\): raw: TypeError: Cannot read/],
    [() => 1, /argument 0 is "x"\): nothing was thrown/],
    [(x) => h.keep(h.neg(x)), /values stayed alive/],
    [
      (x) => {
        if (!h.Tensor.is(x)) throw new TypeError("wrong");
      },
      /does not say who speaks: wrong/,
    ],
    [async (x) => (await x).shape[0].length, /raw: TypeError/],
  ];
  for (const [f, message] of wrong) check.match((await faultsOf(f)).join("\n"), message);
  check.equal(await faultsOf(h.neg), []);
});

test("the op table gives the right calls of plain ops", () => {
  check.ok(!("relu" in ENGINE) && table.some((op) => op.name === "relu"));
});
