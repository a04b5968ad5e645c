/** Memory scopes: what is freed, what survives, what gradients keep. */
import {
  add,
  callerScope,
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

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

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
      using s = openScope("evaluation");
      check.close(await s.wait(exp(tensor([0])).read()), [1], { atol: 1e-6 });
    }
    check.is(memory().liveCount, before);
  },
  "a scope that waits takes nobody's tensors and frees nobody's": async () => {
    const before = memory().liveCount;
    let clicked: Tensor | undefined;
    const click = setTimeout(() => {
      clicked = tensor([7]);
    }, 2);
    const user = async (name: string, ms: number): Promise<number> => {
      using s = openScope(name);
      const x = tensor([ms]);
      await s.wait(pause(ms));
      const y = mul(x, 2);
      await s.wait(pause(ms));
      return await s.wait(mul(y, 2).item());
    };
    check.equal(await Promise.all([user("a", 4), user("b", 10), user("c", 1)]), [16, 40, 4]);
    clearTimeout(click);
    check.equal(Array.from(await mul(clicked!, 2).read()), [14]);
    check.is(memory().liveCount, before + 3, "the click's tensor, a factor and the product");
  },
  "an async function goes on in the scope it was called in": async () => {
    const before = memory().liveCount;
    const twice = async (x: Tensor): Promise<Tensor> => {
      const here = callerScope();
      await here.wait(pause(1));
      const y = mul(x, 2);
      {
        using _ = here.open("block");
        await here.wait(exp(y).read());
      }
      await here.wait(Promise.reject(new Error("on purpose")).catch(() => {}));
      return add(y, tensor([0]));
    };
    using s = openScope("caller");
    const y = await s.wait(twice(tensor([3])));
    check.is(y.owner, s);
    check.is(memory().liveCount, before + 5, "three tensors, and two that were made after waiting");
    check.is(await s.wait(y.item()), 6);
    s.close();
    check.is(memory().liveCount, before);
  },
  "a rejection comes through, and its scope with it": async () => {
    const before = memory().liveCount;
    const fails = async (): Promise<void> => {
      using s = openScope("fails");
      try {
        await s.wait(Promise.reject(new Error("on purpose")));
      } catch (error) {
        check.is(tensor([1]).owner, s);
        throw error;
      }
    };
    await check.rejects(fails, /^on purpose$/);
    check.is(memory().liveCount, before);
  },
  "a scope held across an await is refused, and wait out of turn": async () => {
    const held = async (): Promise<void> => {
      using _ = openScope("evaluation");
      await pause(1);
    };
    await check.rejects(held, /scope "evaluation" was held across an await.* `await s\.wait\(promise\)`/);
    const both = async (): Promise<void> => {
      using s = openScope("both");
      await Promise.all([s.wait(pause(1)), s.wait(pause(1))]);
    };
    await check.rejects(both, /wait: scope "both" is not the current one; .*\(`await s\.wait\(Promise\.all/);
    const nested = async (): Promise<void> => {
      using outer = openScope("outer");
      using inner = openScope("inner");
      await inner.wait(outer.wait(pause(1)));
    };
    await check.rejects(nested, /wait: scope "outer" is not the current one/);
    const closed = openScope("closed");
    closed.close();
    check.throws(() => closed.wait(pause(1)), /wait: scope "closed" is closed; open another/);
    check.throws(() => openScope("mistyped", { entr: false } as object), /openScope: there is no option "entr"/);
  },
  "a scope of its own is current in run alone, and hands over what it is told to": () => {
    const before = memory().liveCount;
    const panel = openScope("panel", { enter: false });
    const x = tensor([1]);
    check.ok(x.owner !== panel, "not entered");
    const y = panel.run(() => add(x, x));
    check.is(y.owner, panel);
    check.throws(() => panel.run(async () => {}), /run: the function returned a promise/);
    check.throws(() => panel.wait(pause(1)), /wait: scope "panel" is current in its run\(\) alone/);
    const kept = panel.own(keep(add(x, x)));
    panel.pass(y);
    panel.close();
    check.equal([y.disposed, kept.disposed], [false, true]);
    dispose([x, y]);
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
