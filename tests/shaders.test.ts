/** The kernel files: every variant compiles as the notation says, and the notation refuses what it cannot read. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { create } from "webgpu";
import { embed, kernelOf, scalarLibrary } from "../shaders/embed.js";
import { kernels, library } from "../shaders/gen/kernels.js";
import { type Kernel, type LibraryItem, originOf, type Spec, variantOf } from "../shaders/kernel.js";
import { onlyUsed } from "../shaders/library.js";
import { piecesOf, resolveIncludes, variantsOf } from "../shaders/preprocess.js";
import { reflect } from "../shaders/reflect.js";
import { check, root, test } from "./harness.js";

/** Dawn's null backend compiles WGSL and executes nothing: enough here, and there on every machine. */
const gpu = create(["backend=null"]) as unknown as GPU;
let device: GPUDevice | undefined;
async function compiler(): Promise<GPUDevice> {
  if (device) return device;
  const adapter = await gpu.requestAdapter();
  check.ok(adapter, "the null backend has an adapter");
  const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX, maxComputeWorkgroupStorageSize } =
    adapter.limits;
  device = await adapter.requestDevice({
    requiredFeatures: (["subgroups", "shader-f16"] as const).filter((f) => adapter.features.has(f)),
    requiredLimits: {
      maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX,
      maxComputeWorkgroupStorageSize,
      maxStorageBuffersPerShaderStage: adapter.limits.maxStorageBuffersPerShaderStage,
    },
  });
  return device;
}

/** The compiler's errors with their files and lines; none when a pipeline can be made. */
async function errorsOf(wgsl: string, constants?: Record<string, number>): Promise<string[]> {
  const on = await compiler();
  on.pushErrorScope("validation");
  const module = on.createShaderModule({ code: wgsl });
  if (constants) on.createComputePipeline({ layout: "auto", compute: { module, constants } });
  const { messages } = await module.getCompilationInfo();
  const error = await on.popErrorScope();
  const errors = messages
    .filter((m) => m.type === "error")
    .map((m) => {
      const { file, line } = originOf(wgsl, m.lineNum);
      return `${file}:${line}: ${m.message}`;
    });
  return errors.length === 0 && error ? [error.message] : errors;
}

const folder = join(root, "shaders");
const files = new Map(
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".wgsl"))
    .map((file) => [file.replaceAll("\\", "/"), readFileSync(join(folder, file), "utf8")]),
);
const sourceOf = (file: string): string => resolveIncludes(file, (name) => files.get(name)!);

/** `source` as it reads in a variant. */
function variant(source: string, spec: Spec = {}): string {
  const { wgsl } = variantOf({ ...reflect("s", `${source}\n@compute @workgroup_size(1) fn main() {}`) }, spec);
  return wgsl.slice(0, wgsl.lastIndexOf("@compute"));
}

test("there are kernels and a library, and they are those of the files", () => {
  check.equal(
    Object.keys(kernels).sort(),
    [...files.keys()].flatMap((file) => (file.startsWith("lib/") ? [] : [file.replace(".wgsl", "")])).sort(),
  );
  check.equal(library.relu.needs, ["isNan"]);
  for (const [name, kernel] of Object.entries(kernels))
    check.equal<Kernel>(
      kernel,
      kernelOf(`${name}.wgsl`, (file) => files.get(file)!, library),
    );
});

test("a kernel has of the library what it uses, and that what it needs", () => {
  const items: Record<string, LibraryItem> = {
    one: { text: "const one = 1u;\n", line: 2 },
    two: { text: "fn two() -> u32 { return one + one; }\n", line: 4, needs: ["one"] },
    three: { text: "fn three() {}\n", line: 6 },
  };
  const source = `a\n//@origin ${scalarLibrary} 1\n// all\nof it\n//@origin a.wgsl 3\nlet x = two();\n`;
  const used = onlyUsed(source, scalarLibrary, items);
  check.equal(used.names, ["one", "two"]);
  check.is(
    used.source,
    `a\n//@origin ${scalarLibrary} 2\nconst one = 1u;\n//@origin ${scalarLibrary} 4\nfn two() -> u32 { return one + one; }\n//@origin a.wgsl 3\nlet x = two();\n`,
  );
  check.equal(onlyUsed("let x = two();", scalarLibrary, items), { source: "let x = two();", names: [] });
  check.ok(kernels.reduce.scalarFunctions!.includes("fromBits"), "what combine.wgsl uses");
  check.ok(!kernels.reduce.scalarFunctions!.includes("erf"), "and no other");
});

for (const [name, kernel] of Object.entries(kernels))
  test(`${name} compiles in every variant`, async () => {
    for (const spec of variantsOf(sourceOf(`${name}.wgsl`))) {
      const { wgsl, constants, bindings } = variantOf(kernel, spec);
      check.equal(await errorsOf(wgsl, constants), [], JSON.stringify(spec));
      check.ok(bindings.length > 0, "bindings are found");
      // The compiler's own text of the variant declares the same.
      const declared = [...wgsl.matchAll(/@binding\((\d+)\) var<storage, (\w+)> (\w+)/g)];
      check.equal(
        declared.map(([, binding, access, variable]) => `${binding} ${access} ${variable}`).sort(),
        bindings.map((b) => `${b.binding} ${b.access} ${b.name}`).sort(),
      );
    }
  });

/** A library that a kernel pastes is compiled there, and may use what the kernel defines. */
const pasted = new Set(Object.values(kernels).flatMap(({ includes = [] }) => includes));
for (const file of files.keys())
  if (file.startsWith("lib/") && !pasted.has(file))
    test(`${file} compiles`, async () => {
      check.equal(await errorsOf(sourceOf(file)), []);
    });

test("a compiler message finds its file and line through includes, constants and flags", async () => {
  const own: Record<string, string> = {
    "a.wgsl":
      'const N = 4u; //@spec\n//@include "lib/b.wgsl"\n//@if WIDE\nconst a = 1u;\n//@include "lib/c.wgsl"\n//@end\nfn f() -> u32 { return wrong; }\n',
    "lib/b.wgsl": "// b\nfn g() -> f32 { return 1u; }\n",
    "lib/c.wgsl": "// c\n\n\nconst c = 1u;\n",
  };
  const wgsl = (): string =>
    variant(
      resolveIncludes("a.wgsl", (file) => own[file]),
      { N: 8, WIDE: false },
    );
  check.match(wgsl(), "const N = 8u;");
  check.ok(!wgsl().includes("const a") && !wgsl().includes("const c"), "the branch is blanked");
  check.match((await errorsOf(wgsl())).join("\n"), /(lib\/b\.wgsl:2|a\.wgsl:7): /);
  own["lib/b.wgsl"] = "// b\n";
  check.match((await errorsOf(wgsl())).join("\n"), /a\.wgsl:7: .*wrong/);
});

test("an include is pasted once", () => {
  const files: Record<string, string> = {
    "a.wgsl": '//@include "lib/b.wgsl"\n//@include "lib/c.wgsl"\n',
    "lib/b.wgsl": "const b = 1;\n",
    "lib/c.wgsl": '//@include "lib/b.wgsl"\nconst c = b;\n',
  };
  const pasted = resolveIncludes("a.wgsl", (file) => files[file]);
  check.is(pasted.split("const b = 1;").length, 2);
});

test("constants keep their type, branches nest, else is the other branch", () => {
  const source = [
    "override SIZE: u32 = 8;",
    "const A = 2u; //@spec",
    "const B: f32 = 0.5; //@spec  explained",
    "const C = true; //@spec",
    "//@if X",
    "x",
    "//@if Y",
    "xy",
    "//@else",
    "x only",
    "//@end",
    "//@else",
    "not x",
    "//@end",
  ].join("\n");
  const kept = (spec: Spec): string[] =>
    variant(source, spec)
      .split("\n")
      .filter((line) => /^(x|not)/.test(line));
  check.equal(kept({}), ["not x"]);
  check.equal(kept({ Y: true }), ["not x"]);
  check.equal(kept({ X: true }), ["x", "x only"]);
  check.equal(kept({ X: true, Y: true }), ["x", "xy"]);
  const kernel = reflect("s", `${source}\n@compute @workgroup_size(1) fn main() {}`);
  const { wgsl, constants } = variantOf(kernel, { A: 4, B: 3, C: false, SIZE: 16 });
  check.match(wgsl, "const A = 4u;\n");
  check.match(wgsl, "const B: f32 = 3.0;\n");
  check.match(wgsl, "const C = false;\n");
  check.equal(constants, { SIZE: 16 });
  for (const spec of [{}, { X: true }, { Y: true }, { X: true, Y: true }] as Spec[])
    check.is(variant(source, spec).split("\n").length, source.split("\n").length + 1, "no line is removed");
});

test("a value that a kernel cannot take is refused", () => {
  const source = "const A = 2u; //@spec\noverride B: bool = false;\noverride C: i32 = 1;\n//@if X\n//@end";
  const refused = (spec: Spec, message: RegExp) => check.throws(() => variant(source, spec), message);
  refused({ D: 1 }, /shader s: no constant or flag D; it declares B, C, A, X/);
  refused({ toString: 1 }, /shader s: no constant or flag toString/);
  refused({ A: 1.5 }, /constant A is an integer and cannot become 1.5/);
  refused({ A: true }, /constant A is int and cannot become true/);
  refused({ B: 1 }, /override B is bool and cannot become 1/);
  refused({ C: 0.5 }, /override C is an integer and cannot become 0.5/);
  refused({ X: 1 }, /flag X is bool and cannot become 1/);
});

test("a file that the build step cannot serve is refused", () => {
  const entry = "\n@compute @workgroup_size(1) fn main() {}";
  const refused = (source: string, message: RegExp) => check.throws(() => reflect("s", source), message);
  check.throws(() => piecesOf("s", "//@if X"), /shader s: \/\/@if without \/\/@end/);
  check.throws(() => piecesOf("s", "//@else"), /\/\/@else without \/\/@if/);
  check.throws(() => piecesOf("s", "//@if X\n//@else\n//@else"), /\/\/@else without \/\/@if/);
  check.throws(() => piecesOf("s", "//@end"), /\/\/@end without \/\/@if/);
  refused(`@group(1) @binding(0) var<uniform> p: Params;${entry}`, /p is in group 1/);
  refused(
    `@group(0) @binding(0) var<uniform> p: Params;${entry}`,
    /one struct Params and one uniform binding are needed/,
  );
  refused(
    `@group(0) @binding(0) var<storage, write> x: array<f32>;${entry}`,
    /x is write; read or read_write is needed/,
  );
  refused(`@group(0) @binding(N) var<storage> x: array<f32>;${entry}`, /cannot read one of the bindings/);
  refused("fn main() {}", /one @compute entry point is needed/);
  refused(`//@if A${entry}\n//@end`, /one @compute entry point is needed/);
  refused(`fn store_result(index: u32, value: f32) { } //@hook store${entry}`, /y is not array<f32>/);
  const x = (n: number): string => `@group(0) @binding(${n}) var<storage> x: array<f32>;\n`;
  refused(`//@if A\n${x(0)}//@end\n//@if B\n${x(1)}//@end${entry}`, /\(x\) is declared twice for {"A":true,"B":true}/);
  reflect("s", `//@if A\n${x(0)}//@else\n${x(1)}//@end${entry}`);
});

test("what a kernel declares becomes its type", () => {
  const source =
    "struct Params { n: u32, at: vec2f }\n@group(0) @binding(0) var<uniform> p: Params;\n" +
    "@group(0) @binding(1) var<storage> x: array<f32>;\n//@if STARTS\n@group(0) @binding(2) var<storage> start: array<f32>;\n//@end\n" +
    "override WIDE: u32 = 4;\n@compute @workgroup_size(WIDE) fn main() {}";
  const text = embed(new Map([...files].filter(([file]) => file.startsWith("lib/"))).set("k.wgsl", source));
  check.match(
    text,
    'k: { always: "x"; flagged: "start"; params: { n: number; at: readonly number[] }; settings: { WIDE?: number; STARTS?: boolean } };',
  );
});

test("invocations are counted where no setting changes them", () => {
  const threads = (size: string): number | undefined =>
    reflect(
      "s",
      `const A = 4u;\nconst B = 2u; //@spec\noverride C = 3u;\n@compute @workgroup_size(${size}) fn main() {}`,
    ).threads;
  check.equal(["64", "8, 8u", "A, 2", "B", "C", "A * 2"].map(threads), [64, 64, 8, undefined, undefined, undefined]);
});

test("Params is laid out as WGSL lays out uniforms", () => {
  const { params } = reflect(
    "s",
    `const N = 3; struct Params { a: u32, b: vec2<f32>, // a comment, with a comma
       c: vec3u, d: i32, e: array<vec4<u32>, 2>, f: array<vec2f, N>, g: f32 }
     @group(0) @binding(0) var<uniform> p: Params; @compute @workgroup_size(1) fn main() {}`,
  );
  check.equal(
    params!.fields.map((f) => [f.name, f.scalar, f.components ?? 1, f.elements ?? 1, f.offset, f.stride ?? 4]),
    [
      ["a", "u32", 1, 1, 0, 4],
      ["b", "f32", 2, 1, 8, 8],
      ["c", "u32", 3, 1, 16, 16],
      ["d", "i32", 1, 1, 28, 4],
      ["e", "u32", 4, 2, 32, 16],
      ["f", "f32", 2, 3, 64, 8],
      ["g", "f32", 1, 1, 88, 4],
    ],
  );
  check.is(params!.bytes, 96);
});

test("variants are declared in the file", () => {
  check.equal(variantsOf("//@if A\n//@end\n//@variant A RM=4\n//@variant B=false RM=0.5"), [
    {},
    { A: true },
    { A: true, RM: 4 },
    { B: false, RM: 0.5 },
  ]);
});

test("functions of one element have no short circuits, which SwiftShader compiles for minutes", () => {
  const code = sourceOf("lib/scalar.wgsl").replace(/\/\/.*$/gm, "");
  check.ok(code.includes("fn "), "functions");
  check.equal(code.match(/.*(&&|\|\|).*/g), null);
});
