/** Numbers of an audit with their intervals. */

import { aCount, aFlag, aNumber, aText, listOf, maybe } from "../../engine/kinds.js";
import { requireArguments } from "../../engine/options.js";
import { estimate, wilsonInterval } from "../experiments/statistics.js";
import { anyNumbers } from "../kinds.js";
import type { AuditMeasurement, AuditNumber } from "./audit.js";
import { anAuditMeasurement, anAuditNumber } from "./kinds.js";

/** The mean of values sample by sample, with Student's 95 % interval; values that are not finite are left out, and n says so. */
export function meanNumber(name: string, values: readonly number[], setting?: string): AuditNumber {
  requireArguments("meanNumber", {
    name: [name, aText],
    values: [values, anyNumbers],
    setting: [setting, maybe(aText)],
  });
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return { name, setting, value: Number.NaN, low: Number.NaN, high: Number.NaN, n: 0, values };
  const { mean, half, n } = estimate(finite);
  return { name, setting, value: mean, low: mean - half, high: mean + half, n, values };
}

/** The share of samples for which something is true, with Wilson's 95 % interval. */
export function shareNumber(name: string, hits: readonly boolean[], setting?: string): AuditNumber {
  requireArguments("shareNumber", {
    name: [name, aText],
    hits: [hits, listOf(aFlag, "true and false")],
    setting: [setting, maybe(aText)],
  });
  const n = hits.length;
  const k = hits.filter(Boolean).length;
  return { name, setting, value: k / n, ...wilsonInterval(k, n), n, values: hits.map(Number) };
}

/** A number without an interval. */
export function plainNumber(name: string, value: number, n: number, setting?: string): AuditNumber {
  requireArguments("plainNumber", {
    name: [name, aText],
    value: [value, aNumber],
    n: [n, aCount],
    setting: [setting, maybe(aText)],
  });
  return { name, setting, value, low: Number.NaN, high: Number.NaN, n };
}

/** The mean of a − b over the samples for which both have a finite value: what a candidate has over a control. */
export function pairedDifference(a: AuditNumber, b: AuditNumber): AuditNumber {
  requireArguments("pairedDifference", { a: [a, anAuditNumber], b: [b, anAuditNumber] });
  const differences = (a.values ?? []).map((value, i) => value - (b.values?.[i] ?? Number.NaN));
  return meanNumber(`${a.name}: difference`, differences, a.setting);
}

/** The number of a name, under a setting where one is given; undefined where it was not measured. */
export function numberOf(measurement: AuditMeasurement, name: string, setting?: string): AuditNumber | undefined {
  requireArguments("numberOf", {
    measurement: [measurement, anAuditMeasurement],
    name: [name, aText],
    setting: [setting, maybe(aText)],
  });
  const { numbers } = measurement;
  return numbers.find((one) => one.name === name && (setting === undefined || one.setting === setting));
}

/** The same with the ends of its interval moved to where values can lie: Student's interval knows no bounds. */
export function boundedNumber(one: AuditNumber, low: number, high: number): AuditNumber {
  requireArguments("boundedNumber", { one: [one, anAuditNumber], low: [low, aNumber], high: [high, aNumber] });
  return { ...one, low: Math.max(low, one.low), high: Math.min(high, one.high) };
}

/** "12 %", for sentences. */
export const percent = (value: number, digits = 0): string => `${(100 * value).toFixed(digits)} %`;
