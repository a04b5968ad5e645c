/** Elements chosen by index, and put at an index. An index counts from the end where it is negative. */
import {
  add,
  cast,
  gather,
  greater,
  less,
  mul,
  reshape,
  scatterAdd,
  slice,
  type Tensor,
  tensor,
  tril,
  triu,
  where,
} from "../../../engine/index.js";
import { flag, int, text } from "../attributes.js";
import { type Call, type Operator, operator, refuse } from "../operator.js";
import { type HostValue, hostValue } from "../value.js";

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Indices of input i for a side, none of them negative; f32. @throws DataError for known ones outside. */
function indicesOf(call: Call, i: number, side: number): Tensor {
  const value = call.array(i);
  if (value.kind === "host") {
    const at = Float64Array.from(value.data, (v) => (v < 0 ? v + side : v));
    const outside = at.find((v) => !(v >= 0 && v < side));
    if (outside !== undefined) refuse(`input ${i} holds an index that is outside of a side of ${side}`);
    return tensor(at, value.shape);
  }
  return add(value.tensor, mul(less(value.tensor, 0), side));
}

const whole = (x: Tensor): Tensor => cast(x, "i32");

function gathered(call: Call, axis: number): Tensor {
  const x = call.tensor(0);
  const at = call.axis(axis, x.rank);
  const value = call.array(1);
  // One known index is a slice, which costs nothing.
  if (value.kind === "host" && value.data.length === 1) {
    const only = value.data[0] < 0 ? value.data[0] + x.shape[at] : value.data[0];
    const part = slice(
      x,
      x.shape.map((_, i) => (i === at ? only : 0)),
      x.shape.map((d, i) => (i === at ? 1 : d)),
    );
    return reshape(part, [...x.shape.slice(0, at), ...value.shape, ...x.shape.slice(at + 1)]);
  }
  const samples = value.kind === "host" ? gatheredBySample(call, value) : undefined;
  return samples ?? gather(x, whole(indicesOf(call, 1, x.shape[at])), at);
}

/** All elements of a flat batch in another order, as `as_strided` is exported: within each sample, where the file was made for one. undefined
 *  where the batch is that of the file. */
function gatheredBySample(call: Call, { shape, data }: HostValue): Tensor | undefined {
  const x = call.tensor(0);
  const { base } = call.context.batch;
  if (x.rank !== 1 || base !== 1 || shape[0] !== 1) return undefined;
  const side = call.context.batch.side(call, x, shape);
  if (side === undefined) return undefined;
  if (side !== 0) refuse("a batch that is not the first side of what is gathered");
  const size = product(shape);
  const order = Int32Array.from(data, (v) => (v < 0 ? v + size : v));
  if (order.some((v) => !(v >= 0 && v < size))) refuse(`input 1 holds an index that is outside of a side of ${size}`);
  const n = x.size / size;
  return reshape(gather(reshape(x, [n, size]), tensor(order, [size]), 1), [n, ...shape.slice(1)]);
}

/** Flat positions in x of the elements that `indices`, of x's rank, choose along `axis`. */
function flatAlong(indices: Tensor, shape: readonly number[], axis: number): Tensor {
  const steps = shape.map((_, i) => product(shape.slice(i + 1)));
  const others = Float64Array.from({ length: indices.size }, (_, flat) => {
    let rest = flat;
    let at = 0;
    for (let i = indices.rank - 1; i >= 0; i--) {
      if (i !== axis) at += (rest % indices.shape[i]) * steps[i];
      rest = Math.floor(rest / indices.shape[i]);
    }
    return at;
  });
  return add(mul(indices, steps[axis]), tensor(others, indices.shape));
}

/** Flat positions in the first sides of x of what tuples along the last side of `indices` name. */
function flatTuples(call: Call, i: number, sides: readonly number[]): Tensor {
  const shape = call.shape(i);
  const depth = shape.at(-1) ?? refuse("indices without a side; tuples along the last side are needed");
  const value = call.array(i);
  const all = call.tensor(i);
  let flat: Tensor | undefined;
  for (let k = 0; k < depth; k++) {
    const part = reshape(
      slice(
        all,
        shape.map((_, a) => (a === shape.length - 1 ? k : 0)),
        shape.map((d, a) => (a === shape.length - 1 ? 1 : d)),
      ),
      shape.slice(0, -1),
    );
    const at = add(part, mul(less(part, 0), sides[k]));
    const scaled = mul(at, product(sides.slice(k + 1, depth)));
    flat = flat ? add(flat, scaled) : scaled;
  }
  if (value.kind === "host") requireTuples(value, sides, depth);
  return flat ?? tensor(new Float64Array(product(shape.slice(0, -1))), shape.slice(0, -1));
}

function requireTuples({ data }: HostValue, sides: readonly number[], depth: number): void {
  const outside = data.findIndex((v: number, i: number) => !(v >= -sides[i % depth] && v < sides[i % depth]));
  if (outside >= 0) refuse(`an index of ${data[outside]} is outside of the sides [${sides}]`);
}

function gatheredTuples(call: Call, batch: number): Tensor {
  const x = call.tensor(0);
  const shape = call.shape(1);
  const depth = shape.at(-1) ?? 0;
  if (batch + depth > x.rank) refuse(`tuples of ${depth} for a tensor of shape [${x.shape}]`);
  const flat = flatTuples(call, 1, x.shape.slice(batch, batch + depth));
  const rest = x.shape.slice(batch + depth);
  const rows = product(x.shape.slice(batch, batch + depth));
  const batches = product(x.shape.slice(0, batch));
  const offsets = tensor(
    Float64Array.from({ length: batches }, (_, i) => i * rows),
    [batches, 1],
  );
  const positions = add(reshape(flat, [batches, batches === 0 ? 0 : flat.size / batches]), offsets);
  const picked = gather(reshape(x, [batches * rows, product(rest)]), whole(reshape(positions, [flat.size])), 0);
  return reshape(picked, [...shape.slice(0, -1), ...rest]);
}

/** Updates at flat positions of the rows of x [rows, width], in place of what was there or added or multiplied. */
function scattered(x: Tensor, positions: Tensor, updates: Tensor, reduction: string): Tensor {
  const [rows] = x.shape;
  const at = whole(positions);
  const total = scatterAdd(updates, at, rows, 0);
  if (reduction === "add") return add(x, total);
  const hits = scatterAdd(tensor(new Float64Array(positions.size).fill(1), [positions.size, 1]), at, rows, 0);
  if (reduction === "none") return where(greater(hits, 0), total, x);
  if (reduction !== "mul") refuse(`reduction is ${reduction}; none, add or mul is read`);
  return mul(x, where(greater(hits, 0), total, 1));
}

function scatteredTuples(call: Call, reduction: string): Tensor {
  const x = call.tensor(0);
  const depth = call.shape(1).at(-1) ?? 0;
  const sides = x.shape.slice(0, depth);
  const flat = flatTuples(call, 1, sides);
  const width = product(x.shape.slice(depth));
  if (reduction === "mul") requireOnce(call, sides);
  const updates = reshape(call.tensor(2), [flat.size, width]);
  return reshape(
    scattered(reshape(x, [product(sides), width]), reshape(flat, [flat.size]), updates, reduction),
    x.shape,
  );
}

/** Products of several updates would need an op of their own. */
function requireOnce(call: Call, sides: readonly number[]): void {
  const at = call.numbers(1);
  const tuples = new Set<string>();
  for (let i = 0; i < at.length; i += sides.length) {
    const tuple = at
      .slice(i, i + sides.length)
      .map((v, k) => (v < 0 ? v + sides[k] : v))
      .join();
    if (tuples.has(tuple)) refuse("several updates are multiplied into one element; that is not read");
    tuples.add(tuple);
  }
}

function scatteredAlong(call: Call, axis: number, reduction: string): Tensor {
  const x = call.tensor(0);
  const at = call.axis(axis, x.rank);
  const flat = flatAlong(indicesOf(call, 1, x.shape[at]), x.shape, at);
  if (reduction !== "none" && reduction !== "add") refuse(`reduction is ${reduction}; none or add is read`);
  const updates = reshape(call.tensor(2), [flat.size, 1]);
  return reshape(scattered(reshape(x, [x.size, 1]), reshape(flat, [flat.size]), updates, reduction), x.shape);
}

const scatterRow = (name: string): Operator =>
  operator({
    name,
    attributes: { axis: int(0), reduction: text("none") },
    run: (call, { axis, reduction }) => scatteredAlong(call, axis, reduction),
  });

/** A mask of one where row and column are on the wanted side of a diagonal. */
function triangle(call: Call, upper: boolean): Tensor {
  const x = call.tensor(0);
  const k = call.number(1, 0);
  return upper ? triu(x, k) : tril(x, k);
}

export const indexing: readonly Operator[] = [
  operator({ name: "Gather", attributes: { axis: int(0) }, run: (call, { axis }) => gathered(call, axis) }),
  operator({
    name: "GatherElements",
    since: 11,
    attributes: { axis: int(0) },
    run(call, { axis }) {
      const x = call.tensor(0);
      const at = call.axis(axis, x.rank);
      const flat = flatAlong(indicesOf(call, 1, x.shape[at]), x.shape, at);
      return reshape(gather(reshape(x, [x.size]), whole(reshape(flat, [flat.size])), 0), flat.shape);
    },
  }),
  operator({
    name: "GatherND",
    since: 11,
    attributes: { batch_dims: int(0) },
    run: (call, { batch_dims }) => gatheredTuples(call, batch_dims),
  }),
  scatterRow("Scatter"),
  scatterRow("ScatterElements"),
  operator({
    name: "ScatterND",
    since: 11,
    attributes: { reduction: text("none") },
    run: (call, { reduction }) => scatteredTuples(call, reduction),
  }),
  operator({
    name: "Compress",
    since: 9,
    host: [1],
    attributes: { axis: int(undefined) },
    run(call, { axis }) {
      const x = axis === undefined ? reshape(call.tensor(0), [-1]) : call.tensor(0);
      const chosen = call.numbers(1).flatMap((keep, i) => (keep !== 0 ? [i] : []));
      return gather(x, tensor(Int32Array.from(chosen)), call.axis(axis ?? 0, x.rank));
    },
  }),
  operator({
    name: "OneHot",
    since: 9,
    host: [1],
    attributes: { axis: int(-1) },
    run(call, { axis }) {
      const depth = call.number(1);
      const raw = call.tensor(0);
      const at = call.axis(axis, raw.rank + 1);
      call.size([...raw.shape, depth]);
      const indices = add(raw, mul(less(raw, 0), depth));
      const classes = Float64Array.from({ length: depth }, (_, i) => i);
      const wide = reshape(indices, [...raw.shape.slice(0, at), 1, ...raw.shape.slice(at)]);
      const marks = hits(wide, reshape(tensor(classes), [depth, ...raw.shape.slice(at).map(() => 1)]));
      const [off, on] = [slice(call.tensor(2), [0], [1]), slice(call.tensor(2), [1], [1])];
      return { kind: "device", type: call.type(2), tensor: where(marks, reshape(on, []), reshape(off, [])) };
    },
  }),
  operator({
    name: "Trilu",
    since: 14,
    host: [1],
    attributes: { upper: flag(true) },
    run: (call, { upper }) => triangle(call, upper),
  }),
  operator({
    name: "NonZero",
    since: 9,
    host: [0],
    run(call) {
      const shape = call.shape(0);
      const found = call.numbers(0).flatMap((v, i) => (v !== 0 ? [i] : []));
      const rows = shape.map((side, a) => found.map((i) => Math.floor(i / product(shape.slice(a + 1))) % side));
      return hostValue("int64", [shape.length, found.length], rows.flat());
    },
  }),
  operator({
    name: "ReverseSequence",
    since: 10,
    host: [1],
    attributes: { batch_axis: int(1), time_axis: int(0) },
    run(call, { batch_axis, time_axis }) {
      const x = call.tensor(0);
      const lengths = call.numbers(1);
      const order = Float64Array.from({ length: x.size }, (_, flat) => {
        const at = x.shape.map((side, a) => Math.floor(flat / product(x.shape.slice(a + 1))) % side);
        const length = lengths[at[batch_axis]];
        if (at[time_axis] < length) at[time_axis] = length - 1 - at[time_axis];
        return at.reduce((sum, v, a) => sum + v * product(x.shape.slice(a + 1)), 0);
      });
      return reshape(gather(reshape(x, [x.size]), whole(tensor(order)), 0), x.shape);
    },
  }),
];

function hits(a: Tensor, b: Tensor): Tensor {
  return mul(less(add(a, -0.5), b), greater(add(a, 0.5), b));
}
