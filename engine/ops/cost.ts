/** What work costs, for the models of choose.ts. */

/** Cycles of eight lanes on a software adapter (llvmpipe, 256-bit): measured, and only their ratios matter. */
export const cycles = {
  load: 20,
  boundedLoad: 26,
  store: 40,
  plainStep: 60,
  foldStep: 75,
  // A multiplication of a dot product, what it loads by itself and as a vector, and to add up the lanes' shares of one.
  dotMultiply: 2.5,
  dotLoad: 12,
  dotVector: 34,
  dotShares: 20,
  dotsStart: 2000,
  // Of register tiles: for all of them, which compile longer than a plain kernel; a multiplication, four values loaded as a vector and as
  // four pairs; a result read back and written, by itself and as part of a vector of four; and the share of a load where all lanes load the same.
  tile: { call: 2000, multiply: 0.9, vector: 45, pairs: 60, store: 40, vectorStore: 31, samePlace: 0.75 },
  // To make or unmake eight spectra of minimal filtering, by the side of tiles.
  spectra: { 4: 700, 8: 4800 },
  // Of eight windows.
  windowSpectra: { 4: 550, 8: 2100 },
  // To transform eight planes there or back, by the side of the square that holds them, and eight windows.
  planes: { 8: 5000, 16: 24000 },
  windows: { 8: 5000, 16: 34000 },
};
/** Tiles are shared out over at least this many threads of a software adapter. */
export const threads = 4;
/** Compute units a GPU is assumed to have, for splitting reductions; WebGPU does not tell. */
export const gpuUnits = 64;
/** Multiplications up to which the plain kernel runs: another saves 0.1 ms and takes half a second to compile. */
export const smallProduct = 2 ** 17;

/** Tiles that a thread makes. How many threads there are is not known: halfway between the work of all and that of the busiest. */
export function perThread(tiles: number): number {
  return (Math.ceil(tiles / threads) + tiles / threads) / 2;
}

/** The plain kernel: workgroups of 64 are 8 vectors, of which the last may have fewer. */
export function plainCycles(outputs: number, depth: number): number {
  const vectors = Math.ceil(outputs / 64 / threads) * Math.min(8, Math.ceil(outputs / 8));
  return vectors * (depth * cycles.plainStep + cycles.store);
}
