/** Files that are damaged, cut or made to do harm: every parser refuses them in one sentence of its own, soon, and keeps nothing. */
import * as nn from "../nn/index.js";
import { check, test } from "./harness.js";
import { PARSERS, survive } from "./parsers.js";

/** Enough to notice; `npm run mutants` feeds 10 000 to each. */
const COUNT = 300;

for (const parser of PARSERS)
  test(`mutants of ${parser.name}`, async () => void (await survive(parser, COUNT)), { timeoutMs: 120_000 });

test("every exported function that reads a file is in the table", () => {
  const known = new Set(PARSERS.flatMap(({ reads = [] }) => reads));
  /** These read what is in the table, or hand bytes on to what is. */
  const others = ["openFolder", "loadDataset", "loadShapes"];
  const missing = Object.keys(nn).filter(
    (name) => /^(read|open|load|unpack|import)[A-Z]/.test(name) && !known.has(name),
  );
  check.equal(
    missing.filter((name) => !others.includes(name)),
    [],
  );
});
