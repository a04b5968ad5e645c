/** Tables: what is learnt from them, rows to samples and back, refusals. */
import fc from "fast-check";
import { DataError } from "../../nn/data/error.js";
import {
  classOfRow,
  featureValues,
  openTable,
  prepareRow,
  readPreparation,
  type TablePreparation,
} from "../../nn/index.js";
import { check, test } from "../harness.js";

/** Ten rows, every class five times; the last four are the test part. */
const HEAD = "age,sex,town,income";
const TRAIN = ["20,f,rome,low", "30,m,oslo,low", "40,f,bonn,high", "50,m,rome,high", "60,f,rome,low", "70,m,bonn,high"];
const TEST = ["90,f,oslo,low", "10,m,bonn,high", "45,f,rome,high", "45,m,rome,low"];
const csv = (rows: readonly string[]): string => [HEAD, ...rows].join("\n");
const given = { target: "income", test: csv(TEST) };

test("numbers are standardised by the training part alone, two values are a bit, more are one-hot", () => {
  const { name, domain, classes, train, test: held, preparation } = openTable(csv(TRAIN), given);
  // Mean 45, mean square deviation (25² + 15² + 5²)/3.
  const deviation = Math.sqrt((625 + 225 + 25) / 3);
  const z = (age: number): number => (age - 45) / deviation;
  check.equal([name, ...classes], ["table", "high", "low"]);
  check.equal([train.shape, held.shape], [[5], [5]]);
  // age, sex (f 0, m 1), town (bonn, oslo, rome)
  const [f, m, bonn, oslo, rome] = [0, 1, [1, 0, 0], [0, 1, 0], [0, 0, 1]];
  const rows: [number, number, number[]][] = [
    ...([
      [20, f, rome],
      [30, m, oslo],
      [40, f, bonn],
      [50, m, rome],
      [60, f, rome],
      [70, m, bonn],
    ] as [number, number, number[]][]),
  ];
  check.close(
    train.samples,
    rows.flatMap(([age, sex, town]) => [z(age), sex, ...town]),
    { atol: 1e-6 },
  );
  check.close(held.samples.subarray(0, 10), [z(90), f, ...oslo, z(10), m, ...bonn], { atol: 1e-6 });
  check.equal([...train.labels, ...held.labels], [1, 1, 0, 0, 1, 0, 1, 0, 0, 1]);
  check.equal(domain.shape, [5]);
  const { low, high } = domain.range as { low: number[]; high: number[] };
  check.close([...low, ...high], [z(20), 0, 0, 0, 0, z(70), 1, 1, 1, 1], { atol: 1e-6 });
  check.ok(low[0] <= train.samples[0] && train.samples[25] <= high[0], "no training sample lies outside by a rounding");
  check.equal(domain.features, [
    { name: "age", kind: "numeric", at: [0] },
    { name: "sex", kind: "binary", at: [1], values: ["f", "m"] },
    { name: "town", kind: "categorical", at: [2, 3, 4], values: ["bonn", "oslo", "rome"] },
  ]);
  check.equal(preparation?.columns[0], { kind: "numeric", name: "age", mean: 45, deviation, low: 20, high: 70 });
});

test("columns are read as planned, chosen, ordered and left out", () => {
  const { domain, classes, train, preparation } = openTable(csv(TRAIN), {
    ...given,
    classes: ["low", "high"],
    use: ["sex", "age"],
    columns: { sex: { kind: "categorical", values: ["m", "f", "x"] }, age: { kind: "numeric" } },
    standardise: false,
    trainSize: 2,
    testSize: 1,
  });
  check.equal(classes, ["low", "high"]);
  check.equal([...train.samples], [0, 1, 0, 20, 1, 0, 0, 30]);
  check.equal(domain.range, { low: [0, 0, 0, 20], high: [1, 1, 1, 30] });
  check.equal(preparation?.columns[1], { kind: "numeric", name: "age", mean: 0, deviation: 1, low: 20, high: 30 });
  const without = openTable(csv(TRAIN), { ...given, ignore: ["town"] });
  check.equal(
    without.domain.features?.map((feature) => feature.name),
    ["age", "sex"],
  );
});

test("one table is split class by class, and the seed decides how", () => {
  const rows = Array.from(
    { length: 50 },
    (_, i) => `${i},${i % 2 ? "f" : "m"},${"abc"[i % 3]},${i % 5 ? "low" : "high"}`,
  );
  const opened = (seed?: number) => openTable(csv(rows), { target: "income", testShare: 0.3, seed });
  const { train, test: held } = opened();
  const highs = (labels: ArrayLike<number>): number => Array.from(labels).filter((label) => label === 0).length;
  check.equal([train.labels.length, held.labels.length, highs(train.labels), highs(held.labels)], [35, 15, 7, 3]);
  check.identical(opened(0).test.samples, held.samples);
  check.ok(
    [1, 2, 3].some((seed) => String(opened(seed).test.samples) !== String(held.samples)),
    "another seed",
  );
  const mean = Array.from(train.labels, (_, i) => train.samples[5 * i]).reduce((sum, v) => sum + v, 0) / 35;
  check.close([mean], [0], { atol: 1e-6 });
});

const GAPS = ["20,f,rome,low", "?,m,,low", "40,f,rome,high", "60,NA,oslo,high"];

test("missing values are refused by row and column, or imputed as told", () => {
  const open = (options: object) =>
    openTable(csv(GAPS), { target: "income", test: csv(["30,f,oslo,low"]), ...options });
  check.throws(
    () => open({}),
    /^table, column "age": the value is missing in row 2; fill it in, leave the column out, or choose how to impute \(mean, median, most frequent, own category\)$/,
  );
  const planned = open({
    missing: "most frequent",
    columns: { age: { missing: "mean" }, town: { kind: "categorical", missing: "own category" } },
  });
  const columns = planned.preparation!.columns;
  check.equal(columns[0], {
    kind: "numeric",
    name: "age",
    mean: 40,
    deviation: Math.sqrt(200),
    low: 20,
    high: 60,
    impute: 40,
  });
  check.equal(columns[1], { kind: "binary", name: "sex", values: ["f", "m"], impute: "f" });
  check.equal(columns[2], {
    kind: "categorical",
    name: "town",
    values: ["oslo", "rome", "(missing)"],
    impute: "(missing)",
  });
  check.identical(planned.train.samples.subarray(5, 10), [0, 1, 0, 0, 1]);
  check.identical(prepareRow(planned.preparation!, { age: "40", sex: "?" }), [0, 0, 0, 0, 1]);
  const median = open({ missing: "most frequent", columns: { age: { missing: "median" } } });
  check.is((median.preparation!.columns[0] as { impute?: number }).impute, 40);
  check.is((median.preparation!.columns[2] as { impute?: string }).impute, "rome");
  // A mark that is not one of the table's is a value like others.
  const marked = open({ missing: "most frequent", missingMarks: ["?"], columns: { age: { missing: "mean" } } });
  check.equal((marked.preparation!.columns[1] as { values: readonly string[] }).values, ["NA", "f", "m"]);
  for (const [options, message] of [
    [{ missing: "mean" }, /column "sex": a binary column has no mean; choose most frequent$/],
    [
      { missing: "own category" },
      /column "age": a column of numbers has no category for missing ones; choose mean, median/,
    ],
    [
      { missing: "zero" },
      /column "age": "zero" for missing values; there is refuse, mean, median, most frequent, own category$/,
    ],
    [
      { target: "sex", missing: "mean", use: ["age"] },
      /^table: row 4, column "sex": the value is missing; what is predicted must be known$/,
    ],
  ] as const)
    check.throws(() => open(options), message);
});

const preparation = (): TablePreparation => openTable(csv(TRAIN), given).preparation!;

test("a row of a user becomes the same sample, and a sample says what it means", () => {
  const stored = readPreparation(JSON.stringify(preparation()));
  check.equal(stored, preparation());
  const { train } = openTable(csv(TRAIN), given);
  check.identical(prepareRow(stored, { age: 30, sex: "m", town: "oslo", shoes: 43 }), train.samples.subarray(5, 10));
  check.is(classOfRow(stored, { income: "low" }), 1);
  check.holds(
    fc.property(
      fc.integer({ min: 0, max: 120 }),
      fc.constantFrom("f", "m"),
      fc.constantFrom("bonn", "oslo", "rome"),
      (age, sex, town) => {
        const said = featureValues(stored, prepareRow(stored, { age, sex, town }));
        check.close([said.age as number], [age], { atol: 1e-4 });
        check.equal([said.sex, said.town], [sex, town]);
      },
    ),
  );
  check.equal(featureValues(stored, [0, 0.7, 0.2, 0.5, 0.4]), { age: 45, sex: "m", town: "oslo" });
});

test("rows and samples that do not fit are refused in one sentence", () => {
  const stored = preparation();
  const refused: [() => unknown, RegExp][] = [
    [
      () => prepareRow(stored, { sex: "f", town: "rome" }),
      /^row, column "age": the value is missing; give one, or say/,
    ],
    [
      () => prepareRow(stored, { age: "old", sex: "f", town: "rome" }),
      /^row, column "age": "old" came; a number is needed$/,
    ],
    [() => prepareRow(stored, { age: Infinity, sex: "f", town: "rome" }), /"Infinity" came; a number is needed$/],
    [
      () => prepareRow(stored, { age: 3, sex: "f", town: "paris" }),
      /column "town": "paris" came; one of "bonn", "oslo", "rome" is needed$/,
    ],
    [() => prepareRow(stored, Object.create({ age: 3 })), /column "age": the value is missing/],
    [() => classOfRow(stored, { income: "none" }), /column "income": "none" came; one of "high", "low" is needed$/],
    [() => featureValues(stored, [1, 2]), /^featureValues: a sample of 2 values; 5 are needed, as this table's have$/],
  ];
  for (const [attempt, message] of refused)
    check.ok(check.throws(attempt, message) instanceof DataError, String(message));
});

test("tables that cannot be learnt from are refused in one sentence", () => {
  const ids = Array.from({ length: 200 }, (_, i) => `n${i},${i % 2},${i % 7},${i % 2 ? "low" : "high"}`);
  const refused: [string, object, RegExp][] = [
    [csv(TRAIN), { target: "wage" }, /^table: there is no column "wage"; there is "age", "sex", "town", "income"$/],
    [
      csv(TRAIN),
      { target: "" },
      /^table: no target; name the column that is predicted, one of "age", "sex", "town", "income"$/,
    ],
    [csv(TRAIN), { ignore: ["shoes"] }, /^table: there is no column "shoes"; there is "age", "sex", "town", "income"$/],
    [
      csv(TRAIN),
      { use: ["age", "income"] },
      /^table: columns "age", "income" to predict "income"; others than that are needed/,
    ],
    [csv(TRAIN), { columns: { town: { kind: "numeric" } } }, /column "town": "rome" in row 1; a number is needed$/],
    [
      csv(TRAIN),
      { columns: { town: { kind: "binary" } } },
      /column "town": 3 different values \("bonn", "oslo", "rome"\); a binary column has two/,
    ],
    [
      csv(TRAIN),
      { columns: { town: { values: ["rome", "oslo"] } } },
      /column "town": "bonn" in row 3; one of "rome", "oslo" is needed$/,
    ],
    [
      csv(TRAIN),
      { columns: { town: { kind: "text" } } },
      /column "town": "text" is no kind; there is numeric, binary, categorical$/,
    ],
    [
      csv(ids),
      { test: undefined },
      /column "age": 200 different values \("n0", .* and 192 more\); a categorical column has 1 to 100; leave it out/,
    ],
    [
      csv(["1,f,rome,low", "2,f,rome,low"]),
      { test: undefined },
      /^table: the target "income" has 1 different values; 2 to 100 classes are needed$/,
    ],
    [
      csv(TRAIN),
      { test: "age,sex,income\n1,f,low" },
      /^table: the test part has 3 columns and lacks "town"; those of the training part are needed$/,
    ],
    [
      csv(["1,f,rome,low", "2,m,oslo,high"]),
      { test: undefined },
      /^table: 2 rows leave none for testing; give more, or a test part$/,
    ],
  ];
  for (const [text, options, message] of refused) {
    const error = check.throws(() => openTable(text, { ...given, ...options }), message);
    check.ok(error instanceof DataError, String(message));
  }
  check.throws(
    () => openTable(csv(TRAIN), { ...given, trainSize: 7 }),
    /^table: the training part: 7 samples were asked for; it has 1 to 6$/,
  );
  check.throws(
    () => openTable(csv(TRAIN), { target: "income", testShare: 1 }),
    /^split: a test share of 1; more than 0 and less than 1/,
  );
  check.throws(
    () => openTable(new Uint8Array(3) as never, given),
    /^openTable: csv is Uint8Array; a text is needed; decode the file first$/,
  );
});

test("what is no stored preparation is refused, and so are 10 000 mutants of one", async () => {
  const json = JSON.stringify(preparation());
  for (const [text, message] of [
    [
      "[]",
      /^table preparation: preparation\.columns: nothing came; a list of at least one is needed; store the model again$/,
    ],
    ["{", /^table preparation: .*JSON.*; store the model again$/],
    [
      json.replace("numeric", "number"),
      /preparation\.columns\[0\]\.kind: "number" came; one of numeric, binary, categorical is needed/,
    ],
    [json.replace(/"deviation":[\d.]+/, '"deviation":0'), /^table preparation: column "age" contradicts itself/],
    [json.replace('"values":["f","m"]', '"values":["f","f"]'), /column "sex" contradicts itself/],
    [json.replace('"name":"sex"', '"name":"age"'), /a column stands there twice/],
  ] as const)
    check.ok(check.throws(() => readPreparation(text), message) instanceof DataError, text);
});
