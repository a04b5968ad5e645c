/** Kernel calls of a batched matrix product. */
import {
  matmulDotsKernel,
  matmulPlainKernel,
  matmulRegistersKernel,
  matmulTiledKernel,
} from "../../shaders/gen/kernels.js";
import { call, gridFor, type Launch, type LaunchContext, linearGrid, type Operand } from "../lower.js";
import { broadcastStrides, sizeOf } from "../shape.js";
import { chooseMatmul, type MatmulChoice, type MatmulShape } from "./choose.js";
import { isApart, isLong, sumsOf } from "./parts.launch.js";
import { sumPartsCall } from "./reduce.launch.js";

/** One level of the leading axes: `size` matrices of y, and how far apart the operands' lie (0 where one is shared). */
interface Level {
  readonly size: number;
  readonly a: number;
  readonly b: number;
  readonly y: number;
}

/** How far to the next column or row of a matrix (`line`), and along the sum (`step`). */
interface Strides {
  readonly line: number;
  readonly step: number;
}

/** y [...,m,n] = a · b over operands whose leading axes broadcast: a [...,m,k] or [...,k,m] with `transA`, b [...,k,n] or [...,n,k]
 *  with `transB`. Each matrix is contiguous; they may lie apart. `choose` is for tests and measurements. */
export function matmulCalls(
  ctx: LaunchContext,
  { transA, transB }: { readonly transA: boolean; readonly transB: boolean },
  choose: typeof chooseMatmul = chooseMatmul,
): Launch[] {
  const { inputs, output, caps } = ctx;
  if (sizeOf(output.shape) === 0) return [];
  const [m, n] = output.shape.slice(-2);
  const depth = inputs[0].shape.at(transA ? -2 : -1)!;
  const levels = batchLevels(inputs[0], inputs[1], output);
  // The largest level is one dispatch; the others, which only mixed broadcasting leaves, take a dispatch per matrix.
  const batch = levels.reduce((best, level) => (level.size > best.size ? level : best));
  const outer = levels.filter((level) => level !== batch);
  const shape = { batch: batch.size, m, n, depth, transA, transB };
  const choice = choose(shape, caps);
  return firstsOf(outer).flatMap((firsts) => callsOf(ctx, shape, batch, firsts, choice));
}

/** The leading axes with neighbours merged where both operands go on evenly. Never empty. */
function batchLevels(a: Operand, b: Operand, y: Operand): Level[] {
  const axes = y.shape.slice(0, -2);
  const strides = (x: Operand) => broadcastStrides(x.shape.slice(0, -2), x.strides.slice(0, -2), axes);
  const [aStrides, bStrides, yStrides] = [a, b, y].map(strides);
  const levels: Level[] = [];
  axes.forEach((size, i) => {
    const level = { size, a: aStrides[i], b: bStrides[i], y: yStrides[i] };
    const last = levels.at(-1);
    const even = last && (["a", "b", "y"] as const).every((x) => last[x] === size * level[x]);
    if (size === 1) return;
    if (even) levels[levels.length - 1] = { ...level, size: last.size * size };
    else levels.push(level);
  });
  return levels.length > 0 ? levels : [{ size: 1, a: 0, b: 0, y: 0 }];
}

/** Where each combination of the levels begins. */
function firstsOf(levels: readonly Level[]): { a: number; b: number; y: number }[] {
  return levels.reduce(
    (firsts, level) =>
      firsts.flatMap((f) =>
        Array.from({ length: level.size }, (_, i) => ({
          a: f.a + i * level.a,
          b: f.b + i * level.b,
          y: f.y + i * level.y,
        })),
      ),
    [{ a: 0, b: 0, y: 0 }],
  );
}

function callsOf(
  ctx: LaunchContext,
  shape: MatmulShape,
  batch: Level,
  firsts: { a: number; b: number; y: number },
  choice: MatmulChoice,
): Launch[] {
  const { inputs, output: y, caps } = ctx;
  const { m, n, depth, transA, transB } = shape;
  const left = { first: inputs[0].offset + firsts.a, batch: batch.a, count: m, ...stridesOf(transA, m, depth) };
  const right = { first: inputs[1].offset + firsts.b, batch: batch.b, count: n, ...stridesOf(!transB, n, depth) };
  const operands = (a: typeof left, b: typeof right) => ({
    ...{ a_first: a.first, a_row: a.line, a_step: a.step, a_batch: a.batch },
    ...{ b_first: b.first, b_column: b.line, b_step: b.step, b_batch: b.batch },
    ...{ y_first: firsts.y, y_batch: batch.y },
  });
  const limit = caps.maxWorkgroupsPerDimension;
  const flops = 2 * batch.size * m * n * depth;
  const vectors = (x: typeof left) => x.line === 1 && x.count % 4 === 0 && x.first % 4 === 0;
  const pairs = (x: typeof left) =>
    x.step === 1 && [depth, x.first, x.line, x.batch].every((distance) => distance % 2 === 0);
  const bind = (a: Operand, aVectors: boolean, b: Operand, bVectors: boolean) => ({
    [aVectors ? "a4" : "a"]: a,
    [bVectors ? "b4" : "b"]: b,
  });

  if (choice.variant === "plain") {
    const count = batch.size * m * n;
    const params = { count, m, n, depth, ...operands(left, right) };
    return [
      call(matmulPlainKernel, {
        bind: { a: inputs[0], b: inputs[1], y },
        params,
        grid: gridFor(matmulPlainKernel, count, limit),
        flops,
      }),
    ];
  }

  if (choice.variant === "registers") {
    const { subgroups, columns, exchanged } = choice;
    const [a, b] = exchanged ? [right, left] : [left, right];
    const [aInput, bInput] = exchanged ? [inputs[1], inputs[0]] : [inputs[0], inputs[1]];
    const rowTiles = Math.ceil(a.count / 32);
    const columnTiles = Math.ceil(b.count / columns);
    const tiles = batch.size * rowTiles * columnTiles;
    // Vectors of rows spare a wide tile 2 % of its time at most, and every pipeline costs a quarter of a second to compile.
    const aTaken = vectors(a) && columns < 64 ? 4 : pairs(a) ? 2 : "";
    const bTaken = vectors(b) ? 4 : pairs(b) ? 2 : "";
    return [
      call(matmulRegistersKernel, {
        bind: { [`a${aTaken}`]: aInput, [`b${bTaken}`]: bInput, y },
        params: {
          ...{ rows: a.count, columns: b.count, depth, tiles, row_tiles: rowTiles, column_tiles: columnTiles },
          ...{ ...operands(a, b), y_row: exchanged ? 1 : n, y_column: exchanged ? n : 1 },
        },
        spec: {
          SUBGROUPS: subgroups,
          COLUMNS: columns,
          A_VECTORS: aTaken === 4,
          B_VECTORS: bTaken === 4,
          A_PAIRS: aTaken === 2,
          B_PAIRS: bTaken === 2,
          VECTORS: exchanged && a.count % 4 === 0,
          LONG: isLong(depth),
          ODD: depth % 2 === 1,
          APART: bTaken !== 4 && isApart(columns),
        },
        grid: linearGrid(tiles, 1, limit),
        flops,
        channels: exchanged ? { count: m, each: n } : { count: n, each: 1 },
      }),
    ];
  }

  if (choice.variant === "dots") {
    const { lanes, columns } = choice;
    const exchanged = n > m;
    const [a, b] = exchanged ? [right, left] : [left, right];
    const [aInput, bInput] = exchanged ? [inputs[1], inputs[0]] : [inputs[0], inputs[1]];
    if (a.step !== 1 || b.step !== 1)
      throw new Error(`internal: dot products of operands that lie ${a.step} and ${b.step} apart along the sum`);
    const rows = lanes === 8 ? 8 : 4;
    const lineTiles = Math.ceil(a.count / rows);
    const otherTiles = Math.ceil(b.count / columns);
    const tiles = batch.size * lineTiles * otherTiles;
    const quads = [depth, a.first, a.batch, b.first, b.batch].every((at) => at % 4 === 0);
    return [
      call(matmulDotsKernel, {
        bind: { ...bind(aInput, quads, bInput, quads), y },
        params: {
          ...{ tiles, line_tiles: lineTiles, other_tiles: otherTiles, lines: a.count, others: b.count, depth },
          ...{ a_first: a.first, a_line: a.line, a_batch: a.batch, b_first: b.first, b_line: b.line, b_batch: b.batch },
          ...{ y_first: firsts.y, y_line: exchanged ? 1 : n, y_other: exchanged ? n : 1, y_batch: batch.y },
        },
        spec: {
          ...{ LANES: lanes, ROWS: rows, COLUMNS: columns, QUADS: quads },
          SUBGROUPS: caps.subgroups && caps.subgroupMinSize >= lanes,
        },
        grid: linearGrid(tiles, 1, limit),
        flops,
      }),
    ];
  }

  const { side } = choice;
  // Parts are laid out as whole results one after the other, which only a single dispatch of matrices that lie together can do.
  const together = batch.size * m * n === sizeOf(y.shape) && (batch.size === 1 || batch.y === m * n);
  const parts = together ? choice.parts : 1;
  const rowTiles = Math.ceil(m / (4 * side));
  const columnTiles = Math.ceil(n / (8 * side));
  const tiles = parts * batch.size * rowTiles * columnTiles;
  const partial = parts > 1 ? ctx.temp([parts, sizeOf(y.shape)]) : y;
  const partDepth = Math.ceil(depth / parts);
  const long = isLong(partDepth);
  const product = call(matmulTiledKernel, {
    bind: {
      ...bind(inputs[0], vectors(left), inputs[1], vectors(right)),
      ...{ y: partial, ...(long && { sums: sumsOf(ctx, tiles, side) }) },
    },
    params: {
      ...{ m, n, depth, tiles, row_tiles: rowTiles, column_tiles: columnTiles },
      ...{
        batches: batch.size,
        part_depth: partDepth,
        ...operands(left, right),
        y_batch: parts > 1 ? m * n : batch.y,
      },
    },
    spec: {
      SIDE: side,
      LONG: long,
      WHOLE: depth % (parts * side) === 0,
      VECTORS: n % 4 === 0,
      A_VECTORS: vectors(left),
      B_VECTORS: vectors(right),
      ROWS_BY_STEP: left.step === 1,
      COLUMNS_BY_STEP: right.step === 1,
    },
    grid: linearGrid(tiles, 1, limit),
    flops,
  });
  return parts > 1 ? [product, sumPartsCall(partial, y, parts, caps)] : [product];
}

function stridesOf(linesTogether: boolean, lines: number, depth: number): Strides {
  return linesTogether ? { line: 1, step: lines } : { line: depth, step: 1 };
}
