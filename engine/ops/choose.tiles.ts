/** What register tiles cost, for the models of choose.ts. */
import type { Capabilities } from "../lower.js";
import type { MatmulShape, Registers } from "./choose.js";
import { cycles, perThread } from "./cost.js";
import { tileColumns } from "./tuned.js";

/** Register tiles are for vectors of eight: llvmpipe. On subgroups of four (SwiftShader) they are three times slower than
 *  workgroup tiles, as on GPUs. */
export function registers({ software, subgroups, subgroupMinSize }: Capabilities): boolean {
  return software && (!subgroups || subgroupMinSize >= 8);
}

/** Columns above which a register tile that leaves no fewer empty has to save so many cycles at a time: it compiles for a fifth of a second
 *  longer. */
const wideTile = { columns: 32, saves: 6e5 };

/** Cheapest width of register tile for `batch` times `rows` × `columns` outputs, with its cost in cycles. */
export function cheapestTile(
  caps: Capabilities,
  batch: number,
  rows: number,
  columns: number,
  depth: number,
  cost: { rowLoad: number; columnLoad: number; store?: number },
): { choice: Registers; cycles: number } {
  let best: { choice: Registers; cycles: number; judged: number } | undefined;
  const covered = (width: number): number => Math.ceil(columns / width) * width;
  for (const width of tileColumns) {
    // Wider tiles without subgroups are no longer unrolled by the driver and fall to a fifth of the speed.
    if (width > wideTile.columns && !caps.subgroups) break;
    const hasToSave = width > wideTile.columns && covered(width) >= covered(wideTile.columns);
    const tiles = batch * Math.ceil(rows / 32) * Math.ceil(columns / width);
    const loads = caps.subgroups ? Math.ceil(width / 32) : width / 4;
    const step = cost.rowLoad + loads * cost.columnLoad + 4 * width * cycles.multiply;
    const stores = 4 * width * (cost.store ?? cycles.store);
    const total = perThread(tiles) * (cycles.tileStart + depth * step + stores);
    const judged = total + (hasToSave ? wideTile.saves : 0);
    if (!best || judged < best.judged)
      best = { choice: { variant: "registers", subgroups: caps.subgroups, columns: width }, cycles: total, judged };
  }
  return best!;
}

/** Register tiles along m or along n, whichever is cheaper. */
export function cheapestProduct(
  { batch, m, n, depth, transA, transB }: MatmulShape,
  caps: Capabilities,
): { choice: Registers & { exchanged: boolean }; cycles: number } {
  const vector = (together: boolean, count: number) =>
    together && count % 4 === 0 ? cycles.vectorLoad : 4 * cycles.load;
  const a = vector(transA, m);
  const b = vector(!transB, n);
  const straight = cheapestTile(caps, batch, m, n, depth, { rowLoad: a, columnLoad: b });
  const store = n % 4 === 0 ? cycles.vectorStore : cycles.store;
  const turned = cheapestTile(caps, batch, n, m, depth, { rowLoad: b, columnLoad: a, store });
  // Of equal ones: lanes along y's columns store neighbours, which is measured to be faster with subgroups and slower without.
  const isStraight = straight.cycles < turned.cycles || (straight.cycles === turned.cycles && !caps.subgroups);
  const best = isStraight ? straight : turned;
  return { choice: { ...best.choice, exchanged: best === turned }, cycles: best.cycles };
}
