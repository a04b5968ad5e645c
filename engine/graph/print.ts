/** A captured program as text. */
import { describe } from "../errors.js";
import { ConstantBuffer, type PlannedBuffer, type Program } from "../gpu/program.js";
import type { KernelCall, Operand } from "../lower.js";

/** Launches with grids, operands and buffers; then memory and donations. With `source`, generated kernels in full. */
export function printProgram(program: Program, { source = false }: { readonly source?: boolean }): string {
  const { launches, inputs, outputs, buffers, plan, lowerBoundBytes } = program;
  const indexOf = new Map<unknown, number>(buffers.map((buffer, i) => [buffer, plan.bufferOf[i]]));
  const place = ({ buffer }: Operand): string =>
    buffer instanceof ConstantBuffer
      ? "constant"
      : `#${indexOf.get(buffer)}${buffer === undefined ? "" : ` ${(buffer as PlannedBuffer).name}`}`;
  const lines = [`${launches.length} launches, 1 submit`];
  for (const [k, { kernel, bind, grid }] of launches.entries()) {
    const operands = Object.entries(bind).map(([name, x]) => `${name} ${describe(x)} (${place(x)})`);
    lines.push(`${String(k).padStart(4)}  ${nameOf(kernel)} ${grid.join("×")}: ${operands.join(", ")}`);
  }
  for (const { node, buffer } of inputs)
    lines.push(`argument ${node.path} ${describe(node)} in #${indexOf.get(buffer)}${node.donated ? ", donated" : ""}`);
  for (const [j, y] of outputs.entries()) {
    const where = !y.takesOver
      ? "copied to a fresh buffer"
      : `${y.inPlace ? "written in place of" : "copied over"} argument ${y.takesOver.node.path}`;
    lines.push(`output ${j} ${describe(y)} from ${place(y.operand)}, ${where}`);
  }
  const total = plan.bufferBytes.reduce((sum, bytes) => sum + bytes, 0);
  lines.push(
    `memory: ${total} bytes in ${plan.bufferBytes.length} buffers for ${buffers.length} values; ` +
      `${lowerBoundBytes} live at once, factor ${(total / Math.max(1, lowerBoundBytes)).toFixed(2)}`,
  );
  if (source) lines.push(...sources(launches));
  return lines.join("\n");
}

function nameOf(kernel: KernelCall["kernel"]): string {
  return typeof kernel === "string" ? kernel : kernel.name;
}

function sources(launches: readonly KernelCall[]): string[] {
  const generated = new Set(launches.flatMap(({ kernel }) => (typeof kernel === "string" ? [] : [kernel])));
  return [...generated].map(({ name, wgsl }) => `\n// ${name}\n${wgsl}`);
}
