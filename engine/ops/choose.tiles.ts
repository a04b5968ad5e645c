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

/** A register tile of more columns that leaves no fewer empty than these has to save so many cycles at a time: it compiles for a sixth of a
 *  second longer. */
const wideTile = { than: [32, 36], saves: 6e5 };

/** Without subgroups every lane loads every column, and more code than this takes no longer fits a processor's first cache: 24 take twice as
 *  long as 20. */
const widestAlone = 20;

/** What four rows of a lane take to load, and four columns. */
interface LoadCost {
  readonly rowLoad: number;
  readonly columnLoad: number;
  /** Columns are loaded one by one, and so no more of them than the tile has. */
  readonly apart: boolean;
  /** Of one number that is read back. */
  readonly store?: number;
}

/** Cheapest width of register tile for `batch` times `rows` × `columns` outputs, with its cost in cycles. */
export function cheapestTile(
  caps: Capabilities,
  batch: number,
  rows: number,
  columns: number,
  depth: number,
  cost: LoadCost,
): { choice: Registers; cycles: number } {
  let best: { choice: Registers; cycles: number; judged: number } | undefined;
  const covered = (width: number): number => Math.ceil(columns / width) * width;
  const [widestNarrow, coveredByNarrow] = [Math.max(...wideTile.than), Math.min(...wideTile.than.map(covered))];
  for (const width of tileColumns) {
    if (!caps.subgroups && width > widestAlone) break;
    const tiles = batch * Math.ceil(rows / 32) * Math.ceil(columns / width);
    const own = cost.apart ? Math.ceil(width / 8) : 4 * Math.ceil(width / 32);
    const loads = caps.subgroups ? own / 4 : (width / 4) * cycles.tile.samePlace;
    const step = cost.rowLoad + loads * cost.columnLoad + 4 * width * cycles.tile.multiply;
    const stores = 4 * width * (cost.store ?? cycles.tile.store);
    const total = cycles.tile.call + perThread(tiles) * (depth * step + stores);
    const hasToSave = width > widestNarrow && covered(width) >= coveredByNarrow;
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
  const load = (together: boolean, count: number): { cost: number; apart: boolean } => {
    if (together && count % 4 === 0) return { cost: cycles.tile.vector, apart: false };
    return { cost: !together && depth % 2 === 0 ? cycles.tile.pairs : 4 * cycles.load, apart: true };
  };
  const a = load(transA, m);
  const b = load(!transB, n);
  const straight = cheapestTile(caps, batch, m, n, depth, { rowLoad: a.cost, columnLoad: b.cost, apart: b.apart });
  const store = n % 4 === 0 ? cycles.tile.vectorStore : cycles.tile.store;
  const turned = cheapestTile(caps, batch, n, m, depth, { rowLoad: b.cost, columnLoad: a.cost, apart: a.apart, store });
  // Of equal ones: lanes along y's columns store neighbours, which is measured to be faster with subgroups and slower without.
  const isStraight = straight.cycles < turned.cycles || (straight.cycles === turned.cycles && !caps.subgroups);
  const best = isStraight ? straight : turned;
  return { choice: { ...best.choice, exchanged: best === turned }, cycles: best.cycles };
}
