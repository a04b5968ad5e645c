/** Curves of an experiment against one of its conditions, with error bars, as data. */
import type { PlotOptions } from "../render/plot.js";
import { type Quantity, valuesOf } from "./aggregate.js";

export interface CurveOptions {
  /** The condition they are drawn against, and what the axis says. */
  readonly axis: string;
  readonly x: string;
  readonly y: string;
  readonly logarithmic?: boolean;
  /** Which curve a quantity belongs to. */
  readonly nameOf: (q: Quantity) => string;
}

/** A plot for each data set and attack; none where there is one value to draw against. */
export function curves(all: readonly Quantity[], { axis, x, y, logarithmic, nameOf }: CurveOptions): PlotOptions[] {
  const groups = new Map<string, Quantity[]>();
  for (const q of all) {
    const { objective, explainer } = q.conditions;
    const heading = [q.data, objective && `${objective} attack on ${explainer}`].filter(Boolean).join(", ");
    groups.set(heading, [...(groups.get(heading) ?? []), q]);
  }
  return [...groups].flatMap(([title, group]) => {
    if (valuesOf(group, axis).length < 2) return [];
    const series = [...new Set(group.map(nameOf))].map((name) => ({
      name,
      points: group
        .filter((q) => nameOf(q) === name)
        .map((q) => ({ x: Number(q.conditions[axis]), y: q.estimate.mean, half: q.estimate.half })),
    }));
    return [{ title, x, y, series, logarithmic }];
  });
}
