/** The suite of real GPUs: what it prints, and what it compares with. */
import { checkProduct } from "../../bench/goldens.js";
import { formatGpu, type GpuReport, knownPeak, leastBytes } from "../../bench/gpu.js";
import { flops, matmulInputs } from "../../bench/inputs.js";
import { measureInARow } from "../../bench/measure.js";
import { check, test } from "../harness.js";

function product(size: number): Float64Array {
  const { a, b } = matmulInputs(size);
  return Float64Array.from({ length: size * size }, (_, i) => {
    const [row, column] = [Math.floor(i / size), i % size];
    let entry = 0;
    for (let k = 0; k < size; k++) entry += a.data[row * size + k] * b.data[k * size + column];
    return entry;
  });
}

test("a product is compared with its definition, entry by entry", () => {
  const c = product(200);
  check.is(checkProduct(200, c).disagreement.relativeError, 0);
  check.is(checkProduct(200, c).checked, true);
  check.is(checkProduct(200, c.subarray(0, 100)).checked, false);
  check.is(
    checkProduct(
      200,
      c.map((value) => value + 0.1),
    ).checked,
    false,
  );
  check.is(checkProduct(200, c.fill(Number.NaN)).checked, false);
});

const report: GpuReport = {
  adapter: { vendor: "nvidia", architecture: "", device: "NVIDIA H200", description: "driver 1" },
  versions: {},
  results: [
    { case: "op-table", system: "holdfast", wait: "none", checked: true, note: "9 passed" },
    { case: "matmul-4096", system: "holdfast", wait: "spin", checked: true, medianMs: 20, inARowMs: 10 },
    { case: "sum-4m", system: "torch-cuda", wait: "none", checked: true, medianMs: 1, inARowMs: 0.5 },
    { case: "train-step", system: "holdfast", wait: "spin", checked: true, medianMs: 2, hostMs: 0.2, dispatches: 40 },
  ],
};

test("kernels stand with what they reach of the peak, in a row", () => {
  const text = formatGpu({ ...report, peak: { gflops: 20_000, gbPerSecond: 1000, source: "--peak" } });
  check.match(text, /matmul-4096 +holdfast +20 +10 +13744 +68\.7 % +20\.1 +2\.0 % +yes/);
  check.match(text, /sum-4m +torch-cuda +1 +0\.5 +- +- +33\.6 +3\.4 % +yes/);
  check.match(text, /train-step +holdfast +2 +- +0\.2 +40 +5 +yes/);
});

test("without a known peak nothing is made up", () => {
  check.match(formatGpu(report), /matmul-4096 .* 13744 +unknown +20\.1 +unknown +yes/);
  check.is(knownPeak({ device: "llvmpipe", description: "llvmpipe: Mesa" }), undefined);
  check.is(knownPeak({ device: "NVIDIA GeForce RTX 4090 Laptop GPU", description: "" }), undefined);
  check.is(knownPeak(report.adapter)?.gbPerSecond, 4800);
});

test("operations and bytes are those of the definition", () => {
  check.is(flops["matmul-4096"], 2 * 4096 ** 3);
  check.is(leastBytes("matmul-512"), 3 * 4 * 512 * 512);
  check.is(leastBytes("conv1"), 4 * (64 * 784 + 32 * 25 + 64 * 32 * 784));
});

test("runs in a row are issued without waiting in between", async () => {
  const seen: string[] = [];
  const work = { submit: () => void seen.push("submit"), finish: async () => void seen.push("finish") };
  check.ok((await measureInARow(work, 20, 2)) >= 0);
  check.equal(seen, ["submit", "submit", "submit", "finish", "submit", "submit", "submit", "finish"]);
});
