/** What a GPU's compiler makes of the kernels does not get worse; and its listings are read right. */
import { amdDriver, compileForAmd, isTile } from "../../bench/isa.js";
import { kernelsOf, launchesOfSteps } from "../../bench/isaKernels.js";
import { fmaShare, parseShader } from "../../bench/isaParse.js";
import { check, skip, test } from "../harness.js";

const listing = `
BB0:
	s_mov_b32 s0, 0                ; 00
BB1:
	buffer_load_dword v1, v2       ; 01
	v_mul_hi_u32 v3, v1, v2        ; 02
	s_mov_b32 s1, 0                ; 03
BB2:
	ds_read_b128 v[4:7], v3        ; 04
	v_mac_f32_e32 v8, v4, v5       ; 05
	v_mac_f32_e32 v9, v4, v6       ; 06
	s_add_u32 s1, s1, 2            ; 07
	s_cmp_ge_u32 s1, 8             ; 08
	s_cbranch_scc0 BB2             ; 09
BB3:
	v_add_u32_e32 v2, vcc, 1, v2   ; 0a
	s_branch BB1                   ; 0b
BB4:
	buffer_store_dwordx4 v[8:11], v1
VGPRs: 40
Spilled SGPRs: 0
Spilled VGPRs: 3
LDS size: 512
Subgroups per SIMD: 6
Code size: 100
`;

test("a listing is counted by basic block, inner loops as often as they run", () => {
  const { loop, all, ...figures } = parseShader(listing);
  check.equal(figures, { vgprs: 40, spilled: 3, ldsBytes: 512, waves: 6, codeBytes: 100, loopIsGuess: false });
  check.equal([loop?.fma, loop?.valu, loop?.ldsReads, loop?.loads, loop?.highMultiplies], [8, 10, 4, 1, 1]);
  check.is(fmaShare(loop!), 0.8);
  check.equal([all.fma, all.stores, all.wideStores], [2, 1, 1]);
  // A loop inside that runs nobody knows how often, and holds the arithmetic, is the one that counts.
  const endless = listing.replace("s_cmp_ge_u32 s1, 8 ", "s_cmp_ge_u32 s1, s9");
  const unknown = parseShader(endless.replace("ds_read_b128 v[4:7], v3 ", "buffer_load_dwordx4 v[4:7], v3"));
  check.equal([unknown.loop?.fma, unknown.loop?.valu], [2, 2]);
  const once = parseShader(endless);
  check.equal([once.loop?.fma, once.loopIsGuess], [2, true]);
  check.throws(() => parseShader(listing.replace("VGPRs: 40", "")), /VGPRs/);
});

/** The least share of fma in the vector arithmetic of the main loop. */
const shares: readonly (readonly [kernel: RegExp, share: number])[] = [
  [/^matmul/, 0.8],
  [/^conv2dFilter/, 0.66],
  [/^conv2d\.tiled.* UP_Y=[2-9]/, 0.65],
  [/^conv2d\.tiled.* FLIPPED/, 0.69],
  [/^conv2d\.tiled.* MASKED/, 0.7],
  [/^conv2d\.tiled/, 0.6],
];

test("tiles keep four waves, spill nothing, divide nowhere in their loops, and mostly multiply and add", () => {
  const driver = amdDriver();
  if (driver === undefined)
    skip("Mesa's AMD driver is missing (mesa-vulkan-drivers; HOLDFAST_RADV names its manifest)");
  const kernels = kernelsOf(launchesOfSteps(["paper network"])).filter(isTile);
  check.ok(kernels.length >= 6, `${kernels.length} kernels of tiles`);
  for (const { label, error, spilled, waves, loop, all } of compileForAmd(kernels, driver!)) {
    check.is(error, undefined, label);
    check.is(spilled, 0, `spills of ${label}`);
    check.ok(waves! >= 4, `${waves} waves of ${label}`);
    check.is(loop!.highMultiplies, 0, `divisions in the loop of ${label}`);
    const [, least] = shares.find(([kernel]) => kernel.test(label))!;
    // Loops of larger tiles are not unrolled, and how often they run cannot always be read.
    if (/ SIDE=16/.test(label)) continue;
    check.ok(fmaShare(loop!) >= least, `${fmaShare(loop!).toFixed(3)} fma in the loop of ${label}, at least ${least}`);
    if (/ VECTORS/.test(label)) check.ok(all!.wideStores >= 8, `stores of four in ${label}`);
  }
});

test("minimal filtering on a GPU spills nothing, and divides only to find its tile", () => {
  const driver = amdDriver();
  if (driver === undefined)
    skip("Mesa's AMD driver is missing (mesa-vulkan-drivers; HOLDFAST_RADV names its manifest)");
  const kernels = kernelsOf(launchesOfSteps(["minimal filtering"])).filter(({ label }) => label.startsWith("winograd"));
  check.ok(kernels.length >= 12, `${kernels.length} kernels of minimal filtering`);
  for (const { label, error, spilled, waves, all } of compileForAmd(kernels, driver!)) {
    check.is(error, undefined, label);
    check.is(spilled, 0, `spills of ${label}`);
    // The transform of an image keeps 64 numbers and eight more, its adjoint 48, twelve and two rows of eight.
    const few = ["winograd.image", "winograd.fold STEP=6"].includes(label);
    check.ok(waves! >= (few ? 3 : 4), `${waves} waves of ${label}`);
    check.ok(all!.highMultiplies <= 8, `divisions of ${label}`);
  }
});
