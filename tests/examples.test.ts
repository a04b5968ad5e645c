/** The programs of `examples` do what their comments say. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { runInChromium } from "./browser/chromium.js";
import { findChromium } from "./drivers/find.js";
import { check, gpuTest, root, skip, test } from "./harness.js";
import { runInTurn } from "./inTurn.js";

const timeoutMs = 180_000;

const numbers = (text: string): number[] => (text.match(/-?\d+(\.\d+)?(e[-+]?\d+)?/g) ?? []).map(Number);
/** The numbers behind a word. */
const behind = (text: string, word: string): number[] => numbers(text.split(word)[1]?.split("\n")[0] ?? "");

/** What each must print. */
const EXPECTED: Readonly<Record<string, (out: string) => void>> = {
  xor(out) {
    check.equal(behind(out, "answers"), [0, 1, 1, 0]);
    check.ok(behind(out, "loss")[0] < 0.1, out);
  },
  polynomial: (out) => check.close(behind(out, "coefficients").slice(0, 3), [1, 2, -3], { atol: 0.15 }),
  table(out) {
    check.ok(behind(out, "accuracy")[0] > 0.85, out);
    check.match(out, /repaid: yes\nincome -?[\d.]+\ndebt -?[\d.]+\ncity -?[\d.]+\n/);
    check.ok(behind(out, "income")[0] > 0, "a high income speaks for it");
  },
  "own-layer"(out) {
    check.equal(
      behind(out, "outputs").filter((v) => !Number.isInteger(4 * v)),
      [],
    );
    check.is(behind(out, "gradient").filter((v) => v !== 0).length, 2);
    check.equal(behind(out, "without it"), [0, 0]);
  },
  physics: (out) => check.ok(behind(out, "largest error")[0] < 0.1, out),
  hessian(out) {
    const [value, residual] = behind(out, "largest eigenvalue");
    check.ok(value > 0 && residual < 1e-2 * value, out);
  },
  gan(out) {
    const [mean, deviation] = behind(out, "mean");
    check.ok(Math.abs(mean - 2) < 1 && deviation > 0.05 && deviation < 2, out);
  },
  resume: (out) => check.match(out, /from epoch 2 on; the same bits: true/),
  "attack-onnx"(out) {
    check.match(out, "operators Gemm Tanh parameters 987");
    check.ok(behind(out, "largest change")[0] <= 0.15, out);
    const [before, after] = behind(out, "objective");
    check.ok(after > before, out);
    check.ok(behind(out, "in common")[0] < 1, out);
    check.equal(behind(out, "kept"), [1]);
  },
  words: (out) => check.ok(behind(out, "accuracy")[0] > 0.8, out),
  capture: (out) => check.match(out, /recorded 1 time\n\d+ launches, 1 submit/),
  "explain-function"(out) {
    check.equal(behind(out, "gradient x input"), [6, 6, 2, 14]);
    check.equal(behind(out, "integrated gradients"), [3, 3, 2, 8]);
    check.equal(behind(out, "Shapley values"), [3, 3, 2, 8]);
    check.equal(behind(out, "derivative"), [1.5, 1, 0]);
  },
};

test("every example is tried", () => {
  const names = readdirSync(join(root, "examples")).filter((file) => file.endsWith(".ts"));
  check.equal(names.map((file) => file.slice(0, -".ts".length)).sort(), Object.keys(EXPECTED).sort());
});

const pathOf = (name: string): string => join(root, "dist/examples", `${name}.js`);
let ran: ReadonlyMap<string, string> | undefined;
const outputOf = (name: string): string => {
  ran ??= runInTurn(Object.keys(EXPECTED).map(pathOf), root, timeoutMs - 5000);
  return ran.get(pathOf(name))!;
};

for (const [name, expected] of Object.entries(EXPECTED))
  gpuTest(
    `${name} runs and does what it says`,
    () => {
      const out = outputOf(name);
      check.ok(!/NaN|undefined/.test(out), out);
      expected(out);
    },
    { timeoutMs },
  );

async function bundle(name: string): Promise<string> {
  const { outputFiles, warnings } = await build({
    entryPoints: [join(root, `examples/browser/${name}.ts`)],
    ...{ bundle: true, platform: "browser", format: "esm", target: "es2022", write: false, logLevel: "silent" },
  });
  check.equal(warnings, []);
  return outputFiles[0].text;
}

test("page and worker are bundled for browsers, the page without the engine", async () => {
  const [page, worker] = await Promise.all(["page", "worker"].map(bundle));
  check.ok(page.length < 5000, `the page has ${page.length} characters`);
  check.ok(worker.length > 50_000, `the worker has ${worker.length} characters`);
  for (const text of [page, worker]) check.equal(text.match(/(?:from|import\()\s*["'](?:webgpu|node:)/g), null);
});

test(
  "the page in Chromium gets a map from its worker",
  async () => {
    const chromium = findChromium() ?? skip("no Chromium; install it, or set HOLDFAST_CHROMIUM to the program");
    const [page, worker] = await Promise.all(["page", "worker"].map(bundle));
    const signal = AbortSignal.timeout(timeoutMs - 5000);
    const report = await runInChromium(chromium, page, signal, { "/worker.js": worker });
    check.equal(report, { values: 256, finite: true });
  },
  { timeoutMs },
);
