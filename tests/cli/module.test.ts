/** Networks that somebody wrote as a plain function: explained, attacked, checked, and refused in one sentence. */
import { readFileSync } from "node:fs";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EXPLAINER_TABLE, sanityReportSchema } from "../../atex/index.js";
import { UsageError } from "../../cli/command.js";
import { readModule } from "../../cli/sources/module.js";
import { openTable, readSafetensors } from "../../nn/index.js";
import { onReference } from "../executors.js";
import { check, gpuTest, root, test } from "../harness.js";
import { holdfast, inFolder } from "./holdfast.js";

/** That of docs/command-line.md: a residual network of convolutions with its parameters, "stem" before "block" before "head". */
const RESIDUAL = /```js\n(\/\/ net.mjs\n[\s\S]*?)```/.exec(
  readFileSync(join(root, "docs/command-line.md"), "utf8"),
)![1];

gpuTest(
  "a residual network of plain functions: every explainer, an attack, sanity with its parameters",
  () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, "net.mjs"), RESIDUAL);
      const given = ["--module", "net.mjs", "--data", "shapes"];
      const succeeded = async (...args: string[]): Promise<string> => {
        const { code, out, err } = await holdfast(folder, args);
        check.is(code, 0, `${out}\n${err}`);
        return out;
      };
      const out = await succeeded("explain", ...given, "--index", "3", "--method", "all", "--out", "all.png");
      check.ok(!out.includes("left out"), out);
      check.equal([...(await readFile(join(folder, "all.png"))).subarray(1, 4)], [...Buffer.from("PNG")]);
      const { tensors } = readSafetensors(await readFile(join(folder, "all.safetensors")));
      check.equal([...tensors.keys()].sort(), ["input", ...EXPLAINER_TABLE.map(({ name }) => name)].sort());
      for (const [name, { data }] of tensors) check.ok(data.some((v) => v !== 0) && data.every(Number.isFinite), name);

      const attacked = await succeeded(
        "attack",
        ...given,
        "--index",
        "3",
        "--method",
        "lrp",
        "--steps",
        "20",
        "--out",
        "a",
      );
      check.match(attacked, /prediction kept/);
      const { clean, attacked: under } = JSON.parse(await readFile(join(folder, "a/metrics.json"), "utf8"));
      check.ok(under.objective > clean.objective, "the attack climbs");
      check.ok(under.topKIntersection < 1 && under.largestChange <= 0.0301, JSON.stringify(under));

      const twin = ["--data-randomisation", "--twin-size", "20", "--twin-epochs", "1"];
      await succeeded("sanity", ...given, "--images", "3", "--methods", "gradient,lrp", ...twin, "--out", "s");
      const report = sanityReportSchema.read(JSON.parse(await readFile(join(folder, "s/sanity.json"), "utf8")), "");
      check.equal(report.layers, ["head", "block", "stem"], "from the output down, as written");
      check.equal([report.about.module, report.about.network], ["net.mjs", "net.mjs"]);
      check.match(report.about["random layers"], /random order, as Quantus has it/);
      check.is(report.twin?.samples, 20);
      const [gradient] = report.explainers;
      check.ok(gradient.cascading!.at(-1)!.similarity.Spearman.mean! < 0.5, "its map is lost with the parameters");
    }),
  { timeoutMs: 240_000 },
);

const ROWS = `
import { matmul, tensor } from "holdfast";
class Network {
  #weights = tensor([[2, -2], [0, 0], [-1, 1]]);
  shape = [3];
  classes = ["yes", "no"];
  features = ["age", "town", "debt"];
  range = { low: [0, 0, 0], high: [9, 1, 9] };
  classifier(x) {
    return matmul(x, this.#weights);
  }
}
export default new Network();
`;

test("an object that imports the package itself explains rows of a table by the names of columns", () =>
  inFolder(async (folder) => {
    await mkdir(join(folder, "node_modules"));
    await symlink(root, join(folder, "node_modules/holdfast"));
    await writeFile(join(folder, "net.mjs"), ROWS);
    await writeFile(join(folder, "rows.csv"), "debt,town,age\n1,1,3\n4,0,1\n");
    const args = ["--cpu", "--module", "net.mjs", "--rows", "rows.csv"];
    const { code, out, err } = await holdfast(folder, [
      "explain",
      ...args,
      "--index",
      "1",
      "--method",
      "gradient-x-input",
    ]);
    check.is(code, 0, err);
    check.match(out, /rows.csv row 1: no\n {2}no +98.20 %/);
    const { tensors } = readSafetensors(await readFile(join(folder, "out/explanation.safetensors")));
    check.close(tensors.get("gradient-x-input")!.data as Float32Array, [-2, 0, 4], { atol: 1e-6 });
    const moved = await holdfast(folder, ["attack", ...args, "--steps", "5", "--objective", "rank"]);
    check.is(moved.code, 0, moved.err);
  }));

test("a table's preparation and a background of the module's own", () =>
  inFolder(async (folder) => {
    const table = "age,town,class\n20,rome,low\n30,oslo,low\n40,rome,high\n50,bonn,high\n60,rome,low\n70,bonn,high";
    const { preparation } = openTable(table, { target: "class", testShare: 0.34 });
    await writeFile(
      join(folder, "net.mjs"),
      `export default ({ engine: { matmul, tensor, zeros } }) => ({
        classifier: (x) => matmul(x, tensor([[3, 0], [1, 0], [0, 0], [0, 2]])), classes: 2,
        preparation: ${JSON.stringify(preparation)}, background: zeros([2, 4]) });`,
    );
    await writeFile(join(folder, "rows.csv"), "town,age,more\noslo,45,1\n");
    const args = ["--cpu", "--module", "net.mjs", "--rows", "rows.csv", "--method", "exact-shapley", "--class", "0"];
    const { code, err } = await holdfast(folder, ["explain", ...args]);
    check.is(code, 0, err);
    const { tensors } = readSafetensors(await readFile(join(folder, "out/explanation.safetensors")));
    const input = tensors.get("input")!.data as Float32Array;
    check.equal([...input.subarray(1)], [0, 1, 0], "bonn, oslo, rome");
    const { data } = tensors.get("exact-shapley")!;
    check.close([data[0]], [3 * input[0]], { atol: 1e-5 });
  }));

const module = (fields: string): string => `export default ({ engine }) => ({ shape: [4], classes: 3, ${fields} });`;

/** By module: what is said of it. */
const MISTAKES: readonly (readonly [string, RegExp])[] = [
  ["export const classifier = 1;", /: it has no default export, only classifier; export default the network, or/],
  ["export default 3;", /: 3 came; an object with classifier, shape and classes is needed$/],
  [module(""), /: classifier: nothing came; a function, x => logits, is needed, or network and params$/],
  [module("classifier: 3"), /: classifier: 3 came; a function, x => logits, is needed$/],
  ["export default { classifier: (x) => x, classes: 3 };", /: shape: nothing came; \[channels, height, width\] of/],
  [module("classifier: (x) => x, shape: [4, 5]"), /: shape: \[4, 5\] came; /],
  [module("classifier: (x) => x, classes: ['one']"), /: classes: a list of 1 came; a list of two or more names/],
  [
    module("classifier: (x) => x"),
    /: classifier: for two samples, x f32\[2,4\], it gives f32\[2,4\]; f32\[2,3\], a logit/,
  ],
  [module("classifier: () => engine.ones([1, 3])"), /it gives f32\[1,3\]; f32\[2,3\]/],
  [module("classifier: async (x) => x"), /it gives a promise; f32\[2,3\]/],
  [module("classifier: () => new (class Tensor {})()"), /a tensor of another copy of holdfast; use what/],
  [module("clasifier: (x) => x"), /: clasifier: no such setting; there is name, classifier/],
  [
    module("\nclassifier: (x) => engine.matmul(x,\n engine.ones([3, 3]))"),
    /: ShapeError: matmul: f32\[2,4\] and f32\[3,3\] .* \(line 2\)$/,
  ],
  [module("\n\nclassifier: (x) => ,"), /: SyntaxError: Unexpected token ',' \(line 3\)$/],
  ['import "./net0.mjs"; import "./none.mjs";', /: Cannot find module '.*none.mjs'/],
  ['\nthrow new Error("no weights");', /: no weights \(line 2\)$/],
  [module("classifier: (x) => x, range: { low: [0, 1], high: 3 }"), /: range.low: 2 numbers came; one, or 4 for/],
  [module("classifier: (x) => x, range: { low: 3, high: 3 }"), /: range: low 3 and high 3 came; low below high/],
  [module("classifier: (x) => x, shape: [1, 5, 5], range: { low: -1, high: 1 }"), /: range: -1 to 1 came; pixels are/],
  [module("classifier: (x) => x, features: ['a', 'b']"), /: features: they are at elements 0, 1; each of 0 to 3/],
  [module("classifier: (x) => x, background: engine.ones([4])"), /: background: f32\[4\] came; f32\[m,4\] is needed$/],
  [
    module("classifier: (x) => x, params: [engine.ones([3])]"),
    /: network: nothing came; network and params go together$/,
  ],
  [module("network: (p, x) => x, params: [3]"), /: params: \[3\] came; a tree .* with tensors in it is needed$/],
  [
    module("classes: 4, classifier: (x) => x, network: (p, x) => engine.add(x, p.b), params: { b: engine.ones([4]) }"),
    /: classifier: it gives 0 where network gives 1 for a sample of zeros/,
  ],
];

test("a mistake in a module is one sentence", () =>
  inFolder(async (folder) => {
    for (const [i, [text, message]] of MISTAKES.entries()) {
      const path = join(folder, `net${i}.mjs`);
      await writeFile(path, text);
      const error = await onReference(() => check.rejects(async () => (await readModule(path)).open(), message, text));
      check.ok(error instanceof UsageError, `${text}: ${error.name}`);
      check.ok(!error.message.includes("\n") && error.message.startsWith(`--module ${path}: `), error.message);
    }
  }));

test(
  "a mistake in what stands beside --module is one sentence",
  () =>
    inFolder(async (folder) => {
      await writeFile(join(folder, "rows.csv"), "a,b,c,d\n1,2,3,4\n");
      const names = "features: ['a', 'b', 'c', 'd']";
      await writeFile(join(folder, "fine.mjs"), module("classes: 4, classifier: (x) => x"));
      await writeFile(
        join(folder, "other.mjs"),
        module("classes: 4, classifier: (x) => x, features: ['a', 'b', 'c', 'e']"),
      );
      await writeFile(
        join(folder, "log.mjs"),
        module(`classes: 4, classifier: (x) => engine.log(engine.sub(x, 5)), ${names}`),
      );
      await writeFile(join(folder, "net.mjs"), module(`classes: 4, classifier: (x) => x, ${names}`));
      await writeFile(
        join(folder, "params.mjs"),
        module("network: (p, x) => engine.matmul(x, p.w), params: { w: engine.ones([4, 3]) }"),
      );
      const rows = ["--rows", "rows.csv"];
      const cases: [string[], RegExp][] = [
        [["explain", "--module", "none.mjs", ...rows], /^holdfast: --module none.mjs: there is no such file$/],
        [["explain", "--module", "net.mjs", "--weights", "w"], /^holdfast: --weights and --module exclude each other/],
        [
          ["explain", "--module", "net.mjs", "--beta", "3"],
          /^holdfast: --beta goes with --weights; leave it out beside/,
        ],
        [
          ["explain", "--module", "fine.mjs", ...rows],
          /^holdfast: --rows rows.csv: the network says nothing of columns/,
        ],
        [["explain", "--module", "other.mjs", ...rows], /rows.csv: there is no column e; there is a, b, c, d$/],
        [["explain", "--module", "log.mjs", ...rows], /log.mjs: the network gives the logit NaN; finite numbers are/],
        [
          ["explain", "--module", "net.mjs", ...rows, "--method", "expected-gradients"],
          /the network does not say what it was trained on, .* give the module a background$/,
        ],
        [["attack", "--module", "net.mjs", "--data", "shapes"], /its samples are \[1,28,28\], the network takes \[4\]/],
        [
          ["sanity", "--module", "params.mjs"],
          /nothing says what the network was trained on; name the data with --data$/,
        ],
        [["sanity", "--module", "net.mjs", "--data", "shapes"], /net.mjs: it gives no params and no network, which/],
      ];
      for (const [args, message] of cases) {
        const { code, err } = await holdfast(folder, [...args, "--cpu"]);
        check.equal([code, err.trim().split("\n").length], [2, 1], `${args.join(" ")}: ${err}`);
        check.match(err.trim(), message);
      }
    }),
  { timeoutMs: 60_000 },
);
