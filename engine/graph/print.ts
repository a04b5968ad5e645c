/** A captured program as text. */
import { variantOf } from "../../shaders/kernel.js";
import { describe } from "../errors.js";
import { ConstantBuffer, type PlannedBuffer, type Program, type ProgramOutput } from "../gpu/planned.js";
import type { Launch, Operand } from "../lower.js";

/** Launches with grids, operands and buffers; then memory and donations. With `source`, generated kernels in full. */
export function printProgram(program: Program, { source = false }: { readonly source?: boolean }): string {
  const { once, fixed, launches, packing, inputs, outputs, buffers, plan, lowerBoundBytes } = program;
  const indexOf = new Map<unknown, number>(buffers.map((buffer, i) => [buffer, plan.bufferOf[i]]));
  const place = ({ buffer }: Operand): string =>
    buffer instanceof ConstantBuffer
      ? "constant"
      : (fixed as unknown[]).includes(buffer)
        ? `once ${(buffer as PlannedBuffer).name}`
        : `#${indexOf.get(buffer)}${buffer === undefined ? "" : ` ${(buffer as PlannedBuffer).name}`}`;
  const lines = [
    `${launches.length} launches, 1 submit${once.length > 0 ? `; ${once.length} once, before the first` : ""}` +
      (packing > 0 ? `; the first ${packing} only where arguments have changed` : ""),
  ];
  const line = (mark: string, launch: Launch): string => {
    const { bind, grid } = launch;
    const operands = Object.entries(bind).map(([name, x]) => `${name} ${describe(x)} (${place(x)})`);
    return `${mark.padStart(4)}  ${launch.kernel.name} ${grid.join("×")}: ${operands.join(", ")}`;
  };
  for (const call of once) lines.push(line("once", call));
  for (const [k, call] of launches.entries()) lines.push(line(String(k), call));
  for (const { node, buffer } of inputs)
    lines.push(`argument ${node.path} ${describe(node)} in #${indexOf.get(buffer)}${node.donated ? ", donated" : ""}`);
  for (const [j, y] of outputs.entries())
    lines.push(`output ${j} ${describe(y)} from ${place(y.operand)}, ${destination(y)}`);
  const total = plan.bufferBytes.reduce((sum, bytes) => sum + bytes, 0);
  const kept = fixed.reduce((sum, buffer) => sum + (buffer.isUsed ? buffer.bytes : 0), 0);
  lines.push(
    `memory: ${total} bytes in ${plan.bufferBytes.length} buffers for ${buffers.length} values; ` +
      `${lowerBoundBytes} live at once, factor ${(total / Math.max(1, lowerBoundBytes)).toFixed(2)}` +
      (once.length > 0 ? `; ${kept} bytes made once` : ""),
  );
  if (source) lines.push(...sources([...once, ...launches]));
  return lines.join("\n");
}

function destination({ takesOver, inPlace }: ProgramOutput): string {
  if (!takesOver) return inPlace ? "handed out" : "copied to a fresh buffer";
  return `${inPlace ? "written in place of" : "copied over"} argument ${takesOver.node.path}`;
}

function sources(launches: readonly Launch[]): string[] {
  const texts = launches.flatMap(({ kernel, spec }) =>
    kernel.file !== undefined ? [] : [`\n// ${kernel.name}\n${variantOf(kernel, spec).wgsl}`],
  );
  return [...new Set(texts)];
}
