/** Arrays that NumPy wrote. The bytes are as numpy.lib.format describes them, made by hand. */
import { readNpy } from "../../nn/index.js";
import { check, test } from "../harness.js";

/** A file of one version with a header and data. */
function npy(header: string, data: ArrayBufferView, version = 1): Uint8Array {
  const lead = version === 1 ? 10 : 12;
  const text = `${header.padEnd(Math.ceil((header.length + lead + 1) / 64) * 64 - lead - 1)}\n`;
  const out = new Uint8Array(lead + text.length + data.byteLength);
  out.set([0x93, ...Buffer.from("NUMPY"), version, 0]);
  const view = new DataView(out.buffer);
  if (version === 1) view.setUint16(8, text.length, true);
  else view.setUint32(8, text.length, true);
  out.set(Buffer.from(text, "latin1"), lead);
  out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), lead + text.length);
  return out;
}

const header = (descr: string, shape: string, fortran = "False"): string =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;

test("numbers of every kind, by rows", () => {
  const six = [1, 2, 3, 4, 5, 6];
  for (const [descr, data] of [
    ["<f4", Float32Array.from(six)],
    ["<f8", Float64Array.from(six)],
    ["<i4", Int32Array.from(six)],
    ["<i8", BigInt64Array.from(six.map(BigInt))],
    ["<u8", BigUint64Array.from(six.map(BigInt))],
    ["<i2", Int16Array.from(six)],
    ["<u2", Uint16Array.from(six)],
    ["<u4", Uint32Array.from(six)],
    ["|u1", Uint8Array.from(six)],
    ["|i1", Int8Array.from(six)],
    ["<f2", Uint16Array.from([0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600])],
  ] as const) {
    const { shape, data: read } = readNpy(npy(header(descr, "(2, 3)"), data));
    check.equal(shape, [2, 3]);
    check.equal([...read], six, descr);
  }
  check.equal([...readNpy(npy(header("|b1", "(2,)"), Uint8Array.of(0, 1))).data], [0, 1]);
  check.equal([...readNpy(npy(header("<i2", "(1,)"), Int16Array.of(-7))).data], [-7]);
});

test("big endian, columns first, single numbers, later versions", () => {
  check.equal([...readNpy(npy(header(">f4", "(1,)"), Uint8Array.of(0x3f, 0xc0, 0, 0))).data], [1.5]);
  // [[1,2,3],[4,5,6]] with columns first lies as 1 4 2 5 3 6.
  const columns = npy(header("<f4", "(2, 3)", "True"), Float32Array.of(1, 4, 2, 5, 3, 6));
  check.equal([...readNpy(columns).data], [1, 2, 3, 4, 5, 6]);
  const deep = npy(header("<f4", "(2, 1, 2, 2)", "True"), Float32Array.of(0, 4, 2, 6, 1, 5, 3, 7));
  check.equal([...readNpy(deep).data], [0, 1, 2, 3, 4, 5, 6, 7]);
  const one = readNpy(npy(header("<f4", "()"), Float32Array.of(9)));
  check.equal([one.shape, [...one.data]], [[], [9]]);
  for (const version of [2, 3])
    check.equal([...readNpy(npy(header("<f4", "(1,)"), Float32Array.of(3), version)).data], [3]);
  check.equal(readNpy(npy(header("<f4", "(0, 3)"), new Float32Array(0))).shape, [0, 3]);
});

test("what is no array of numbers is refused in one sentence", () => {
  const four = Float32Array.of(1, 2, 3, 4);
  for (const [bytes, said] of [
    [new Uint8Array(0), /does not begin/],
    [Buffer.from("PK\u0003\u0004 an archive"), /does not begin/],
    [npy(header("<f4", "(5,)"), four), /needs 20 bytes, 16 came/],
    [npy(header("<f4", "(3,)"), four), /needs 12 bytes, 16 came/],
    [npy(header("|O", "(4,)"), four), /elements of type \|O/],
    [npy(header("<c8", "(2,)"), four), /elements of type <c8/],
    [npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,), }", four), /plain numbers/],
    [npy(header("<f4", "(4, -1)"), four), /header does not give/],
    [npy(header("<f4", "(99999999999, 9999999999)"), four), /makes no sense/],
    [npy(header("<f4", "(4,)"), four, 4), /version 4.0/],
    [npy(header("<f4", "(4,)"), four).subarray(0, 40), /not whole/],
  ] as const)
    check.throws(() => readNpy(bytes as Uint8Array), said);
});
