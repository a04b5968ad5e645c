/** Segments in one piece. */

/** Labels of which each is one connected piece (by sides of pixels): of every label the largest piece stays if it has at least a
 *  quarter of the average size, and every other piece joins the piece beside it whose mean colour is nearest. Labels are
 *  numbered anew, from 0, in the order in which reading meets them. Source: Achanta et al. 2012, sec. 3.3 ("postprocessing"). */
export function connected(labels: Int32Array, colour: Float64Array, h: number, w: number, count: number): Int32Array {
  const { piece, sizes, labelOf } = piecesOf(labels, h, w);
  const largest = new Int32Array(count).fill(-1);
  sizes.forEach((size, i) => {
    const before = largest[labelOf[i]];
    if (before < 0 || size > sizes[before]) largest[labelOf[i]] = i;
  });
  const least = labels.length / count / 4;
  const stays = sizes.map((size, i) => largest[labelOf[i]] === i && size >= least);
  const means = sizes.map(() => [0, 0, 0]);
  piece.forEach((i, p) => {
    for (let c = 0; c < 3; c++) means[i][c] += colour[3 * p + c] / sizes[i];
  });
  const neighbours = sizes.map(() => new Set<number>());
  for (let p = 0; p < piece.length; p++)
    for (const q of [p % w < w - 1 ? p + 1 : p, p + w < piece.length ? p + w : p])
      if (piece[q] !== piece[p]) {
        neighbours[piece[p]].add(piece[q]);
        neighbours[piece[q]].add(piece[p]);
      }

  // From what stays outwards: a piece joins once a neighbour of it belongs somewhere.
  const home = sizes.map((_, i) => (stays[i] ? i : -1));
  for (let homeless = home.filter((i) => i < 0).length; homeless > 0; ) {
    const joining: [piece: number, home: number][] = [];
    home.forEach((where, i) => {
      if (where >= 0) return;
      const homes = [...neighbours[i]].map((j) => home[j]).filter((j) => j >= 0);
      const apart = (j: number): number => means[i].reduce((sum, v, c) => sum + (v - means[j][c]) ** 2, 0);
      homes.sort((a, b) => apart(a) - apart(b) || a - b);
      if (homes.length > 0) joining.push([i, homes[0]]);
    });
    if (joining.length === 0) throw new Error("internal: segments: a piece of an image has no neighbour");
    for (const [i, to] of joining) home[i] = to;
    homeless -= joining.length;
  }

  const numbers = new Map<number, number>();
  return piece.map((i) => {
    const to = home[i];
    if (!numbers.has(to)) numbers.set(to, numbers.size);
    return numbers.get(to)!;
  });
}

/** Connected pieces of equal labels: the piece of every pixel, and of every piece its size and label. */
export function piecesOf(labels: Int32Array, h: number, w: number) {
  const piece = new Int32Array(h * w).fill(-1);
  const sizes: number[] = [];
  const labelOf: number[] = [];
  for (let first = 0; first < h * w; first++) {
    if (piece[first] >= 0) continue;
    const id = sizes.length;
    const open = [first];
    piece[first] = id;
    let size = 0;
    for (let p = open.pop(); p !== undefined; p = open.pop()) {
      size++;
      const beside = [p % w > 0 ? p - 1 : p, p % w < w - 1 ? p + 1 : p, p - w, p + w];
      for (const q of beside)
        if (q >= 0 && q < h * w && piece[q] < 0 && labels[q] === labels[first]) {
          piece[q] = id;
          open.push(q);
        }
    }
    sizes.push(size);
    labelOf.push(labels[first]);
  }
  return { piece, sizes, labelOf };
}
