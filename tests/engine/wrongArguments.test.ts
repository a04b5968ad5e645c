/** What plain JavaScript may pass: one clear sentence each, and never silence. */
import { inspect } from "node:util";
import * as h from "../../engine/index.js";
import { checkedOptions, shown } from "../../engine/options.js";
import { adam, adamW, crossEntropy, sgd } from "../../nn/index.js";
import { referenceTest } from "../executors.js";
import { check, test } from "../harness.js";

// biome-ignore lint/suspicious/noExplicitAny: what has no types.
const any = (value: unknown): any => value;
const x = (): h.Tensor => h.tensor([[1, 2]]);
const image = (): h.Tensor => h.ones([1, 1, 4, 4]);
const integers = (): h.Tensor => h.tensor(Int32Array.of(1, 2));

// biome-ignore lint/suspicious/noExplicitAny: a list that has no type.
function ring(): any {
  const list: unknown[] = [];
  list.push(list);
  return list;
}

const refused: readonly [name: string, call: () => unknown, message: RegExp][] = [
  [
    "a misspelt option",
    () => h.conv2d(image(), image(), any({ strides: 2 })),
    /^conv2d: there is no option "strides"; did you mean stride\? there are stride, padding, dilation, groups$/,
  ],
  [
    "of pooling",
    () => h.maxPool2d(image(), any({ size: 2, strides: 2 })),
    /maxPool2d: .*"strides"; did you mean stride/,
  ],
  ["of averages", () => h.avgPool2d(image(), any({ size: 2, pad: 2 })), /avgPool2d: there is no option "pad"/],
  ["of sums", () => h.sum(x(), 0, any({ keepdims: true })), /sum: .*"keepdims"; did you mean keepDims/],
  ["of means", () => h.mean(x(), 0, any({ keepdim: true })), /mean: .*"keepdim"; did you mean keepDims/],
  ["of products", () => h.matmul(x(), x(), any({ transposeb: true })), /matmul: .*did you mean transposeB/],
  ["of sorting", () => h.sort(x(), any({ descend: true })), /sort: there is no option "descend"/],
  ["of layerNorm", () => h.layerNorm(x(), any({ eps: 1 })), /layerNorm: there is no option "eps"/],
  ["of capture", () => h.capture(h.neg, any({ donated: [0] })), /capture: .*"donated"; did you mean donate/],
  ["of grad", () => h.grad(h.sum, any({ arguments: 1 })), /grad: .*did you mean argument\? there is argument$/],
  [
    "a flag for options",
    () => h.sum(x(), 0, any(true)),
    /sum: options are true; an object is needed, like { keepDims: /,
  ],
  ["a tensor for options", () => h.sum(x(), 0, any(x())), /sum: options are f32\[1,2\]; an object is needed/],
  ["a rate for options", () => adam(any(0.01)), /adam: options are 0.01; an object is needed, like { lr: \.\.\. }/],
  ["a misspelt rate", () => adamW(any({ learningRate: 1 })), /adamW: there is no option "learningRate"/],
  ["no rate", () => sgd(any({ momentum: 0.9 })), /sgd: lr is undefined; a number or a schedule is needed/],
  [
    "of a loss",
    () => crossEntropy(x(), integers(), any({ smoothing: 1 })),
    /crossEntropy: there is no option "smoothing"/,
  ],
  [
    "a dtype that is none",
    () => h.cast(x(), any("int32")),
    /cast: dtype "int32" given; "f32", "f16", "i32" or "u32" is needed/,
  ],
  [
    "of a new tensor",
    () => h.tensor([1], [1], any("float32")),
    /tensor: dtype "float32" given; "f32", "f16", "i32" or "u32"/,
  ],
  ["of zeros", () => h.zeros([1], any("f16")), /zeros: dtype "f16" given/],
  [
    "tensors one by one",
    () => h.concat(any(x()), any(x())),
    /concat: f32\[1,2\] given; a list of tensors is needed: concat\(\[a, b\]/,
  ],
  ["to be stacked", () => h.stack(any(x()), any(x())), /stack: f32\[1,2\] given; a list of tensors is needed/],
  [
    "a tensor for a function",
    () => h.stopGradient(any(x())),
    /stopGradient: f32\[1,2\] given; a function is needed, like/,
  ],
  ["a number for a function", () => h.stopGradient(any(3)), /stopGradient: 3 given; a function is needed/],
  ["a result for a function", () => h.grad(any(x())), /grad: f32\[1,2\] given; a function is needed, like grad\(\(x\)/],
  ["captured", () => h.capture(any(x())), /capture: f32\[1,2\] given; a function is needed/],
  [
    "integers differentiated",
    () => h.grad((v: h.Tensor) => h.sum(h.cast(v, "f32")))(integers()),
    /grad: argument 0 is i32\[2\]; f32 tensors are differentiated; convert with cast\(\) before/,
  ],
  [
    "numbers differentiated",
    () => h.grad((v: h.Tensor) => h.sum(v))(any(3)),
    /grad: argument 0 is 3; f32 tensors are differentiated; make one/,
  ],
  [
    "a list for a tensor",
    () => h.relu(any([1, 2])),
    /relu: a list of 2 given; a tensor is needed; make one with tensor\(\)/,
  ],
  ["nothing for a tensor", () => h.sum(any(undefined)), /sum: undefined given; a tensor is needed/],
  ["text for a number", () => h.add(x(), any("1")), /an operand is "1"; a tensor or a number is needed/],
  ["text for axes", () => h.sum(x(), any("0")), /sum: axes are "0"; a number, a list of numbers or nothing/],
  ["a number for a shape", () => h.zeros(any(3)), /a shape of 3 given; a list of sides is needed/],
  [
    "an object for numbers",
    () => h.tensor(any({})),
    /tensor: an object \{\} given; a typed array, numbers in nested lists/,
  ],
  ["text for numbers", () => h.tensor(any(["a"])), /tensor: "a" given; a typed array/],
  ["a name misspelt", () => h.mul(x(), any({}).wieght), /mul: an operand is undefined; .*; is a name misspelt\?/],
  ["a list for an operand", () => h.mul(x(), any([3, 4])), /mul: an operand is a list of 2; a tensor or a number/],
  [
    "an argument that is no tensor",
    () => h.grad((w: h.Tensor) => h.mul(x(), w))(any(3)),
    /argument 0 is 3; f32 tensors/,
  ],
  [
    "half of an integer",
    () => h.add(integers(), 0.5),
    /add: 0.5 given beside i32; an integer from -2\^31 to 2\^31 - 1/,
  ],
  [
    "fractions for integers",
    () => h.tensor([1, 0.5], [2], "i32"),
    /tensor: element 1 is 0.5, and i32 needs an integer/,
  ],
  [
    "axes in PyTorch's manner",
    () => any(h.transpose)(x(), 0, 1),
    /transpose: permutation 0 given; a list with each axis/,
  ],
  [
    "four paddings in a row",
    () => h.conv2d(image(), image(), any({ padding: [1, 2, 3, 4] })),
    /padding is \[1,2,3,4\]; a number, /,
  ],
  ["sides one by one", () => h.zeros(any(2), any(3)), /zeros: a shape of 2 given; a list of sides is needed/],
  ["sides one by one, again", () => any(h.reshape)(x(), 3, 2), /reshape: a shape of 3 given; a list of sides/],
  [
    "options for axes",
    () => h.sum(x(), any({ keepDims: true })),
    /sum: axes are an object \{keepDims\}; a number, a list/,
  ],
  ["cells of a file", () => h.tensor(any(["1", "2"])), /tensor: "1" given; a typed array, numbers in nested lists/],
  ["a list of itself", () => h.tensor(ring()), /tensor: lists nested deeper than 8 given/],
  [
    "a proxy of a tensor",
    () => h.relu(new Proxy(x(), {})),
    /relu: .* given; .* this is a proxy of one, or comes from another copy/,
  ],
  ["a tree with a proxy", () => h.leaves([new Proxy(x(), {})]), /a tree of tensors: .* pass the tensor itself/],
  ["a tree of itself", () => h.leaves(ring()), /a tree is nested deeper than 1000 levels; does it contain itself\?/],
];
for (const [name, call, message] of refused)
  referenceTest(`refused: ${name} (${message.source.slice(0, 24)})`, () => {
    check.throws(call, message);
  });

referenceTest("an async function given to scope gets advice that runs everywhere", async () => {
  check.throws(
    () => h.scope(async () => Promise.reject(new Error("later"))),
    /scope: the function returned a promise.* `const s = openScope\(\); try { \.\.\. await s\.wait\(promise\) \.\.\. } finally { s\.close\(\); }`/,
  );
  await Promise.resolve();
});

referenceTest("trees that hold integers beside numbers are differentiated", async () => {
  const f = ({ w, n }: { w: h.Tensor; n: h.Tensor }): h.Tensor => h.sum(h.mul(w, h.cast(n, "f32")));
  const g = h.grad(f)({ w: h.tensor([1, 1]), n: integers() });
  check.equal([...(await g.w.read())], [1, 2]);
});

test("init says what it does not know, before a device is looked for", async () => {
  const wrong: [unknown, RegExp][] = [
    [{ executor: "cpu" }, /init: executor is "cpu"; "gpu" or "reference" is needed, and "reference" runs on the CPU/],
    [{ executer: "gpu" }, /init: there is no option "executer"; did you mean executor\?/],
    [{ powerPreference: "high" }, /init: powerPreference is "high"; "low-power" or "high-performance" is needed/],
    [{ adapter: 0 }, /init: adapter is 0; part of an adapter's name is needed/],
    [{ poolBytes: "1GB" }, /init: poolBytes is "1GB"; a number of bytes/],
    ["gpu", /init: options are "gpu"; an object is needed/],
  ];
  for (const [options, message] of wrong) await check.rejects(() => h.init(any(options)), message);
});

referenceTest("a console shows what a tensor is and where, not its parts", () => {
  const t = x();
  check.is(inspect(t), "Tensor f32[1,2] from tensor, on the float64 reference");
  t.dispose();
  check.is(inspect({ t }), "{ t: Tensor f32[1,2] from tensor, freed by dispose() }");
});

test("values in messages are short", () => {
  check.equal([undefined, null, "a", 1, [1, 2], () => 1, Promise.resolve(), new Float32Array(2), { a: 1 }].map(shown), [
    "undefined",
    "null",
    '"a"',
    "1",
    "a list of 2",
    "a function",
    "a promise",
    "Float32Array",
    "an object {a}",
  ]);
  check.is(checkedOptions("f", { a: 1 }, ["a", "b"]).a, 1);
});
