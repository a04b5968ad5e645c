/** The reader of ONNX files: what is refused, and that nothing but DataError comes out of a broken one. */
import { DataError, importOnnx } from "../../nn/index.js";
import { readTensor } from "../../nn/onnx/initialiser.js";
import { readModelProto, readTensorProto } from "../../nn/onnx/proto.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";
import { graph, integer, model, piece, tensor, valueInfo, words } from "./onnx/encode.js";
import { smallNet } from "./onnx/small-net.js";

const bytes = (...parts: readonly (readonly number[])[]): Uint8Array => Uint8Array.from(parts.flat());

test("a model comes back as it was written, and raw data are views of the file", () => {
  const file = smallNet();
  const read = readModelProto(file);
  check.is(read.ir_version, 8);
  check.equal(
    read.graph?.node.map(({ op_type }) => op_type),
    [
      "Conv",
      "BatchNormalization",
      "Relu",
      "MaxPool",
      "Conv",
      "Relu",
      "GlobalAveragePool",
      "Reshape",
      "Gemm",
      "Softmax",
    ],
  );
  check.equal(read.graph?.node[0].attribute[0].ints, [1, 1, 1, 1]);
  const weights = read.graph!.initializer[0];
  check.equal(weights.dims, [4, 2, 3, 3]);
  check.is(weights.raw_data?.buffer, file.buffer);
  const dims = read.graph!.input[0].type?.tensor_type?.shape?.dim;
  check.equal(
    dims?.map(({ dim_value }) => dim_value),
    [1, 2, 8, 8],
  );
});

test("numbers of every length, negative ones, packed ones and single ones", () => {
  const list = [0, 1, 127, 128, 300, 2 ** 31, 2 ** 53, -1, -(2 ** 31)];
  const one = readTensorProto(bytes(...list.map((v) => integer(7, BigInt(v)))));
  check.equal(one.int64_data, list);
  const float = readTensorProto(bytes([4 * 8 + 5, 0, 0, 128, 63]));
  check.equal(float.float_data, [1]);
  check.equal(readTensorProto(bytes(piece(4, [0, 0, 128, 63, 0, 0, 0, 192]))).float_data, [1, -2]);
});

test("every element type, in lists and in raw bytes", () => {
  const raw = (type: number, data: Uint8Array) => [
    ...readTensor(readTensorProto(bytes(integer(1, 2), integer(2, type), piece(9, data)))).data,
  ];
  const of = (array: { readonly buffer: ArrayBufferLike }): Uint8Array => new Uint8Array(array.buffer);
  check.equal(raw(1, of(Float32Array.of(1.5, -2))), [1.5, -2]);
  check.equal(raw(2, Uint8Array.of(255, 1)), [255, 1]);
  check.equal(raw(3, Uint8Array.of(255, 1)), [-1, 1]);
  check.equal(raw(4, of(Uint16Array.of(65535, 1))), [65535, 1]);
  check.equal(raw(5, of(Int16Array.of(-5, 1))), [-5, 1]);
  check.equal(raw(6, of(Int32Array.of(-(2 ** 31), 1))), [-(2 ** 31), 1]);
  check.equal(raw(7, of(BigInt64Array.of(-3n, 2n ** 40n))), [-3, 2 ** 40]);
  check.equal(raw(9, Uint8Array.of(0, 2)), [0, 1]);
  check.equal(raw(10, of(Uint16Array.of(0x3c00, 0xc100))), [1, -2.5]);
  check.equal(raw(11, of(Float64Array.of(1e300, -0.1))), [1e300, -0.1]);
  check.equal(raw(12, of(Uint32Array.of(2 ** 32 - 1, 3))), [2 ** 32 - 1, 3]);
  check.equal(raw(13, of(BigUint64Array.of(2n ** 63n, 3n))), [2 ** 63, 3]);
  check.equal(raw(16, of(Uint16Array.of(0x3fc0, 0xc000))), [1.5, -2]);
  const listed = (type: number, field: number, values: readonly (number | bigint)[]) => [
    ...readTensor(readTensorProto(bytes(integer(1, 2), integer(2, type), ...values.map((v) => integer(field, v)))))
      .data,
  ];
  check.equal(listed(3, 5, [255, 1]), [-1, 1]);
  check.equal(listed(10, 5, [0x3c00, 0xc100]), [1, -2.5]);
  check.equal(listed(13, 11, [2n ** 63n, 3]), [2 ** 63, 3]);
});

test("what is malformed is said in one sentence", () => {
  const cases: [Uint8Array, RegExp][] = [
    [bytes([8]), /its end in the middle of a number, at byte 1 of 1/],
    [bytes([8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]), /a number of more than ten bytes/],
    [bytes([58, 200, 1, 0]), /200 bytes announced where 1 are left/],
    [bytes([58, 255, 255, 255, 255, 255, 255, 255, 1]), /a length of more than six bytes/],
    [bytes([59]), /wire type 3/],
    [bytes([56, 1]), /"graph" with wire type 0/],
    [bytes(integer(1, 8), integer(1, 8)), /"ir_version" twice/],
    [bytes([2, 1]), /field number 0/],
    [bytes(piece(2, [255, 254])), /"producer_name" that is not text in UTF-8/],
    [new TextEncoder().encode("<!DOCTYPE html>"), /check that this is an ONNX file/],
  ];
  for (const [file, message] of cases) {
    const error = check.throws(() => readModelProto(file), message);
    check.ok(error instanceof DataError, String(message));
  }
  check.equal(
    readModelProto(bytes(integer(99, 1), words(98, "later"), integer(1, 8))).ir_version,
    8,
    "new fields pass",
  );
});

test("graphs within graphs have an end, and so have messages", () => {
  let inner = graph({ nodes: [], outputs: ["y"] });
  for (let depth = 0; depth < 30; depth++)
    inner = graph({
      nodes: [{ op: "If", inputs: [], outputs: ["y"], attributes: { g: { graph: inner } } }],
      outputs: ["y"],
    });
  check.throws(() => readModelProto(bytes(piece(7, inner))), /messages 49 deep in each other/);
  const many = new Uint8Array(2 + 2 * 2 ** 20);
  // Empty nodes, two bytes each.
  for (let i = 0; i < many.length; i += 2) many.set([10, 0], i);
  const length = many.length;
  const varint = [(length & 127) | 128, ((length >> 7) & 127) | 128, ((length >> 14) & 127) | 128, length >> 21];
  check.throws(() => readModelProto(Uint8Array.from([58, ...varint, ...many])), /more than 524288 messages/);
});

referenceTest("shapes that would fill the memory are refused before they do", async () => {
  const huge = (op: string, data: readonly number[]) =>
    model({
      nodes: [
        { op, inputs: ["s"], outputs: ["c"], name: "huge" },
        { op: "Mul", inputs: ["x", "c"], outputs: ["y"] },
      ],
      inputs: [valueInfo("x", [1, 1])],
      outputs: ["y"],
      initialisers: [tensor("s", [data.length], data, 7)],
    });
  await check.rejects(
    () => importOnnx(huge("ConstantOfShape", [100_000, 100_000])),
    /at most 4194304 elements are folded/,
  );
  await check.rejects(() => importOnnx(huge("ConstantOfShape", [-1])), DataError);
});
