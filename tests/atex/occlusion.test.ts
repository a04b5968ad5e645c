/** Occlusion against the definition, window by window. */
import { occlusion } from "../../atex/index.js";
import { tensor } from "../../engine/index.js";
import { referenceTest } from "../executors.js";
import { check } from "../harness.js";
import { linear, list, network, numbers, people, peopleRows, samples } from "./game.js";

referenceTest("occlusion of a linear score: the window's drop, shared; overlaps by their mean", async () => {
  const shape = [2, 5, 4];
  const [w, x] = [numbers(18, 40), samples(19, 2, shape)];
  const pixels = await list(x);
  const domain = { shape, range: { low: -1, high: 1 } };
  for (const [patch, stride, tops, lefts] of [
    [2, 2, [0, 2, 3], [0, 2]],
    [3, 1, [0, 1, 2], [0, 1]],
    [1, 1, [0, 1, 2, 3, 4], [0, 1, 2, 3]],
  ] as const) {
    const expected = pixels.map((_, i) => {
      const [n, y, z] = [Math.floor(i / 40), Math.floor((i % 20) / 4), i % 4];
      const drops: number[] = [];
      for (const top of tops)
        for (const left of lefts) {
          if (y < top || y >= top + patch || z < left || z >= left + patch) continue;
          let drop = 0;
          for (let c = 0; c < 2; c++)
            for (let a = top; a < top + patch; a++)
              for (let b = left; b < left + patch; b++) {
                const at = c * 20 + a * 4 + b;
                drop += w[at] * (pixels[n * 40 + at] - 0.125);
              }
          drops.push(drop / (2 * patch * patch));
        }
      return drops.reduce((s, v) => s + v, 0) / drops.length;
    });
    for (const budget of [undefined, 100]) {
      const explain = occlusion({ domain, patch, stride, background: 0.125, budget });
      check.close(await list(explain(linear(w), x)), expected, { atol: 1e-12 });
    }
  }
});

referenceTest("occlusion of a table takes each feature from the background in turn", async () => {
  const [score, rows, x] = [network(20, 6), peopleRows(21, 3), peopleRows(22, 1)];
  const [own, others] = [await list(x), await list(rows)];
  const expected = Array<number>(6).fill(0);
  for (const { at } of people.features!) {
    const points = [0, 1, 2].map((r) => own.map((v, i) => (at.includes(i) ? others[r * 6 + i] : v)));
    const there = (await list(score(tensor(points)))).reduce((a, b) => a + b) / 3;
    for (const i of at) expected[i] = ((await list(score(x)))[0] - there) / at.length;
  }
  check.close(await list(occlusion({ domain: people, background: { rows } })(score, x)), expected, { atol: 1e-12 });
});

referenceTest("squares that do not fit are refused", () => {
  const image = { shape: [1, 4, 6], range: { low: 0, high: 1 } };
  check.throws(() => occlusion({ domain: image, patch: 5 }), /occlusion: squares of 5 every 3 pixels in images of 4×6/);
  check.throws(() => occlusion({ domain: image, patch: 2, stride: 3 }), /a stride of 1 to the side/);
  check.throws(
    () => occlusion({ domain: image, budget: 0 })(network(1, 24), samples(1, 1, [1, 4, 6])),
    /occlusion: budget is 0; an integer of at least 1/,
  );
});
