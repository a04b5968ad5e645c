/** The kernel files: every variant compiles as the notation says, and the notation refuses what it cannot read. */
import { create } from "webgpu";
import { type KernelName, kernelSources, librarySources } from "../shaders/gen/kernels.js";
import { originOf, resolveIncludes, specialise, variantsOf } from "../shaders/preprocess.js";
import { reflect } from "../shaders/reflect.js";
import { check, test } from "./harness.js";

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

const names = Object.keys(kernelSources) as KernelName[];

test("there are kernels and a library", () => {
  check.ok(names.length > 0, "kernels");
  check.ok("lib/scalar" in librarySources, "lib/scalar");
});

for (const name of names)
  test(`${name} compiles in every variant`, async () => {
    for (const variant of variantsOf(kernelSources[name])) {
      const { wgsl, constants } = specialise(name, kernelSources[name], variant);
      check.equal(await errorsOf(wgsl, constants), [], JSON.stringify(variant));
      const { bindings, params } = reflect(name, wgsl);
      check.ok(bindings.length > 0, "bindings are found");
      check.is(
        bindings.some((b) => b.access === "uniform"),
        params !== undefined,
        "Params and its binding",
      );
    }
  });

/** A library that a kernel pastes is compiled there, and may use what the kernel defines. */
const pasted = new Set(
  Object.values(kernelSources).flatMap((s) => [...s.matchAll(/^\/\/@origin (lib\/\w+)/gm)].map((m) => m[1])),
);
for (const [name, source] of Object.entries(librarySources))
  if (!pasted.has(name))
    test(`${name} compiles`, async () => {
      check.equal(await errorsOf(source), []);
    });

test("a compiler message finds its file and line through includes, constants and flags", async () => {
  const files: Record<string, string> = {
    "a.wgsl":
      'const N = 4u; //@spec\n//@if WIDE\nconst a = 1u;\n//@end\n//@include "lib/b.wgsl"\nfn f() -> u32 { return wrong; }\n',
    "lib/b.wgsl": "// b\nfn g() -> f32 { return 1u; }\n",
  };
  const { wgsl } = specialise(
    "a",
    resolveIncludes("a.wgsl", (file) => files[file]),
    { N: 8, WIDE: false },
  );
  check.match(wgsl, "const N = 8u; //@spec");
  check.ok(!wgsl.includes("const a"), "the branch is blanked");
  const errors = (await errorsOf(wgsl)).join("\n");
  check.match(errors, /(lib\/b\.wgsl:2|a\.wgsl:6): /);
  files["lib/b.wgsl"] = "// b\n";
  const rest = specialise(
    "a",
    resolveIncludes("a.wgsl", (file) => files[file]),
  ).wgsl;
  check.match((await errorsOf(rest)).join("\n"), /a\.wgsl:6: .*wrong/);
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
  const kept = (spec: Record<string, number | boolean>): string[] =>
    specialise("s", source, spec)
      .wgsl.split("\n")
      .filter((line) => /^(x|not)/.test(line));
  check.equal(kept({}), ["not x"]);
  check.equal(kept({ Y: true }), ["not x"]);
  check.equal(kept({ X: true }), ["x", "x only"]);
  check.equal(kept({ X: true, Y: true }), ["x", "xy"]);
  const { wgsl, constants } = specialise("s", source, { A: 4, B: 3, C: false, SIZE: 16 });
  check.match(wgsl, "const A = 4u; //@spec");
  check.match(wgsl, "const B: f32 = 3.0; //@spec  explained");
  check.match(wgsl, "const C = false; //@spec");
  check.equal(constants, { SIZE: 16 });
  check.is(wgsl.split("\n").length, source.split("\n").length, "no line is removed");
});

test("what the notation cannot serve is refused", () => {
  const source = "const A = 2u; //@spec\n//@if X\n//@end";
  check.throws(() => specialise("s", source, { D: 1 }), /shader s: no constant or flag D; it declares A, X/);
  check.throws(() => specialise("s", source, { A: 1.5 }), /constant A is 2u in the file and cannot become 1.5/);
  check.throws(() => specialise("s", source, { A: true }), /cannot become true/);
  check.throws(() => specialise("s", source, { X: 1 }), /flag X is 1; true or false is needed/);
  check.throws(() => specialise("s", "//@if X"), /\/\/@if without \/\/@end/);
  check.throws(() => specialise("s", "//@else"), /\/\/@else without \/\/@if/);
  check.throws(() => reflect("s", "@group(1) @binding(0) var<uniform> p: Params;"), /p is in group 1/);
});

test("Params is laid out as WGSL lays out uniforms", () => {
  const { params } = reflect(
    "s",
    `const N = 3; struct Params { a: u32, b: vec2<f32>, // a comment, with a comma
       c: vec3u, d: i32, e: array<vec4<u32>, 2>, f: array<vec2f, N>, g: f32 }`,
  );
  check.equal(
    params!.fields.map((f) => [f.name, f.scalar, f.components, f.elements, f.offset, f.stride]),
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
  const code = librarySources["lib/scalar"].replace(/\/\/.*$/gm, "");
  check.ok(code.includes("fn "), "functions");
  check.equal(code.match(/.*(&&|\|\|).*/g), null);
});
