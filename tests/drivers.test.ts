/**
 * Two software drivers that share no code give the same answers: the default adapter here, SwiftShader in a child
 * process. Both are held to float64 as well, so that they cannot be wrong together.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { table } from "../engine/ops/table.js";
import { closeScaled, GRADIENT, SECOND } from "./derivatives.js";
import {
  type Answer,
  type Answers,
  bits,
  computeAnswers,
  differentiableSample,
  forwardOf,
  gradientOf,
  secondOrderStep,
} from "./drivers/answers.js";
import type { ChildReport } from "./drivers/child.js";
import { driverEnvironment, findSwiftShader } from "./drivers/find.js";
import { gpuTest, onGpu, onReference } from "./executors.js";
import { check, skip, gpuTest as slowGpuTest, test } from "./harness.js";

/** Three times what a machine took that was busy with other work. */
const timeoutMs = 180_000;

function inChild(manifest: string): Promise<ChildReport> {
  const script = fileURLToPath(new URL("./drivers/child.js", import.meta.url));
  const env = { ...process.env, ...driverEnvironment(manifest) };
  return new Promise((resolve, reject) => {
    // "advanced" carries NaN and infinities, JSON does not.
    const child = fork(script, { env, serialization: "advanced", timeout: timeoutMs, killSignal: "SIGKILL" });
    child.once("message", (report) => resolve(report as ChildReport));
    child.once("exit", (code, signal) => reject(new Error(`the second driver's process ended: ${signal ?? code}`)));
  });
}

interface Three {
  readonly second: Answers;
  readonly first: Answers;
  readonly exact: Answers;
}

function register(manifest: string): void {
  let three: Three | undefined;

  const compare = (question: string, close: (actual: number[], expected: number[]) => void): void => {
    check.ok(three, "the answers were computed");
    const [second, first, exact] = [three.second[question], three.first[question], three.exact[question]];
    const pairs: [Answer, Answer][] = [
      [second, exact],
      [first, exact],
      [second, first],
    ];
    for (const [actual, expected] of pairs)
      if (exact.dtype === "f32") close(actual.values, expected.values);
      else check.equal(actual.values, expected.values);
  };

  slowGpuTest(
    "a second driver answers every question",
    () =>
      onGpu(async () => {
        const here = async (): Promise<[Answers, Answers]> => [
          await onReference(computeAnswers),
          await computeAnswers(),
        ];
        const [{ adapter, answers: second }, [exact, first]] = await Promise.all([inChild(manifest), here()]);
        check.match(adapter, /SwiftShader/);
        check.equal(Object.keys(second), Object.keys(exact));
        three = { second, first, exact };
      }),
    { timeoutMs },
  );

  for (const op of table) {
    gpuTest(`${op.name}: both drivers give the same values`, () => {
      const { rtol = 1e-5, atol = 1e-6 } = op.tolerance ?? {};
      compare(forwardOf(op), (actual, expected) => check.close(actual, expected, { rtol, atol }));
    });
    if (differentiableSample(op))
      gpuTest(`${op.name}: both drivers give the same gradient`, () => {
        compare(gradientOf(op), (actual, expected) => closeScaled(actual, expected, GRADIENT));
      });
  }

  gpuTest("random bits are the same on both drivers", () => compare(bits, check.identical));

  gpuTest("a captured step of second order is the same on both drivers", () => {
    compare(secondOrderStep, (actual, expected) => closeScaled(actual, expected, SECOND));
  });
}

const manifest = findSwiftShader();
if (manifest !== undefined) register(manifest);
else
  test("both drivers give the same answers", () =>
    skip("no second driver; install Chromium, or set HOLDFAST_SWIFTSHADER to the manifest of its SwiftShader"));
