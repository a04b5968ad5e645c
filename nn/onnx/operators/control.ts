/** Control flow and sequences, as far as they follow from constants and shapes. */
import { concat, split, squeeze, unsqueeze } from "../../../engine/index.js";
import { graph, int } from "../attributes.js";
import { type Call, type Operator, operator, type Result, refuse } from "../operator.js";
import {
  type ArrayValue,
  deviceValue,
  type HostValue,
  hostValue,
  isArray,
  type ListValue,
  shapeOfValue,
  toTensor,
  type Value,
} from "../value.js";

function listOf(call: Call, i: number): readonly ArrayValue[] {
  const value = call.any(i);
  return value.kind === "list" ? value.items : refuse(`input ${i} is no sequence; one is needed`);
}

const list = (items: readonly ArrayValue[]): ListValue => ({ kind: "list", items });

/** A position in a sequence; `end` allows the one after the last. */
function placeIn(call: Call, i: number, length: number, end = 0): number {
  const given = call.number(i);
  const at = given < 0 ? given + length : given;
  return Number.isInteger(at) && at >= 0 && at < length + end
    ? at
    : refuse(`position ${given} of a sequence of ${length}`);
}

/** Values of each round side by side. */
function stacked(parts: readonly Value[]): Value {
  const arrays = parts.map((value) =>
    isArray(value) ? value : refuse("a loop collects sequences; tensors are needed"),
  );
  const first = arrays[0];
  if (arrays.every((value): value is HostValue => value.kind === "host")) {
    const data = arrays.flatMap((value) => Array.from(value.data));
    return hostValue(first.type, [arrays.length, ...shapeOfValue(first)], data);
  }
  return deviceValue(first.type, concat(arrays.map((value) => unsqueeze(toTensor(value), 0))));
}

function isTrue(value: Value): boolean {
  if (value.kind !== "host" || value.data.length !== 1)
    return refuse(
      "a condition depends on the network's input; only control flow that follows from constants and shapes is read",
    );
  return value.data[0] !== 0;
}

export const control: readonly Operator[] = [
  operator({
    name: "If",
    host: [0],
    control: true,
    attributes: { then_branch: graph(), else_branch: graph() },
    run: (call, { then_branch, else_branch }): readonly Result[] =>
      call.context.subgraph(isTrue(call.any(0)) ? then_branch : else_branch, []),
  }),
  operator({
    name: "Loop",
    host: [0, 1],
    control: true,
    attributes: { body: graph() },
    run(call, { body }): readonly Result[] {
      const rounds = call.number(0, Infinity);
      let go = call.has(1) ? isTrue(call.any(1)) : true;
      let carried: readonly Value[] = call.inputs.slice(2).map((_, i) => call.any(i + 2));
      const collected: Value[][] = [];
      for (let i = 0; go && i < rounds; i++) {
        call.context.round();
        const condition = hostValue("bool", [], [1]);
        const [next, ...values] = call.context.subgraph(body, [hostValue("int64", [], [i]), condition, ...carried]);
        go = isTrue(next);
        carried = values.slice(0, carried.length);
        values.slice(carried.length).forEach((value, k) => {
          collected[k] ??= [];
          collected[k].push(value);
        });
      }
      if (collected.length === 0 && call.wanted.length > carried.length)
        refuse("a loop of no round collects values whose shape is unknown");
      return [...carried, ...collected.map(stacked)];
    },
  }),
  operator({ name: "SequenceEmpty", since: 11, control: true, attributes: { dtype: int(1) }, run: () => list([]) }),
  operator({
    name: "SequenceConstruct",
    since: 11,
    control: true,
    run: (call) => list(call.inputs.map((_, i) => call.array(i))),
  }),
  operator({
    name: "SequenceInsert",
    since: 11,
    control: true,
    host: [2],
    run(call) {
      const items = listOf(call, 0);
      const at = call.has(2) ? placeIn(call, 2, items.length, 1) : items.length;
      return list([...items.slice(0, at), call.array(1), ...items.slice(at)]);
    },
  }),
  operator({
    name: "SequenceErase",
    since: 11,
    control: true,
    host: [1],
    run(call) {
      const items = listOf(call, 0);
      const at = call.has(1) ? placeIn(call, 1, items.length) : items.length - 1;
      return list(items.filter((_, i) => i !== at));
    },
  }),
  operator({
    name: "SequenceAt",
    since: 11,
    control: true,
    host: [1],
    run(call) {
      const items = listOf(call, 0);
      return items[placeIn(call, 1, items.length)];
    },
  }),
  operator({
    name: "SequenceLength",
    since: 11,
    control: true,
    run: (call) => hostValue("int64", [], [listOf(call, 0).length]),
  }),
  operator({
    name: "ConcatFromSequence",
    since: 11,
    attributes: { axis: int(), new_axis: int(0) },
    run(call, { axis, new_axis }) {
      const items = listOf(call, 0);
      if (items.length === 0) refuse("a sequence of nothing is joined; at least one tensor is needed");
      const parts = items.map(toTensor);
      const rank = parts[0].rank + new_axis;
      const at = call.axis(axis, rank);
      return deviceValue(items[0].type, concat(new_axis === 1 ? parts.map((x) => unsqueeze(x, at)) : parts, at));
    },
  }),
  operator({
    name: "SplitToSequence",
    since: 11,
    host: [1],
    attributes: { axis: int(0), keepdims: int(1) },
    run(call, { axis, keepdims }) {
      const x = call.tensor(0);
      const at = call.axis(axis, x.rank);
      const given = call.has(1) ? call.numbers(1) : [1];
      const each = given[0];
      if (!(each > 0)) refuse(`split is [${given}]; positive sizes are needed`);
      const one = !call.has(1) || call.shape(1).length === 0;
      const count = Math.ceil(x.shape[at] / each);
      const sizes = one ? Array.from({ length: count }, (_, i) => Math.min(each, x.shape[at] - i * each)) : given;
      const parts = split(x, sizes, at);
      const drop = !call.has(1) && keepdims === 0;
      return list(parts.map((part) => deviceValue(call.type(0), drop ? squeeze(part, at) : part)));
    },
  }),
  operator({
    name: "Optional",
    since: 15,
    control: true,
    run: (call) => (call.has(0) ? call.any(0) : { kind: "empty" }),
  }),
  operator({
    name: "OptionalHasElement",
    since: 15,
    control: true,
    run: (call) => hostValue("bool", [], [Number(call.has(0) && call.any(0).kind !== "empty")]),
  }),
  operator({
    name: "OptionalGetElement",
    since: 15,
    control: true,
    run: (call) => (call.any(0).kind === "empty" ? refuse("the optional is empty; a value is needed") : call.any(0)),
  }),
];
