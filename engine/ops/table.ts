/** Every op, for the generated tests and for benches. The engine itself never looks here: a rule travels with its function. */
import type { OpSpec } from "../op.js";
import * as activations from "./activations.js";
import * as argsort from "./argsort.js";
import * as arithmetic from "./arithmetic.js";
import * as binary from "./binary.js";
import * as bits from "./bits.js";
import * as cast from "./cast.js";
import * as compare from "./compare.js";
import * as concat from "./concat.js";
import * as conv from "./conv.js";
import * as create from "./create.js";
import * as cumsum from "./cumsum.js";
import * as extremes from "./extremes.js";
import * as gather from "./gather.js";
import * as matmul from "./matmul.js";
import * as movement from "./movement.js";
import * as averagePool from "./pool.average.js";
import * as maxPool from "./pool.max.js";
import * as prod from "./prod.js";
import * as random from "./random.js";
import * as rank from "./rank.js";
import * as reduce from "./reduce.js";
import * as slice from "./slice.js";
import * as softmax from "./softmax.js";
import * as sort from "./sort.js";
import * as topK from "./topK.js";
import * as unary from "./unary.js";
import * as view from "./view.js";

const modules: readonly object[] = [
  arithmetic,
  unary,
  activations,
  binary,
  compare,
  cast,
  bits,
  movement,
  view,
  slice,
  concat,
  gather,
  reduce,
  prod,
  cumsum,
  rank,
  extremes,
  create,
  matmul,
  conv,
  maxPool,
  averagePool,
  argsort,
  random,
  softmax,
  sort,
  topK,
];

// biome-ignore lint/suspicious/noExplicitAny: attributes differ by op.
function isSpec(value: unknown): value is OpSpec<any> {
  return typeof value === "object" && value !== null && "reference" in value && "vjp" in value;
}

// biome-ignore lint/suspicious/noExplicitAny: attributes differ by op.
export const table: readonly OpSpec<any>[] = modules.flatMap((m) => Object.values(m).filter(isSpec));
