/** What the host asks of the GPU, for tests that count. */
import { executor } from "../engine/executor.js";
import type { GpuExecutor } from "../engine/gpu/executor.js";

type Call = (...args: unknown[]) => unknown;

/** Runs `body` and lists, in order, what it makes, copies, writes, submits and reads back. */
export async function gpuCalls<T>(body: () => T | Promise<T>): Promise<{ result: T; calls: string[] }> {
  const on = executor() as GpuExecutor;
  const { gpu, queue } = on.device;
  const calls: string[] = [];
  const undo: (() => void)[] = [];
  const spy = (target: object, name: string, seen: (result: unknown) => void = () => {}): void => {
    const original = Reflect.get(target, name) as Call;
    Reflect.set(target, name, (...args: unknown[]) => {
      calls.push(name);
      const result = original.apply(target, args);
      seen(result);
      return result;
    });
    undo.push(() => Reflect.deleteProperty(target, name));
  };
  for (const name of ["createBindGroup", "createBuffer", "createComputePipeline"]) spy(gpu, name);
  spy(gpu, "createCommandEncoder", (encoder) => spy(encoder as object, "copyBufferToBuffer"));
  for (const name of ["submit", "writeBuffer"]) spy(queue, name);
  spy(on, "read");
  try {
    return { result: await body(), calls };
  } finally {
    for (const restore of undo) restore();
  }
}
