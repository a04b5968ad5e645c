/** Recurrent layers, one step after another. Source of gates and their order: ONNX's docs/Operators.md, RNN, GRU and LSTM. */
import {
  add,
  matmul,
  mul,
  relu,
  reshape,
  sigmoid,
  slice,
  split,
  stack,
  sub,
  type Tensor,
  tanh,
  transpose,
  zeros,
} from "../../../engine/index.js";
import { flag, float, floats, int, stringsOf, text } from "../attributes.js";
import { type Call, type Operator, operator, type Result, refuse } from "../operator.js";

type Activation = (x: Tensor) => Tensor;
const ACTIVATIONS: Readonly<Record<string, Activation>> = { sigmoid, tanh, relu };

/** Weights of one direction, transposed for products from the left: [input, gates·h], [h, gates·h]. */
interface Weights {
  readonly input: Tensor;
  readonly recurrent: Tensor;
  /** [gates·h] each. */
  readonly inputBias: Tensor;
  readonly recurrentBias: Tensor;
  /** [3h]; weights of the cell state in the gates of an LSTM. */
  readonly peephole?: Tensor;
  readonly activations: readonly Activation[];
}

/** A hidden state [n,h], and the cell state of an LSTM. */
interface State {
  readonly hidden: Tensor;
  readonly cell?: Tensor;
}

/** One step: x [n, gates·h] holds the products with the input and both biases, where both are joined. */
type Step = (x: Tensor, state: State, weights: Weights) => State;

interface Kind {
  readonly gates: number;
  readonly activations: readonly string[];
  readonly step: Step;
  /** Whether the recurrent bias is added with the input's. */
  readonly joinBias: boolean;
  readonly hasCell: boolean;
}

const gatesOf = (x: Tensor, gates: number): Tensor[] => split(x, gates, x.rank - 1);

const plain: Kind = {
  gates: 1,
  activations: ["tanh"],
  joinBias: true,
  hasCell: false,
  step: (x, { hidden }, { recurrent, activations: [f] }) => ({ hidden: f(add(x, matmul(hidden, recurrent))) }),
};

/** Gates z, r, h. */
const gru = (linearBeforeReset: boolean): Kind => ({
  gates: 3,
  activations: ["sigmoid", "tanh"],
  joinBias: false,
  hasCell: false,
  step(x, { hidden }, { recurrent, recurrentBias, activations: [f, g] }) {
    const [xz, xr, xh] = gatesOf(x, 3);
    const [rz, rr, rh] = gatesOf(recurrent, 3);
    const [bz, br, bh] = gatesOf(recurrentBias, 3);
    const z = f(add(add(xz, matmul(hidden, rz)), bz));
    const r = f(add(add(xr, matmul(hidden, rr)), br));
    const inner = linearBeforeReset ? mul(r, add(matmul(hidden, rh), bh)) : add(matmul(mul(r, hidden), rh), bh);
    const candidate = g(add(xh, inner));
    return { hidden: add(mul(sub(1, z), candidate), mul(z, hidden)) };
  },
});

/** Gates i, o, f, c. */
const lstm: Kind = {
  gates: 4,
  activations: ["sigmoid", "tanh", "tanh"],
  joinBias: true,
  hasCell: true,
  step(x, { hidden, cell }, { recurrent, peephole, activations: [f, g, h] }) {
    const [i, o, forget, c] = gatesOf(add(x, matmul(hidden, recurrent)), 4);
    const [pi, po, pf] = peephole ? gatesOf(peephole, 3) : [];
    const peek = (gate: Tensor, state: Tensor, weight?: Tensor): Tensor =>
      weight ? add(gate, mul(weight, state)) : gate;
    const next = add(mul(f(peek(forget, cell!, pf)), cell!), mul(f(peek(i, cell!, pi)), g(c)));
    return { hidden: mul(f(peek(o, next, po)), h(next)), cell: next };
  },
};

const common = {
  activation_alpha: floats(undefined),
  activation_beta: floats(undefined),
  activations: stringsOf(undefined),
  clip: float(undefined),
  direction: text("forward"),
  hidden_size: int(undefined),
  layout: int(0),
};

interface Options {
  readonly activations: readonly string[] | undefined;
  readonly clip: number | undefined;
  readonly direction: string;
  readonly layout: number;
}

/** Slice k of the first side of x, without that side. */
function at(x: Tensor, k: number): Tensor {
  const part = slice(
    x,
    x.shape.map((_, i) => (i === 0 ? k : 0)),
    x.shape.map((d, i) => (i === 0 ? 1 : d)),
  );
  return reshape(part, x.shape.slice(1));
}

function activationsOf(kind: Kind, names: readonly string[] | undefined, direction: number): Activation[] {
  const all = names ?? [];
  const count = kind.activations.length;
  return kind.activations.map((usual, i) => {
    const name = (all[direction * count + i] ?? usual).toLowerCase();
    return ACTIVATIONS[name] ?? refuse(`the activation ${name} is asked for; sigmoid, tanh and relu are read`);
  });
}

function weightsOf(call: Call, kind: Kind, options: Options, direction: number): Weights {
  const bias = call.optional(3);
  const [inputBias, recurrentBias] = bias
    ? split(at(bias, direction), 2)
    : [zeros([call.shape(1)[1]]), zeros([call.shape(1)[1]])];
  return {
    input: transpose(at(call.tensor(1), direction)),
    recurrent: transpose(at(call.tensor(2), direction)),
    inputBias,
    recurrentBias,
    peephole: kind.hasCell && call.has(7) ? at(call.tensor(7), direction) : undefined,
    activations: activationsOf(kind, options.activations, direction),
  };
}

/** A layer over x [t,n,input]: hidden states of every step, and the last state. */
function runDirection(x: Tensor, kind: Kind, weights: Weights, start: State, backward: boolean): [Tensor[], State] {
  const steps = x.shape[0];
  const bias = kind.joinBias ? add(weights.inputBias, weights.recurrentBias) : weights.inputBias;
  const products = add(matmul(x, weights.input), bias);
  const hidden: Tensor[] = new Array(steps);
  let state = start;
  for (let k = 0; k < steps; k++) {
    const t = backward ? steps - 1 - k : k;
    state = kind.step(at(products, t), state, weights);
    hidden[t] = state.hidden;
  }
  return [hidden, state];
}

function recurrent(call: Call, kind: Kind, options: Options): readonly Result[] {
  if (options.clip !== undefined) refuse("clip is set; it is not read");
  const batchFirst = options.layout === 1;
  const given = call.tensor(0);
  const x = batchFirst ? transpose(given, [1, 0, 2]) : given;
  const [steps, n] = x.shape;
  if (x.rank !== RANK || steps < 1) refuse(`input 0 has shape [${given.shape}]; steps, batch and features are needed`);
  if (call.has(4) && call.numbers(4).some((length) => length !== steps))
    refuse("sequences of different lengths are given; they are not read");
  const h = call.shape(2)[2];
  const ways: Readonly<Record<string, readonly boolean[]>> = {
    forward: [false],
    reverse: [true],
    bidirectional: [false, true],
  };
  const directions = ways[options.direction] ?? refuse(`direction is ${options.direction}; it is not known`);
  const initial = (i: number, d: number): Tensor => {
    const state = call.optional(i);
    return state ? at(batchFirst ? transpose(state, [1, 0, 2]) : state, d) : zeros([n, h]);
  };
  const runs = directions.map((backward, d) =>
    runDirection(
      x,
      kind,
      weightsOf(call, kind, options, d),
      { hidden: initial(5, d), cell: kind.hasCell ? initial(6, d) : undefined },
      backward,
    ),
  );
  const along = batchFirst ? 1 : 0;
  const last = runs.map(([, state]) => state);
  // [t,d,n,h], with the batch first [n,t,d,h].
  const y = stack(
    runs.map(([hidden]) => stack(hidden)),
    1,
  );
  return [
    batchFirst ? transpose(y, [2, 0, 1, 3]) : y,
    stack(
      last.map(({ hidden }) => hidden),
      along,
    ),
    ...(kind.hasCell
      ? [
          stack(
            last.map(({ cell }) => cell!),
            along,
          ),
        ]
      : []),
  ];
}

const RANK = 3;

export const recurrentLayers: readonly Operator[] = [
  operator({
    name: "RNN",
    since: 7,
    host: [4],
    attributes: common,
    run: (call, options) => recurrent(call, plain, options),
  }),
  operator({
    name: "GRU",
    since: 7,
    host: [4],
    attributes: { ...common, linear_before_reset: flag(false) },
    run: (call, { linear_before_reset, ...options }) => recurrent(call, gru(linear_before_reset), options),
  }),
  operator({
    name: "LSTM",
    since: 7,
    host: [4],
    attributes: { ...common, input_forget: flag(false) },
    run(call, { input_forget, ...options }) {
      if (input_forget) refuse("input_forget is set; it is not read");
      return recurrent(call, lstm, options);
    },
  }),
];
