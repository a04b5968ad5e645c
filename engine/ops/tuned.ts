/** Choices of kernels that were measured on one adapter: what choose.ts prefers to its own model near the measured shapes. */
import type { Capabilities } from "../lower.js";
import type { ConvShape, MatmulShape } from "./choose.js";

/** Ops whose kernels come in families. */
const tunedOps = ["matmul", "conv2d", "conv2dInput", "conv2dFilter"] as const;
export type TunedOp = (typeof tunedOps)[number];

/** What was measured for one shape. */
export interface TunedChoice {
  readonly op: TunedOp;
  /** As the function of choose.ts for this op takes it. */
  readonly shape: Readonly<Record<string, number | boolean>>;
  /** The fastest kernel with its parameters; null where nothing beats the choice of the model. */
  readonly choice: Readonly<Record<string, string | number | boolean>> | null;
}

/** A measured shape speaks for shapes whose sizes are at most this many times larger or smaller. */
const reach = 2;
const sizes = new Set(["batch", "m", "n", "rows", "columns", "depth"]);
const alike = new Set(["groups", "transA", "transB", "window"]);

/** Columns of a register tile. 16 is left out: llvmpipe takes 0.7 s to compile it, 0.2 s for 20 or 24 (small tiles it does keep in
 *  registers). 52 is for planes of 7 × 7 and four of them: 160 × 49 sums of 960 products take 0.50 ms of its processor time, by tiles of 32 or
 *  64 pixels 0.64. */
export const tileColumns: readonly number[] = [4, 8, 12, 20, 24, 32, 36, 48, 52, 64];

/** Lines of the smaller operand that dot products meet at a time. */
export const dotColumns: readonly number[] = [1, 2, 4];

/** Whether both operands of a product are contiguous along the sum, as dot products need it; a single line always is. */
export function liesAlongSum({ m, n, transA, transB }: Pick<MatmulShape, "m" | "n" | "transA" | "transB">): boolean {
  return (!transA || m === 1) && (transB || n === 1);
}

/** The measured choice of the nearest shape, if one is near and this adapter can run it for `outputs` results. */
export function tunedChoice<C>(
  op: TunedOp,
  shape: object,
  outputs: number,
  { tuning = [], subgroups, maxBindingBytes }: Capabilities,
): C | undefined {
  let [best, least]: [TunedChoice | undefined, number] = [undefined, Math.log(reach) + 1e-9];
  for (const entry of tuning) {
    if (entry.op !== op) continue;
    const away = distance(entry.shape, shape as TunedChoice["shape"]);
    if (away <= least) [best, least] = [entry, away];
  }
  const choice = best?.choice;
  if (!choice || (choice.subgroups === true && !subgroups)) return undefined;
  const { tiles, smallTiles, transform } = shape as Partial<ConvShape>;
  if (choice.variant === "winograd" && (choice.side === 4 ? smallTiles : tiles) === undefined) return undefined;
  if (choice.variant === "fourier" && choice.side !== transform?.side) return undefined;
  if (choice.variant === "dots" && !liesAlongSum(shape as MatmulShape)) return undefined;
  // Partial sums take a copy of the results each.
  if (typeof choice.parts === "number" && 4 * choice.parts * outputs > maxBindingBytes) return undefined;
  return choice as C;
}

/** The largest logarithm of a ratio of sizes; infinite for shapes of another kind. */
function distance(a: TunedChoice["shape"], b: TunedChoice["shape"]): number {
  let most = 0;
  for (const [key, value] of Object.entries(a)) {
    if (alike.has(key) && value !== b[key]) return Infinity;
    if (sizes.has(key)) most = Math.max(most, Math.abs(Math.log(Number(value) / Number(b[key]))));
  }
  return most;
}

const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 1;

/** Fields of each variant besides its name, and whether a value may stand there. */
const fields: Readonly<Record<string, Readonly<Record<string, (value: unknown) => boolean>>>> = {
  plain: {},
  fold: {},
  registers: { subgroups: (v) => typeof v === "boolean", columns: (v) => tileColumns.includes(v as number) },
  tiled: { side: (v) => v === 8 || v === 16 },
  winograd: { side: (v) => v === 4 || v === 8, tiles: isCount, group: isCount },
  fourier: { side: (v) => v === 8 || v === 16, images: isCount },
  dots: { lanes: (v) => v === 8 || v === 64, columns: (v) => dotColumns.includes(v as number) },
};
const moreFields: Readonly<Record<string, (typeof fields)[string]>> = {
  "matmul registers": { exchanged: (v) => typeof v === "boolean" },
  "matmul tiled": { parts: isCount },
  "conv2dFilter registers": { parts: isCount },
  "conv2dFilter tiled": { parts: isCount },
};
const shapeFields: Readonly<Record<TunedOp, readonly string[]>> = {
  matmul: ["batch", "m", "n", "depth", "transA", "transB"],
  conv2d: ["rows", "columns", "depth", "groups", "window"],
  conv2dInput: ["rows", "columns", "depth", "groups", "window"],
  conv2dFilter: ["rows", "columns", "depth", "groups", "window"],
};

/** Whether a value read from a file is a choice that choose.ts could have made itself. */
export function isTunedChoice(value: unknown): value is TunedChoice {
  const { op, shape, choice } = (value ?? {}) as Record<string, Record<string, unknown> | null | undefined>;
  const known = tunedOps.find((name) => (name as unknown) === op);
  if (!known || typeof shape !== "object" || shape === null) return false;
  const shapeIsRight = shapeFields[known].every((key) =>
    key.startsWith("trans") ? typeof shape[key] === "boolean" : isCount(shape[key]),
  );
  if (!shapeIsRight || choice === null) return shapeIsRight;
  const variant = String(choice?.variant);
  if (!Object.hasOwn(fields, variant) || (variant === "fold" && known !== "conv2dInput")) return false;
  if ((known === "matmul" ? ["winograd", "fourier"] : ["dots"]).includes(variant)) return false;
  if (variant === "dots" && !liesAlongSum(shape as never)) return false;
  const wanted = { ...fields[variant], ...moreFields[`${known} ${variant}`] };
  const rest = Object.keys(choice!).filter((key) => key !== "variant");
  return (
    rest.length === Object.keys(wanted).length &&
    Object.entries(wanted).every(([key, holds]) => Object.hasOwn(choice!, key) && holds(choice![key]))
  );
}
