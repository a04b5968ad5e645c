/** The tests of one entry of the package: each export has a row, and keeps to it. */
import { check, test } from "../harness.js";
import { type AnyFunction, type Row, type Tally, trial } from "./row.js";

/** Functions of an entry and of the namespaces in it; classes apart. */
export function functionsOf(entry: object, prefix = ""): [string, AnyFunction][] {
  return Object.entries(entry).flatMap(([name, value]): [string, AnyFunction][] => {
    if (typeof value === "function") return String(value).startsWith("class") ? [] : [[prefix + name, value]];
    return prefix === "" && Object.prototype.toString.call(value) === "[object Module]"
      ? functionsOf(value as object, `${name}.`)
      : [];
  });
}

/** One test per export, and one that no row is left over. `rowOf` finds rows elsewhere. */
export function testEntry(
  entry: string,
  exports: object,
  rows: Readonly<Record<string, Row>>,
  rowOf: (name: string, f: AnyFunction) => Row | undefined = () => undefined,
): void {
  const all = functionsOf(exports);
  const tally: Tally = { calls: 0, covered: new Set() };
  for (const [name, f] of all)
    test(`${name} refuses what it cannot use`, async () => {
      const row = rows[name] ?? rowOf(name, f);
      check.ok(row, `${name} is exported and has no row in tests/arguments/${entry}.ts`);
      check.equal(await trial(name, f, row, tally), []);
    });
  test("every row is of an export", () => {
    const known = new Set(all.map(([name]) => name));
    check.equal(
      Object.keys(rows).filter((name) => !known.has(name)),
      [],
    );
    console.log(`\n    ${tally.covered.size} exports of ${entry}, ${tally.calls} calls`);
  });
}
