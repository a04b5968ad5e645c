/** Networks written as plain functions of parameters, as `holdfast sanity` takes them. */
import { planOf, writtenNetwork } from "../../cli/sources/written.js";
import {
  add,
  arange,
  cast,
  entries,
  leaves,
  mul,
  ones,
  random,
  reshape,
  scope,
  sum,
  type Tensor,
  type Tree,
  tensor,
} from "../../engine/index.js";
import { onReference } from "../executors.js";
import { check, test } from "../harness.js";

const numbers = (n: number, shape: readonly number[]): Tensor => reshape(cast(arange(0, n), "f32"), shape);

test("layers come in the order of writing, a tensor at the top by itself", () =>
  onReference(async () => {
    const t = (): Tensor => ones([2]);
    const params = {
      stem: { w: t(), b: t() },
      scale: t(),
      blocks: [{ z: { w: t() }, a: { w: t() } }, t()],
      head: { w: t(), note: "x" },
    };
    const { names, places } = planOf(params);
    check.equal(names, ["stem", "scale", "blocks.0.z", "blocks.0.a", "blocks", "head"]);
    check.equal(places.get("stem.b"), [0, "b"]);
    check.equal(places.get("blocks.1"), [4, "1"]);
    check.equal(places.size, leaves(params).length);
  }));

test("a listed network is the written one, and a permutation keeps each tensor's values", () =>
  onReference(async () => {
    const params = { z: { w: numbers(60, [5, 12]), scale: 3 }, a: { w: numbers(24, [2, 3, 4]) } };
    const seen: Tree[] = [];
    const network = (p: Tree, x: Tensor): Tensor => {
      seen.push(p);
      return add(mul(sum(p.z.w), p.z.scale), add(sum(p.a.w), x));
    };
    const { network: layer, params: listed, layerTitle, redraw, redrawn } = writtenNetwork({ network, params }, "net");
    check.is(await layer.apply(listed, tensor(1)).item(), 3 * 1770 + 276 + 1);
    check.ok(seen[0].z.w === params.z.w && seen[0].z.scale === 3, "the tensors themselves, in the user's tree");
    check.equal(
      entries(listed).map(([path]) => path),
      ["0.w", "1.w"],
    );
    check.equal(["0", "1"].map(layerTitle), ["z", "a"]);
    check.match(redrawn, /random order/);
    const values = async (tree: Tree): Promise<number[][]> =>
      Promise.all(leaves(tree).map(async (t) => [...(await t.read())]));
    const [fresh, again, other] = [
      await redraw(random.key(3)),
      await redraw(random.key(3)),
      await redraw(random.key(4)),
    ];
    check.equal(
      leaves(fresh).map(({ shape }) => shape),
      [
        [5, 12],
        [2, 3, 4],
      ],
    );
    const drawn = await values(fresh);
    check.equal(
      drawn.map((all) => all.toSorted((a, b) => a - b)),
      await values(listed),
    );
    for (const all of drawn) {
      const stayed = all.filter((v, i) => v === i).length;
      check.ok(stayed < all.length / 4, `${stayed} of ${all.length} stayed where they were`);
    }
    check.ok(String(drawn[0].filter((v) => v < 24)) !== String(drawn[1]), "each tensor has a permutation of its own");
    check.equal(await values(again), drawn);
    check.ok(String(await values(other)) !== String(drawn));
  }));

test("a module's own init counts, and must make the same structure", () =>
  onReference(async () => {
    const params = { w: ones([3]) };
    const network = (_: Tree, x: Tensor): Tensor => x;
    const { redraw, redrawn } = writtenNetwork(
      { network, params, init: (key) => ({ w: random.normal(key, [3]) }) },
      "net",
    );
    check.match(redrawn, /init of the module/);
    const key = random.key(1);
    check.equal([...(await leaves(await redraw(key))[0].read())], [...(await random.normal(key, [3]).read())]);
    const wrong = writtenNetwork({ network, params, init: () => ({ w: ones([4]) }) }, "net");
    await check.rejects(() => wrong.redraw(key), /net: init\(key\) gives \[4\] at w, params has \[3\] there/);
    const more = writtenNetwork({ network, params, init: () => ({ w: ones([3]), v: ones([1]) }) }, "net");
    await check.rejects(() => more.redraw(key), /gives \[1\] at v, params has nothing there/);
  }));

test("a layer that no permutation changes is refused", () =>
  onReference(async () => {
    const network = (_: Tree, x: Tensor): Tensor => x;
    const params = scope(() => ({ w: numbers(50, [50]), bias: ones([4]) }));
    await check.rejects(
      () => writtenNetwork({ network, params }, "net").redraw(random.key(0)),
      /^net: params.bias: drawn anew it is as before/,
    );
    const together = writtenNetwork({ network, params: { one: params } }, "net");
    check.is(leaves(await together.redraw(random.key(0))).length, 2);
  }));
