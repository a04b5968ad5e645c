/** Every parser of files that others wrote: `tests/mutants.test.ts` and `npm run mutants` follow from this table. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { encode } from "jpeg-js";
import { ConfigError, readConfig } from "../atex/experiments/index.js";
import { parseAuditFile, readMeasurement } from "../cli/audit.js";
import { labelsOf } from "../cli/data.js";
import { cellText, readCellText } from "../cli/reproduce/cell-file.js";
import { sealed } from "../cli/sealed.js";
import { DeviceError, dispose, random } from "../engine/index.js";
import { kernelsVersion, tuningFor } from "../engine/tuning.js";
import { readCifar } from "../nn/data/cifar.js";
import { readIdx, readIdxFile } from "../nn/data/idx.js";
import { readJpeg } from "../nn/data/jpeg.js";
import { readPng } from "../nn/data/png.js";
import { readPreparation } from "../nn/data/table/preparation.js";
import {
  adam,
  cardMetadata,
  importOnnx,
  initialState,
  loadCheckpoint,
  openNetwork,
  openTable,
  packTree,
  presets,
  readCsv,
  readNetworkFile,
  readNpy,
  readSafetensors,
  relu,
  saveCheckpoint,
  type TrainState,
  unpackTree,
} from "../nn/index.js";
import { readModelProto } from "../nn/onnx/proto.js";
import { onReference } from "./executors.js";
import { root } from "./harness.js";
import { progressive } from "./nn/jpeg-files.js";
import { makePng, repairSums } from "./nn/make-png.js";
import { type MutantOptions, type Survival, surviveMutants } from "./nn/mutants.js";
import { smallNet } from "./nn/onnx/small-net.js";

export interface Parser extends Pick<MutantOptions, "refusals"> {
  readonly name: string;
  /** Exported functions of `holdfast/nn` that it is about. */
  readonly reads?: readonly string[];
  /** A good file. */
  file(): Uint8Array | Promise<Uint8Array>;
  /** Frees what it makes. */
  parse(bytes: Uint8Array): unknown;
  /** Of a good file's contents, for compressed formats. */
  readonly unpacked?: (file: Uint8Array) => number;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const words = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const file = (path: string): Uint8Array => new Uint8Array(readFileSync(join(root, path)));

const table = `age,sex,town,income\n${Array.from({ length: 24 }, (_, i) => `${20 + i},${"fm"[i % 2]},${["rome", "oslo", "bonn"][i % 3]},${i % 2 ? "low" : "high"}`).join("\n")}\n`;

const logistic = () => presets.logistic({ activation: relu, classes: 3, init: undefined });
const card = { network: "logistic", activation: "relu", beta: 10, classes: ["a", "b", "c"] } as const;
const first = () => logistic().init(random.key(0), [4]).params;
const said = () => ({ ...cardMetadata(card, logistic()), shape: "[4]", data: "own.csv" });

/** A state to save, or to compare with, freed after `use`: an optimiser keeps what it begins with. */
async function withState<T>(use: (state: TrainState) => T | Promise<T>): Promise<T> {
  const state = initialState(first(), adam());
  try {
    return await use(state);
  } finally {
    dispose([state.params, state.optimiser]);
  }
}

const idx = (...shape: readonly number[]): Uint8Array => {
  const count = shape.reduce((a, b) => a * b);
  const header = [
    0,
    0,
    8,
    shape.length,
    ...shape.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]),
  ];
  return Uint8Array.from([...header, ...Array.from({ length: count }, (_, i) => (i * i) & 255)]);
};

const grey = () =>
  makePng({ width: 28, height: 28, depth: 8, colourType: 0, channels: 1, sample: (x, y) => (x * y * 31 + x) & 255 });

const npy = (): Uint8Array => {
  const header = `${"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".padEnd(117)}\n`;
  const data = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
  return Uint8Array.from([0x93, ...utf8("NUMPY"), 1, 0, header.length, 0, ...utf8(header), ...data]);
};

const jpeg = (): Uint8Array => {
  const [width, height] = [24, 16];
  const data = Uint8Array.from({ length: 4 * width * height }, (_, i) => (i * i) & 255);
  return new Uint8Array(encode({ width, height, data }, 60).data);
};
// A header may say eight blocks of 64 pixels for each byte, of which the decoder holds about 24 bytes each.
const jpegUnpacked = ({ length }: Uint8Array): number => 8 * 64 * 24 * length;

/** A line of the finished study; without pictures, which are most of it. */
const cell = () => {
  const line = words(file("tests/fixtures/reproduce/study.jsonl")).split("\n")[1];
  const { pictures: _, ...rest } = JSON.parse(line);
  return { ...rest, measurements: rest.measurements.slice(0, 12) };
};

const adapter = { vendor: "v", architecture: "a", device: "d", description: "x" };

export const PARSERS: readonly Parser[] = [
  {
    name: "safetensors",
    reads: ["readSafetensors"],
    file: () => file("tests/nn/golden/pytorch.safetensors"),
    parse: readSafetensors,
  },
  {
    name: "parameter tree",
    reads: ["unpackTree"],
    file: () => file("tests/nn/golden/pytorch.safetensors"),
    parse: (bytes) => dispose(unpackTree(bytes).tree),
  },
  {
    name: "weights with their network",
    reads: ["openNetwork"],
    file: () => packTree(first(), said()),
    parse: (bytes) => dispose(openNetwork(bytes).params),
  },
  {
    name: "model card",
    reads: ["readNetworkFile", "readCard", "readClasses"],
    file: () =>
      packTree(first(), { ...said(), preparation: JSON.stringify(openTable(table, { target: "income" }).preparation) }),
    parse: (bytes) => readNetworkFile(bytes),
  },
  {
    name: "checkpoint",
    reads: ["loadCheckpoint"],
    file: () => withState((state) => saveCheckpoint(state, { ...said(), epochs: "4" })),
    parse: (bytes) =>
      withState((like) => {
        const { state } = loadCheckpoint(bytes, like);
        dispose([state.params, state.optimiser]);
      }),
  },
  { name: "IDX", reads: ["readIdx"], file: () => idx(20, 28, 28), parse: readIdx },
  {
    name: "IDX, compressed",
    reads: ["readIdxFile", "openIdx"],
    file: () => new Uint8Array(gzipSync(idx(4, 28, 28))),
    parse: (bytes) => readIdxFile(bytes),
    unpacked: () => 4 * 784,
  },
  {
    name: "PNG",
    reads: ["readPng", "readImage", "readImageAs"],
    file: grey,
    parse: (bytes) => readPng(bytes),
    unpacked: () => 28 * 28 * 4,
  },
  {
    name: "PNG with right sums",
    file: grey,
    parse: (bytes) => readPng(repairSums(bytes)),
    unpacked: () => 28 * 28 * 4,
  },
  {
    name: "PNG in colour",
    file: () =>
      makePng({
        width: 9,
        height: 7,
        depth: 8,
        colourType: 2,
        channels: 3,
        sample: (x, y, c) => (x * y * 31 + c) & 255,
      }),
    parse: (bytes) => readPng(bytes, 3),
    unpacked: () => 9 * 7 * 24,
  },
  { name: "JPEG", reads: ["readJpeg"], file: jpeg, parse: (bytes) => readJpeg(bytes, 3), unpacked: jpegUnpacked },
  {
    name: "JPEG, progressive",
    file: () => progressive.file,
    parse: (bytes) => readJpeg(bytes, 3),
    unpacked: () => jpegUnpacked(jpeg()),
  },
  { name: "npy", reads: ["readNpy"], file: npy, parse: readNpy },
  { name: "CSV", reads: ["readCsv", "openTable"], file: () => utf8(table), parse: (bytes) => readCsv(words(bytes)) },
  {
    name: "labels.csv",
    file: () => utf8(`filename,label\n${Array.from({ length: 40 }, (_, i) => `"img ${i}.png",${i % 3}\r\n`).join("")}`),
    parse: (bytes) => labelsOf(words(bytes)),
  },
  {
    name: "table preparation",
    reads: ["readPreparation"],
    file: () => utf8(JSON.stringify(openTable(table, { target: "income" }).preparation)),
    parse: (bytes) => readPreparation(words(bytes)),
  },
  {
    name: "CIFAR-10",
    reads: ["readCifar"],
    file: () => Uint8Array.from({ length: 3 * 3073 }, (_, i) => (i % 3073 === 0 ? i / 3073 : i & 255)),
    parse: (bytes) => readCifar([{ name: "batch.bin", bytes }]),
  },
  { name: "ONNX, the file", file: smallNet, parse: readModelProto },
  {
    name: "ONNX, the network",
    reads: ["importOnnx", "openOnnx"],
    file: smallNet,
    parse: async (bytes) => dispose((await importOnnx(bytes)).params),
  },
  {
    name: "configuration",
    file: () => file("cli/reproduce/configs/smoke.json"),
    parse: (bytes) => readConfig(JSON.parse(words(bytes))),
    refusals: [ConfigError, SyntaxError],
  },
  {
    name: "tuning table",
    file: () =>
      utf8(
        JSON.stringify({
          ...{ adapter, kernels: kernelsVersion(), made: "2026-01-31" },
          choices: [
            {
              op: "matmul",
              shape: { batch: 1, m: 128, n: 128, depth: 128, transA: false, transB: false },
              choice: { variant: "plain" },
            },
          ],
        }),
      ),
    parse: (bytes) => tuningFor(adapter, JSON.parse(words(bytes))),
    refusals: [DeviceError, SyntaxError],
  },
  { name: "cell of a study", file: () => utf8(cellText(cell())), parse: (bytes) => readCellText(words(bytes)) },
  {
    name: "cell of a study, of before checksums",
    file: () => utf8(JSON.stringify(cell())),
    parse: (bytes) => readCellText(words(bytes)),
  },
  {
    name: "measurement of an audit",
    file: () =>
      utf8(
        sealed({
          of: "{}",
          measurement: { numbers: [{ name: "x", value: 1, low: 0, high: Number.NaN, n: 3, values: [1, 2, 0] }] },
        }),
      ),
    parse: (bytes) => readMeasurement(words(bytes)),
  },
  {
    name: "configuration of an audit",
    file: () =>
      utf8('{"rows":["weights","attack"],"explainers":["gradient"],"settings":{"attack":{"steps":3}},"samples":20}'),
    parse: (bytes) => parseAuditFile(words(bytes)),
  },
];

/** Feeds mutants to one of them and sees that no tensor is left. @throws what the checks of a test throw. */
export function survive({ file, parse, unpacked, refusals }: Parser, count: number): Promise<Survival> {
  return onReference(async () => {
    const original = await file();
    await parse(original);
    return surviveMutants(original, parse, { count, refusals, unpacked: unpacked?.(original) });
  });
}
