/** Padding, whose arguments moved from attributes to inputs. */
import { float, ints, text } from "../attributes.js";
import { type Operator, operator } from "../operator.js";
import { padded } from "./shape.js";

export const padding: readonly Operator[] = [
  operator({
    name: "Pad",
    until: 1,
    attributes: { mode: text("constant"), paddings: ints(), value: float(0) },
    run: (call, { mode, paddings, value }) => padded(call, paddings, undefined, mode, value),
  }),
  operator({
    name: "Pad",
    since: 2,
    until: 10,
    attributes: { mode: text("constant"), pads: ints(), value: float(0) },
    run: (call, { mode, pads, value }) => padded(call, pads, undefined, mode, value),
  }),
  operator({
    name: "Pad",
    since: 11,
    host: [1, 2, 3],
    attributes: { mode: text("constant") },
    run: (call, { mode }) =>
      padded(call, call.numbers(1), call.has(3) ? call.numbers(3) : undefined, mode, call.number(2, 0)),
  }),
];
