import { anObject, anyNumber, aText, listOf } from "../kinds.js";
import { requireArguments } from "../options.js";

/** What profiling reports. Apart from profile.ts, since public declarations must not mention WebGPU's types. */

/** What one kernel cost. Sums over its calls. */
export interface KernelProfile {
  readonly kernel: string;
  readonly calls: number;
  readonly ms: number;
  /** Where every call says how many operations it does. */
  readonly gflops: number | undefined;
  /** Operand bytes over time: each operand is counted once, whatever the kernel reads again. */
  readonly gbps: number;
}

const PROFILE = listOf(
  anObject("a row", { kernel: aText, calls: anyNumber, ms: anyNumber, gbps: anyNumber }),
  "rows that profile() gave",
);

/** The rows as a table for people. */
export function formatProfile(rows: readonly KernelProfile[]): string {
  requireArguments("formatProfile", { rows: [rows, PROFILE] });
  const cells = rows.map((r) => [
    r.kernel,
    String(r.calls),
    r.ms.toFixed(2),
    r.gflops === undefined ? "-" : r.gflops.toFixed(1),
    r.gbps.toFixed(1),
  ]);
  const table = [["kernel", "calls", "ms", "GFLOP/s", "GB/s"], ...cells];
  const widths = table[0].map((_, c) => Math.max(...table.map((row) => row[c].length)));
  return table
    .map((row) => row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join("  "))
    .join("\n");
}
