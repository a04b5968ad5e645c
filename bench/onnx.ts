/** Networks in ONNX files through the command line: how long a forward pass, a gradient, an explanation, an attack and an audit take, and how
 *  much memory. Each in a process of its own. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { encode } from "fast-png";
import { drawFrom } from "../nn/data/integer-random.js";
import type { OnnxTimes } from "./onnxWork.js";
import type { Report, Row } from "./report.js";

/** A network of the suite. */
interface Net {
  readonly name: string;
  readonly title: string;
  /** Of a sample, where the file leaves it open, or where images are to be made. */
  readonly shape?: readonly [channels: number, height: number, width: number];
  /** Data set whose rows it takes, which it is trained on where there is no file. */
  readonly table?: string;
  /** `onnxNets.ts` makes it where there is no file. */
  readonly made?: boolean;
}

const NETS: readonly Net[] = [
  { name: "resnet18_224", title: "ResNet-18, random weights", shape: [3, 224, 224], made: true },
  { name: "mobilenet_v2_224", title: "MobileNetV2, random weights", shape: [3, 224, 224], made: true },
  { name: "symbols", title: "411 drawn symbols, PyTorch's newer exporter", shape: [1, 224, 224] },
  { name: "text-direction", title: "PaddleOCR's classifier of text direction", shape: [3, 48, 192] },
  { name: "compas", title: "a perceptron of `train` and `export`", table: "compas" },
];

export const onnxCases = NETS.map(({ name }) => name);

/** What one process came to. */
export interface OnnxWork {
  readonly work: string;
  readonly seconds: number;
  /** The most memory that it held, in MiB; null where the system does not tell. */
  readonly peakMiB: number | null;
  readonly note?: string;
}

export interface OnnxFigures {
  readonly name: string;
  readonly title: string;
  readonly times?: OnnxTimes;
  readonly works: readonly OnnxWork[];
}

export interface OnnxReport extends Report {
  readonly networks?: readonly OnnxFigures[];
}

export interface OnnxSuiteOptions {
  readonly cases?: readonly string[];
  /** Where the files are: NAME.onnx each. */
  readonly dataDir?: string;
  readonly onRow?: (row: Row) => void;
}

const SAMPLES = 3;
/** Minutes of an audit; what it does not come to goes on by the same command. */
const BUDGET = 4;

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

interface Ended {
  readonly code: number | null;
  /** That ended it, where one did. */
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
  readonly seconds: number;
  readonly peakMiB: number | null;
}

/** Runs a script of ours; looks at its memory until it ends. */
export async function ran(args: readonly string[]): Promise<Ended> {
  const began = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const text = { out: "", err: "" };
  for (const [name, stream] of [
    ["out", child.stdout],
    ["err", child.stderr],
  ] as const)
    stream.setEncoding("utf8").on("data", (part: string) => {
      text[name] += part;
    });
  let peakMiB: number | null = null;
  const look = setInterval(() => {
    peakMiB = peakOf(child.pid) ?? peakMiB;
  }, 100);
  const end = await new Promise<Pick<Ended, "code" | "signal">>((done) =>
    child.on("close", (code, signal) => done({ code, signal })),
  );
  clearInterval(look);
  return { ...end, ...text, seconds: (performance.now() - began) / 1000, peakMiB };
}

/** Why a script did not end well: the last line it wrote, unless a signal ended it, of which that line knows nothing. */
export function failureOf({ code, signal, err }: Pick<Ended, "code" | "signal" | "err">): string {
  if (signal) return `ended by ${signal}`;
  return err.trim().split("\n").at(-1) || `exit code ${code}`;
}

/** The high-water mark of a process, as Linux keeps it. */
function peakOf(pid: number | undefined): number | undefined {
  try {
    const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return found ? Number(found[1]) / 1024 : undefined;
  } catch {
    return undefined;
  }
}

/** The suite; a file that is not there is left out, and the report says so. */
export async function runOnnx(options: OnnxSuiteOptions): Promise<Omit<OnnxReport, "adapter" | "versions">> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-onnx-"));
  const results: Row[] = [];
  const leftOut: string[] = [];
  const networks: OnnxFigures[] = [];
  try {
    for (const net of NETS) {
      if (!(options.cases?.includes(net.name) ?? true)) continue;
      const { file, why } = await fileOf(net, options.dataDir, folder);
      if (file === undefined)
        leftOut.push(`${net.name}: no ${net.name}.onnx in ${options.dataDir ?? "any folder"} ; ${why}`);
      else networks.push(await measured(net, file, folder, note(net)));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { results, networks, leftOut };

  function note({ name }: Net): (work: string, ended: Ended) => void {
    return (work, ended) => {
      const { code, seconds } = ended;
      const row: Row = {
        ...{ case: `${name} ${work}`, system: "holdfast", wait: "none", medianMs: 1000 * seconds },
        checked: code === 0,
        ...(code !== 0 && { error: failureOf(ended) }),
      };
      results.push(row);
      options.onRow?.(row);
    };
  }
}

/** The network's file; where there is none, one that is made, or trained and exported; else why there is none. */
async function fileOf(
  { name, table, made }: Net,
  dir: string | undefined,
  folder: string,
): Promise<{ file: string; why?: undefined } | { file?: undefined; why: string }> {
  const stored = dir === undefined ? undefined : resolve(dir, `${name}.onnx`);
  if (stored && existsSync(stored)) return { file: stored };
  const [weights, out, main] = [
    join(folder, `${name}.safetensors`),
    join(folder, `${name}.onnx`),
    script("../cli/main.js"),
  ];
  const steps = made
    ? [[script("./onnxNets.js"), name, out]]
    : table
      ? [
          [main, "train", "--data", table, "--epochs", "5", "--out", weights],
          [main, "export", "--weights", weights, "--out", out],
        ]
      : [];
  if (steps.length === 0) return { why: "--data-dir names it" };
  for (const step of steps) {
    const ended = await ran(step);
    if (ended.code !== 0) return { why: failureOf(ended) };
  }
  return { file: out };
}

async function measured(
  net: Net,
  file: string,
  folder: string,
  note: (work: string, ended: Ended) => void,
): Promise<OnnxFigures> {
  const works: OnnxWork[] = [];
  const run = async (work: string, args: readonly string[], about?: (ended: Ended) => string | undefined) => {
    const ended = await ran(args);
    note(work, ended);
    // What it had planned to do it says before it does it.
    const said = ended.code === 0 ? about?.(ended) : undefined;
    works.push({ work, seconds: ended.seconds, peakMiB: ended.peakMiB, ...(said !== undefined && { note: said }) });
    return ended;
  };
  const timed = await run("forward and gradient", [
    ...[script("./onnxWork.js"), file],
    ...(net.shape ? [net.shape.join()] : []),
  ]);
  const times = timed.code === 0 ? (JSON.parse(timed.out) as OnnxTimes) : undefined;
  const [one, all] = dataFor(net, times?.outputs ?? 2, folder);
  const model = ["--model", file, ...(net.shape ? ["--shape", net.shape.join()] : [])];
  const command = (name: string, ...rest: string[]): string[] => [
    ...[script("../cli/main.js"), name, ...model, ...rest],
    ...["--out", join(folder, name === "explain" ? `${net.name}.png` : `${net.name}-${name}`)],
  ];
  await run("explain", command("explain", ...one, "--method", "gradient"));
  await run("attack, 100 steps", command("attack", ...one, "--steps", "100"));
  const audit = ["--quick", "--samples", String(SAMPLES), "--budget", String(BUDGET)];
  await run(`audit, quick, ${SAMPLES} samples`, command("audit", ...all, ...audit), ({ out }) => {
    const cells = /(\d+) measurements on/.exec(out)?.[1];
    const missing = /(\d+) measurements are missing/.exec(out)?.[1] ?? "0";
    return cells === undefined ? undefined : `${Number(cells) - Number(missing)} of ${cells} measurements`;
  });
  return { name: net.name, title: net.title, ...(times && { times }), works };
}

/** Options that name one sample, and labelled ones for an audit. */
function dataFor({ name, shape, table }: Net, outputs: number, folder: string): [one: string[], all: string[]] {
  if (!shape)
    return [
      ["--data", table!],
      ["--data", table!],
    ];
  const images = join(folder, `${name}-images`);
  mkdirSync(images);
  const lines = Array.from({ length: 40 }, (_, i) => {
    writeFileSync(join(images, `${i}.png`), drawnImage(shape, i));
    return `${i}.png,${i % Math.min(outputs, 4)}`;
  });
  const labels = join(folder, `${name}-labels.csv`);
  writeFileSync(labels, `filename,label\n${lines.join("\n")}\n`);
  return [
    ["--image", join(images, "0.png")],
    ["--data", images, "--labels", labels],
  ];
}

/** Overlapping discs of random colours. */
function drawnImage([channels, height, width]: readonly [number, number, number], seed: number): Uint8Array {
  const draw = drawFrom(seed, 0x6f6e);
  const discs = Array.from({ length: 12 }, () => ({
    ...{ y: draw.below(height), x: draw.below(width), r: 4 + draw.below(Math.min(height, width) / 3) },
    colour: Array.from({ length: channels }, () => draw.below(256)),
  }));
  const data = new Uint8Array(channels * height * width);
  for (let p = 0; p < height * width; p++)
    for (const { y, x, r, colour } of discs)
      if ((Math.floor(p / width) - y) ** 2 + ((p % width) - x) ** 2 < r * r) data.set(colour, p * channels);
  return encode({ width, height, channels: channels as 1 | 3, depth: 8, data });
}
