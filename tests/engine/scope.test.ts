/** Memory scopes: what is freed, what survives, what gradients keep. */
import {
  add,
  capture,
  dispose,
  exp,
  grad,
  keep,
  memory,
  mul,
  openScope,
  scope,
  square,
  sum,
  type Tensor,
  tensor,
} from "../../engine/index.js";
import { gpuTest, referenceTest } from "../executors.js";
import { check } from "../harness.js";

const cases: Record<string, () => void | Promise<void>> = {
  "a scope frees what it made, except its result": async () => {
    const before = memory().liveCount;
    const x = tensor([1, 2]);
    let inner: Tensor | undefined;
    const y = scope(() => {
      inner = exp(x);
      return { nested: [sum(inner)] };
    });
    check.ok(inner?.disposed, "the intermediate is freed");
    check.is(memory().liveCount, before + 2);
    check.close(await y.nested[0].read(), [Math.E + Math.E ** 2], { rtol: 1e-6 });
  },
  "what a gradient still needs survives an inner scope": async () => {
    const g = grad((x: Tensor) => {
      const y = scope(() => {
        const factor = tensor([3, 4]);
        return mul(exp(x), factor);
      });
      return sum(square(y));
    })(tensor([0.5, -1]));
    check.close(await g.read(), [2 * 9 * Math.E, 2 * 16 * Math.exp(-2)], { rtol: 1e-5 });
  },
  "what is being read may be freed or donated": async () => {
    const once = (): Promise<unknown> => {
      using _ = openScope("read");
      return exp(tensor([0, 1])).read();
    };
    check.close((await once()) as Float32Array, [1, Math.E], { rtol: 1e-6 });
    using step = capture((x: Tensor) => mul(x, 2), { donate: [0] });
    const x = keep(tensor([3, 4]));
    const reading = x.read();
    const doubled = step(x);
    check.equal(Array.from(await reading), [3, 4]);
    check.equal(Array.from(await doubled.read()), [6, 8]);
  },
  "keep and dispose": () => {
    const before = memory().liveCount;
    const kept = scope(() => {
      const k = keep(add(tensor([1]), 1));
      return { k: [k] };
    });
    check.ok(!kept.k[0].disposed, "kept tensors outlive every scope");
    dispose(kept);
    dispose(kept);
    check.is(memory().liveCount, before);
  },
  "an exception closes the scope": () => {
    const before = memory().liveCount;
    check.throws(
      () =>
        scope(() => {
          exp(tensor([1]));
          throw new Error("on purpose");
        }),
      /on purpose/,
    );
    check.is(memory().liveCount, before);
  },
  "using works for async code": async () => {
    const before = memory().liveCount;
    {
      using _ = openScope("evaluation");
      check.close(await exp(tensor([0])).read(), [1], { atol: 1e-6 });
    }
    check.is(memory().liveCount, before);
  },
  "use after free names the maker and the scope": () => {
    let lost: Tensor | undefined;
    scope(() => {
      lost = exp(tensor([1]));
    }, "training");
    check.throws(() => add(lost!, 1), /add: f32\[1\] made by exp was freed by the end of scope "training"/);
  },
  "a scope refuses a promise": () => {
    check.throws(() => scope(async () => {}), /scope: the function returned a promise/);
  },
  "a tensor refuses data that does not fill it": () => {
    check.throws(() => tensor([1, 2, 3], [2, 2]), /tensor: 3 numbers do not fill f32\[2,2\]/);
    check.throws(() => tensor([[1, 2], [3]]), /tensor: nested arrays are ragged at depth 1/);
    check.throws(() => tensor([1], [1, 1, 1, 1, 1, 1, 1, 1, 1]), /has rank 9; at most 8/);
  },
};

for (const [name, body] of Object.entries(cases)) {
  gpuTest(name, body);
  referenceTest(`${name} (reference)`, body);
}
