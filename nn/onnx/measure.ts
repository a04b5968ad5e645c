/** What an imported network gives against what was expected of it, and the memory that a run takes. */

import { describe, openScope, ShapeError, type Tensor, zeros } from "../../engine/index.js";
import { aFunction, aNumber, anObject, aShape, aTensor, numbers } from "../../engine/kinds.js";
import type { TensorSpec } from "../../engine/lower.js";
import type { OpSpec } from "../../engine/op.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { Tracer } from "../../engine/trace.js";
import type { SampleShape } from "../layer.js";
import type { OnnxNetwork } from "./network.js";
import { traced } from "./watch.js";

/** How well two lists of numbers agree, and where they do so least. */
export interface Agreement {
  /** Every element is within the margins. */
  readonly good: boolean;
  /** The element that is furthest outside, or closest to it: its index, what came, what was expected. */
  readonly at: number;
  readonly given: number;
  readonly expected: number;
  /** The largest |given − expected|. */
  readonly worst: number;
}

/** How far numbers may lie apart and still agree. */
export interface Margins {
  /** |given − expected| ≤ atol + rtol·|expected|; default 1e-4 for both. */
  readonly rtol?: number;
  readonly atol?: number;
}

const MARGINS: KindsOf<Margins> = {
  rtol: aNumber,
  atol: aNumber,
};

/** Compares a network's output with what another runtime gave for the same input: numbers that are silently wrong on a GPU show here.
 *  @throws ShapeError unless `expected` has as many elements as the output. */
export async function compareOutput(
  network: Pick<OnnxNetwork, "classifier">,
  x: Tensor,
  expected: ArrayLike<number>,
  options: Margins = {},
): Promise<Agreement> {
  requireArguments("compareOutput", {
    network: [network, anObject("an object", { classifier: aFunction })],
    x: [x, aTensor],
    expected: [expected, numbers],
  });
  const { rtol = 1e-4, atol = 1e-4 } = checkedOptions("compareOutput", options, MARGINS);
  using here = openScope("compareOutput");
  const y = network.classifier(x);
  if (y.size !== expected.length)
    throw new ShapeError(
      `compareOutput: the output is ${describe(y)}, ${expected.length} elements are expected; both must agree`,
    );
  const given = await here.wait(y.read());
  let at = 0;
  let share = -1;
  let worst = 0;
  for (let i = 0; i < given.length; i++) {
    const off = Object.is(given[i], expected[i]) ? 0 : Math.abs(given[i] - expected[i]);
    const own = Number.isNaN(off) ? Infinity : off === 0 ? 0 : off / (atol + rtol * Math.abs(expected[i]));
    worst = Math.max(worst, Number.isNaN(off) ? Infinity : off);
    if (own > share) {
      share = own;
      at = i;
    }
  }
  return { good: share <= 1, at, given: given[at], expected: expected[at], worst };
}

/** Adds up what ops write; views write nothing. */
class Written extends Tracer {
  bytes = 0;

  override run(op: OpSpec<never>, inputs: readonly TensorSpec[], attrs: unknown, output: TensorSpec) {
    if (!op.view && inputs.length > 0) this.bytes += 4 * output.shape.reduce((a, b) => a * b, 1);
    return super.run(op, inputs as never, attrs, output);
  }
}

/** Bytes that a forward pass writes for a batch of `count` samples of `shape`: what a gradient keeps at most, before captured steps fuse
 *  and reuse. Parameters take 4·parameterCount beside it. */
export function forwardBytes(network: Pick<OnnxNetwork, "classifier">, shape: SampleShape, count = 1): number {
  requireArguments("forwardBytes", {
    network: [network, anObject("an object", { classifier: aFunction })],
    shape: [shape, aShape],
    count: [count, aNumber],
  });
  let tracer: Written | undefined;
  traced(
    (target) => {
      tracer = new Written(target);
      return tracer;
    },
    () => network.classifier(zeros([count, ...shape])),
  );
  return tracer!.bytes;
}
