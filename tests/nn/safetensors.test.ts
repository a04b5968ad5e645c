import { readFileSync } from "node:fs";
import { join } from "node:path";
import { halfToNumber, numberToHalf } from "../../engine/halves.js";
import { DataError } from "../../nn/data/error.js";
import { type HostTensor, readSafetensors, writeSafetensors } from "../../nn/safetensors.js";
import { check, root, test } from "../harness.js";

const golden = join(root, "tests/nn/golden");
const f32 = (shape: number[], ...values: number[]): HostTensor => ({
  dtype: "f32",
  shape,
  data: Float32Array.from(values),
});

const sample = new Map<string, HostTensor>([
  ["dense.weight", f32([2, 3], 1, -0, Number.NaN, Infinity, 1e-45, 0.1)],
  ["counts", { dtype: "i32", shape: [2], data: Int32Array.of(-1, 2 ** 31 - 1) }],
  ["key", { dtype: "u32", shape: [1, 2], data: Uint32Array.of(2 ** 32 - 1, 7) }],
  ["scalar", f32([], 3.25)],
  ["empty", f32([0, 4])],
  ["__proto__", f32([1], 2)],
  ["7", f32([1], 7)],
]);

test("every float of 16 bits keeps its bits, and what lies between two becomes the nearer one, ties even", () => {
  const wrong: number[] = [];
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = halfToNumber(bits);
    const again = numberToHalf(value);
    if (Number.isNaN(value) ? !Number.isNaN(halfToNumber(again)) : again !== bits) wrong.push(bits);
    const next = halfToNumber(bits + 1);
    // Of the same sign, and finite.
    if ((bits & 0x7fff) >= 0x7bff) continue;
    const middle = (value + next) / 2;
    const step = (next - value) / 64;
    if (numberToHalf(middle) !== (bits % 2 === 0 ? bits : bits + 1)) wrong.push(bits);
    if (numberToHalf(middle - step) !== bits || numberToHalf(middle + step) !== bits + 1) wrong.push(bits);
  }
  check.equal(wrong, []);
  check.equal([65_519, 65_520, -1e30, 2 ** -25, 2 ** -24].map(numberToHalf), [0x7bff, 0x7c00, 0xfc00, 0, 1]);
});

test("floats are stored in 16 bits where that is asked for, all else as it is", () => {
  const some = new Map(sample).set("dense.weight", f32([2, 3], 1, -0, Number.NaN, Infinity, 1e-45, 0.1));
  const bytes = writeSafetensors(some, new Map(), { floats: "f16" });
  const { tensors } = readSafetensors(bytes);
  check.identical(tensors.get("dense.weight")!.data, [1, -0, Number.NaN, Infinity, 0, halfToNumber(numberToHalf(0.1))]);
  for (const name of ["counts", "key", "scalar"]) check.identical(tensors.get(name)!.data, sample.get(name)!.data);
  check.ok(bytes.length < writeSafetensors(some).length, "fewer bytes");
  check.throws(
    () => writeSafetensors(new Map([["w", f32([1], 65_536)]]), new Map(), { floats: "f16" }),
    /"w" holds 65536; f16 ends at 65504; store it as f32/,
  );
});

test("halves of a file come back as f16 where that is asked for, and are written as they are", () => {
  const values = [1, -0, Number.NaN, Infinity, 2 ** -24, 65504];
  const file = writeSafetensors(new Map([...sample, ["half", { ...f32([2, 3], ...values), dtype: "f16" as const }]]));
  const found = readSafetensors(file, { halves: "f16" }).tensors;
  check.equal([found.get("half")!.dtype, found.get("half")!.shape], ["f16", [2, 3]]);
  check.identical(found.get("half")!.data, values);
  for (const name of sample.keys()) check.is(found.get(name)!.dtype, sample.get(name)!.dtype, name);
  check.identical(writeSafetensors(found), file, "there and back");
  check.equal([readSafetensors(file).tensors.get("half")!.dtype], ["f32"]);
  check.identical(readSafetensors(file).tensors.get("half")!.data, values);
  check.throws(() => readSafetensors(file, { halves: "bf16" as "f16" }), /halves is "bf16"; "f32" or "f16" is needed/);
});

test("what is written is read back to the bit, in files that do not depend on the order", () => {
  const metadata = new Map([
    ["epoch", "3"],
    ["note", 'quoted " and μ'],
  ]);
  const bytes = writeSafetensors(sample, metadata);
  const file = readSafetensors(bytes);
  check.equal([...file.metadata], [...metadata]);
  check.equal([...file.tensors.keys()].sort(), [...sample.keys()].sort());
  for (const [name, { dtype, shape, data }] of sample) {
    const read = file.tensors.get(name)!;
    check.equal([read.dtype, read.shape], [dtype, shape], name);
    check.identical(read.data, data, name);
  }
  check.identical(writeSafetensors(new Map([...sample].reverse()), metadata), bytes);
});

test("a file may lie anywhere in a buffer, and its tensors do not share memory with it", () => {
  const bytes = writeSafetensors(sample);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  const { tensors } = readSafetensors(shifted.subarray(1));
  shifted.fill(0);
  check.identical(tensors.get("dense.weight")!.data, sample.get("dense.weight")!.data);
});

test("a file of PyTorch's tensors is read, with every type it saves", () => {
  const { tensors, metadata } = readSafetensors(readFileSync(join(golden, "pytorch.safetensors")));
  check.equal(Object.fromEntries(metadata), { format: "pt", note: 'μ, "quoted"' });
  const values = [0, -0, 1, -2.5, 1 / 3, 6e-8, 65504, Infinity, -Infinity, Number.NaN];
  const third = { f16: 0.333251953125, bf16: 0.333984375 };
  const tiny = { f16: 2 ** -24, bf16: 6.007030606269836e-8 };
  for (const name of ["f64", "f32", "f16", "bf16"] as const) {
    const expected = Float32Array.from(values);
    if (name === "f16" || name === "bf16") {
      expected[4] = third[name];
      expected[5] = tiny[name];
      if (name === "bf16") expected[6] = 65536;
    }
    check.equal([tensors.get(name)?.dtype, tensors.get(name)?.shape], ["f32", [2, 5]], name);
    check.identical(tensors.get(name)!.data, expected, name);
  }
  check.identical(tensors.get("i64")!.data, [0, -1, 2 ** 31 - 1, -(2 ** 31)]);
  check.equal([tensors.get("i64")!.dtype, tensors.get("i32")!.shape], ["i32", [3, 1]]);
  check.identical(tensors.get("scalar")!.data, [3.25]);
  check.equal(tensors.get("empty")!.shape, [0, 4]);
  check.equal(tensors.get("0.weight")!.shape, [2, 1, 3, 3]);
  check.identical(tensors.get("1.num_batches_tracked")!.data, [0]);
});

test("what is written is the file that PyTorch was seen to read", () => {
  // holdfast.safetensors was written by this code and read by make-safetensors.py, which prints:
  //   7 F32 [1] [7.0] · __proto__ F32 [1] [2.0] · counts I32 [2] [-1, 2147483647] ·
  //   dense.weight F32 [2, 3] [1.0, -0.0, nan, inf, 1.401298464324817e-45, 0.10000000149011612] ·
  //   empty F32 [0, 4] [] · key U32 [1, 2] [4294967295, 7] · scalar F32 [] [3.25]
  const bytes = writeSafetensors(sample, new Map([["epoch", "3"]]));
  check.identical(bytes, readFileSync(join(golden, "holdfast.safetensors")));
});

/** A file with the given header and number of element bytes. */
function file(header: unknown, size: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + size);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const entry = (begin: number, end: number, shape: unknown = [(end - begin) / 4], dtype: unknown = "F32") => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

test("malformed safetensors files are refused in one sentence", () => {
  const huge = new Uint8Array(16).fill(255);
  const refused: [Uint8Array, RegExp][] = [
    [new Uint8Array(3), /3 bytes with a header length of NaN/],
    [huge, /16 bytes with a header length of 18446744073709552000; a length of 2 to 8 is needed/],
    [file("{]", 0), /header of 2 bytes is not JSON in UTF-8/],
    [file('"\uD800"', 0).fill(0xff, 9, 10), /not JSON in UTF-8/],
    [file([], 0), /not a JSON object/],
    [file(`${"[".repeat(100_000)}`, 0), /not JSON/],
    [file({ __metadata__: { epoch: 3 } }, 0), /"__metadata__" must map names to strings/],
    [file({ a: null }, 0), /the entry of "a" is not complete/],
    [file({ a: entry(0, 4, [-1]) }, 4), /the entry of "a" is not complete/],
    [file({ a: entry(0, 4, [0.5]) }, 4), /the entry of "a" is not complete/],
    [file({ a: entry(0, 4, [1], "F8_E4M3") }, 4), /"a" has type F8_E4M3; F32, I32, U32, F64, F16, BF16, I64 are read/],
    [file({ a: entry(0, 4, [1], "toString") }, 4), /"a" has type toString/],
    [file({ a: entry(0, 4, [2]) }, 4), /"a" is F32 \[2\] in bytes 0 to 4/],
    [file({ a: entry(4, 0, [1]) }, 4), /in bytes 4 to 0/],
    [file({ a: entry(0, 0, [2 ** 52, 2 ** 52, 0, 2 ** 52, 1, 1, 1, 1, 1]) }, 0), /at most 8 dimensions/],
    [file({ a: entry(0, 4), b: entry(8, 12) }, 12), /"b" begins at byte 8, the tensors before it end at 4/],
    [file({ a: entry(0, 8), b: entry(4, 8) }, 8), /"b" begins at byte 4, the tensors before it end at 8/],
    [file({ a: entry(0, 4) }, 8), /the header describes 4 bytes of elements, the file holds 8/],
    [file({ a: entry(0, 8) }, 4), /the header describes 8 bytes of elements, the file holds 4/],
    [file('{"a":1,"\\u0061":2}', 0), /the header names "a" twice/],
    [file('{"a":{"dtype":"F32","dtype":"I32"}}', 0), /the header names "dtype" twice/],
    [
      file({ a: entry(0, 8, [1], "I64") }, 8).fill(1, -8),
      /an I64 tensor holds 72340172838076673; only values that fit/,
    ],
    [file({ ["n".repeat(9999)]: 1 }, 0), /the entry of "n{60}…" is/],
  ];
  for (const [bytes, message] of refused) {
    const error = check.throws(() => readSafetensors(bytes), message);
    check.ok(error instanceof DataError && error.message.length < 600, "a DataError of one sentence");
  }
});

test("strings with braces, escapes and colons are no structure", () => {
  const odd = '{"__metadata__":{"a":"{\\"b\\": [","b":"}\\\\","c":"a: \\"c\\":"}}';
  check.equal(readSafetensors(file(odd, 0)).metadata.get("b"), "}\\");
});

test("a name that is reserved or a shape that does not fit cannot be written", () => {
  check.throws(() => writeSafetensors(new Map([["__metadata__", f32([1], 1)]])), /a tensor is named "__metadata__"/);
  check.throws(() => writeSafetensors(new Map([["a", f32([2], 1)]])), /"a" has shape \[2\] and 1 elements/);
});
