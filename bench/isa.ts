/** What the compiler of a real GPU makes of the kernels, without that GPU: Mesa's AMD driver compiles for a card that is not there. Nothing runs. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { env, execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { type IsaKernel, isaSteps, kernelsOf, launchesOfSteps } from "./isaKernels.js";
import { type Counts, fmaShare, type IsaFigures, parseShader } from "./isaParse.js";
import { figure } from "./report.js";

/** Manifests of Mesa's AMD driver, where Debian and others put them; `HOLDFAST_RADV` names another. */
const manifests = [
  "/usr/share/vulkan/icd.d/radeon_icd.json",
  "/usr/share/vulkan/icd.d/radeon_icd.x86_64.json",
  "/usr/share/vulkan/icd.d/radeon_icd.aarch64.json",
];
const family = "polaris10";

export interface IsaRow extends Partial<IsaFigures> {
  readonly label: string;
  readonly users: readonly string[];
  readonly error?: string;
}

/** Where the driver is; undefined where it is missing. */
export function amdDriver(): string | undefined {
  return [env.HOLDFAST_RADV, ...manifests].find((path) => path !== undefined && existsSync(path));
}

/** Compiles kernels for a card that is not there. @throws Error where the driver cannot do it. */
export function compileForAmd(kernels: readonly IsaKernel[], driver: string): IsaRow[] {
  const { stderr, status, signal } = spawnSync(execPath, [fileURLToPath(new URL("./isaChild.js", import.meta.url))], {
    input: JSON.stringify(kernels),
    env: {
      ...env,
      VK_ICD_FILENAMES: driver,
      VK_DRIVER_FILES: driver,
      RADV_FORCE_FAMILY: family,
      // A cached shader is not compiled, and says nothing.
      RADV_DEBUG: "shaderstats,asm,nocache",
    },
    encoding: "utf8",
    maxBuffer: 2 ** 30,
  });
  const sections = new Map(
    stderr
      .split(/^@@ /m)
      .slice(1)
      .map((text) => [text.slice(0, text.indexOf("\n")), text]),
  );
  if (!sections.has("end"))
    throw new Error(
      `isa: the driver of ${driver} did not compile everything for ${family} (exit ${status ?? signal}): ` +
        `${stderr.trim().split("\n").at(-1)}`,
    );
  return kernels.map(({ label, users }, i) => {
    const text = sections.get(String(i)) ?? "";
    const error = /^@error (.*)$/m.exec(text)?.[1];
    try {
      return error === undefined ? { label, users, ...parseShader(text) } : { label, users, error };
    } catch (problem) {
      return { label, users, error: (problem as Error).message };
    }
  });
}

/** Every kernel of every step. */
export function measureIsa(driver: string, networks: readonly string[] = Object.keys(isaSteps)): IsaRow[] {
  return compileForAmd(kernelsOf(launchesOfSteps(networks)), driver);
}

const heads = [
  ...["kernel", "VGPRs", "spills", "waves/SIMD", "LDS B", "code B", "VALU", "loop VALU", "loop fma", "share of fma"],
  ...["loop int. mul", "loop mul_hi", "loop loads", "loop LDS", "stores (of 4)"],
];

function cellsOf({ label, error, ...row }: IsaRow): string[] {
  if (error !== undefined) return [label, error];
  const { loop, loopIsGuess } = row;
  const all = row.all as Counts;
  const about = loopIsGuess ? "≥ " : "";
  return [
    ...[label, ...[row.vgprs, row.spilled, row.waves, row.ldsBytes, row.codeBytes, all.valu].map(figure)],
    ...(loop
      ? [
          ...[`${about}${loop.valu}`, `${about}${loop.fma}`, `${figure(100 * fmaShare(loop))} %`],
          ...[loop.integerMultiplies, loop.highMultiplies, loop.loads, loop.ldsReads + loop.ldsWrites].map(figure),
        ]
      : ["-", "-", "-", "-", "-", "-", "-"]),
    `${all.stores} (${all.wideStores})`,
  ];
}

const markdown = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, i) => (i === 0 ? "---" : "--:")), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

/** Kernels that a step spends its arithmetic in. */
export const isTile = ({ label }: IsaRow): boolean => /^(matmul|conv2d\w*)\.tiled/.test(label);

/** A kernel without what was fused into it. */
const bare = ({ label }: IsaRow): string => label.replace(/\+\S+/, "+…");

/** Rows that differ only in what was fused into them as one, whose figures are each the worst of all. */
export function worstOf(rows: readonly IsaRow[]): (IsaRow & { readonly pipelines: number })[] {
  const groups = new Map<string, IsaRow[]>();
  for (const row of rows) groups.set(bare(row), [...(groups.get(bare(row)) ?? []), row]);
  return [...groups].map(([label, group]) => {
    const users = [...new Set(group.flatMap((row) => row.users))];
    const failed = group.find(({ error }) => error !== undefined);
    if (failed) return { ...failed, label, users, pipelines: group.length };
    const most = (of: (row: IsaRow) => number | undefined): number => Math.max(...group.map((row) => of(row) ?? 0));
    const byShare = group.filter(({ loop }) => loop).sort((a, b) => fmaShare(a.loop!) - fmaShare(b.loop!));
    const [worst = group[0]] = byShare;
    return {
      ...{ ...worst, label, users, pipelines: group.length },
      vgprs: most(({ vgprs }) => vgprs),
      spilled: most(({ spilled }) => spilled),
      waves: Math.min(...group.map(({ waves = 0 }) => waves)),
      codeBytes: most(({ codeBytes }) => codeBytes),
    };
  });
}

/** The page. */
export function isaPage(rows: readonly IsaRow[]): string {
  const lines = worstOf(rows);
  const cells = (row: (typeof lines)[number]): string[] => {
    const [label, ...others] = cellsOf(row);
    return [`\`${label}\``, String(row.pipelines), ...others];
  };
  const users = (row: IsaRow): string => [...new Set(row.users.map((user) => user.split(",")[0]))].join(", ");
  const columns = [heads[0], "pipelines", ...heads.slice(1)];
  return `${[
    "# What a GPU's compiler makes of the kernels",
    `Written by \`npm run bench -- isa --save\`: do not edit. Every pipeline that captured steps of four networks take where the ` +
      "adapter is no software: the paper's network at 28x28, ResNet-18 and MobileNetV2 at 224x224, and a small vision transformer; forward passes, " +
      "training steps, input gradients, and the paper network's second order; and convolutions by minimal filtering, which GPUs take where `bench tune` " +
      `finds it faster. Mesa's AMD compiler made them for a card that is not there (${family}: waves of ` +
      "64, 256 registers a SIMD); nothing ran, and a time needs a card.",
    'Pipelines that differ only in what was fused into them ("+…") are one row: the worst registers, waves and code size, and the loop with the smallest ' +
      'share of fma. "Loop" is one pass of the outermost loop with the most fma, inner loops as often as they run; ≥ where that could not be read and ' +
      'an inner loop counts once. "Mul_hi" are upper halves of products: two in each division of integers by what the compiler does not know, one by a constant.',
    "## Workgroup tiles",
    markdown(columns, lines.filter(isTile).map(cells)),
    "## All others",
    markdown(columns, lines.filter((row) => !isTile(row)).map(cells)),
    "## Who uses the tiles",
    markdown(
      ["kernel", "networks"],
      lines.filter(isTile).map((row) => [`\`${row.label}\``, users(row)]),
    ),
  ].join("\n\n")}\n`;
}
