import { executor, withExecutor } from "./executor.js";
import { requireTensor } from "./kinds.js";
import type { TensorSpec } from "./lower.js";
import { requireFunction } from "./options.js";
import { scope } from "./scope.js";
import type { Tensor } from "./tensor.js";
import { Tracer } from "./trace.js";

/** Shape and dtype of what `body` returns, by tracing it: no element is computed. @throws what `body` throws. */
export function shapeOf(body: () => Tensor): TensorSpec {
  requireFunction("shapeOf", body, "shapeOf(() => matmul(a, b))");
  const on = executor();
  const tracer = new Tracer(on.kind === "trace" ? (on as Tracer).target : on);
  try {
    return withExecutor(tracer, () =>
      scope(() => {
        const y = body();
        requireTensor("shapeOf", y);
        const { shape, dtype } = y;
        return { shape, dtype };
      }, "shapeOf"),
    );
  } finally {
    tracer.releaseConstants();
  }
}
