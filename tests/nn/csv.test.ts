import fc from "fast-check";
import { DataError } from "../../nn/data/error.js";
import { readCsv, SEPARATORS, type TextTable } from "../../nn/data/table/csv.js";
import { check, test } from "../harness.js";

interface Written extends TextTable {
  readonly separator: string;
  readonly end: string;
  readonly quoted: readonly boolean[];
}

/** By RFC 4180: a cell that needs quotes has them, another one may. */
function written({ columns, rows, separator, end, quoted }: Written): string {
  let cells = 0;
  const cell = (text: string): string => {
    const needed = text === "" || /["\r\n;,\t]/.test(text);
    return needed || quoted[cells++ % quoted.length] ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((row) => row.map(cell).join(separator) + end).join("");
}

const cell = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.constantFrom("", '"', ",", "a;b", "two\nlines", "\r\n", " x ", "é", "1.5"),
);
const table = fc.integer({ min: 1, max: 4 }).chain((width) =>
  fc.record({
    columns: fc.uniqueArray(
      fc.string({ minLength: 1, maxLength: 5 }).filter((name) => name.charCodeAt(0) !== 0xfeff),
      { minLength: width, maxLength: width },
    ),
    rows: fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 }),
    separator: fc.constantFrom(...SEPARATORS),
    end: fc.constantFrom("\n", "\r\n", "\r"),
    quoted: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
  }),
);

test("a table that was written is read again, with any separator, line end and quoting", () => {
  check.holds(
    fc.property(table, (made) => {
      const text = written(made);
      const { columns, rows } = readCsv(text, { separator: made.separator as "," });
      check.equal([columns, ...rows], [made.columns, ...made.rows]);
      const unfinished = readCsv(text.slice(0, -made.end.length), { separator: made.separator as "," });
      check.equal(unfinished.rows, made.rows, "without the last line end");
    }),
    { numRuns: 300 },
  );
});

test("the separator is found, a byte order mark and empty lines passed over, spaces dropped on request", () => {
  for (const [text, columns, row] of [
    ["a,b;c\n1,2;3\n", ["a", "b;c"], ["1", "2;3"]],
    ['a;"b,,";c\n1;2;3', ["a", "b,,", "c"], ["1", "2", "3"]],
    ["a\tb\r\n\r\n1\t \r\n\r\n", ["a", "b"], ["1", " "]],
    ["\ufeffa\nx", ["a"], ["x"]],
    ["a,b\r1,\r", ["a", "b"], ["1", ""]],
    ["a,b\n1,", ["a", "b"], ["1", ""]],
  ] as const)
    check.equal(readCsv(text), { columns: [...columns], rows: [[...row]] }, JSON.stringify(text));
  const trimmed = readCsv('1, a ," b "\n', { header: ["x", "y", "z"], trim: true });
  check.equal(trimmed, { columns: ["x", "y", "z"], rows: [["1", "a", " b "]] });
});

test("a column that stands there twice is taken once if it is a copy", () => {
  check.equal(readCsv("a,b,a\n1,2,1\n"), { columns: ["a", "b"], rows: [["1", "2"]] });
  check.throws(
    () => readCsv("a,b,a\n1,2,1\n3,4,5\n"),
    /^csv: columns 1 and 3 are both named "a" and differ; rename one of them$/,
  );
});

test("malformed tables are refused in one sentence that names the line", () => {
  const refused: [string, RegExp][] = [
    ["", /^csv: 0 rows under no header; at least one row is needed$/],
    ["a,b\n", /^csv: 0 rows under a header/],
    ["a,b\n1,2\n3\n", /^csv: line 3 has 1 cells and the header 2; as many are needed$/],
    ['a,b\n"x\ny",2\n\n1,2,3', /^csv: line 5 has 3 cells/],
    ['a,b\n1,"2\n3', /^csv: the quote that line 2 opens is never closed; close it$/],
    ['a,b\n1,2"3\n', /^csv: line 2 has a quote inside a cell; quote the whole cell and double the quote$/],
    ['a,b\n1,"2"3\n', /^csv: line 2 goes on after a closing quote; a separator or the end of the line is needed$/],
  ];
  for (const [text, message] of refused)
    check.ok(check.throws(() => readCsv(text), message) instanceof DataError, JSON.stringify(text));
});
