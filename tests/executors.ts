/** Tests on the float64 reference, and the GPU opened once for the whole run. */
import { type Executor, swapExecutor } from "../engine/executor.js";
import { init, shutdown } from "../engine/init.js";
import { ReferenceExecutor } from "../engine/reference.js";
import { openScope, setBaseScope } from "../engine/scope.js";
import { check, gpuTest as gpuTestRaw, onGpuStart, onRenew, onShutdown, setLeakProbe, test } from "./harness.js";

let gpu: Executor | undefined;
onGpuStart(async () => {
  // Tests judge the built-in choices, whatever was measured on this machine.
  gpu = await init({ tuning: false });
});
onRenew(async () => {
  if (!gpu) return;
  shutdown();
  gpu = await init({ tuning: false });
});
onShutdown(() => shutdown());
setLeakProbe(() => gpu?.memory().liveCount ?? 0);

/** Runs `body` on a fresh reference executor and checks that nothing stays alive. */
export async function onReference<T>(body: () => T | Promise<T>): Promise<T> {
  const reference = new ReferenceExecutor();
  const previous = swapExecutor(reference);
  try {
    const s = openScope("test", { enter: false });
    const base = setBaseScope(s);
    try {
      return await body();
    } finally {
      setBaseScope(base);
      s.close();
      check.is(reference.memory().liveCount, 0, "values left alive on the reference executor");
    }
  } finally {
    swapExecutor(previous);
  }
}

/** Runs `body` on the GPU in a scope of its own. */
export async function onGpu<T>(body: () => T | Promise<T>): Promise<T> {
  if (!gpu) throw new Error("onGpu: outside a gpuTest");
  const previous = swapExecutor(gpu);
  // Tests run one at a time, so that whatever is made outside of scopes is of this one.
  const s = openScope("test", { enter: false });
  const base = setBaseScope(s);
  try {
    return await body();
  } finally {
    setBaseScope(base);
    s.close();
    swapExecutor(previous);
  }
}

/** A test on the float64 reference. */
export function referenceTest(name: string, body: () => unknown): void {
  test(name, () => onReference(body));
}

/** A test on the GPU, in a memory scope. */
export function gpuTest(name: string, body: () => unknown): void {
  gpuTestRaw(name, () => onGpu(body));
}
