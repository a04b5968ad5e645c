/** ATEX against naive training, per step: the same network, batch, samples per image and distance. */
import { swapExecutor } from "../engine/executor.js";
import { callerScope, openScope, ReferenceExecutor } from "../engine/index.js";
import {
  type AtexSetting,
  type AtexWork,
  hessianRow,
  type StepName,
  schemes,
  trainingStep,
  worldOf,
} from "./atexSteps.js";
import type { Verdict } from "./goldens.js";
import type { Bench } from "./holdfast.js";
import type { Waiting } from "./measure.js";
import { type Ratio, ratioOf } from "./ratio.js";
import type { Report, Row } from "./report.js";
import { type Entry, runEntries } from "./run.js";

const standard: AtexSetting = { batch: 64, samples: 8, side: 28 };
const hessian = "naive-hessian-step";
/** Cases of the suite, in the order of measurement; the last is counted from one row of the Hessian and `naive-step`. */
export const atexCases = [...(Object.keys(schemes) as StepName[]), hessian] as const;
export type AtexCase = (typeof atexCases)[number];

export interface AtexOptions {
  readonly cases?: readonly AtexCase[];
  readonly waits?: readonly Waiting[];
  /** Timed rounds, in which every case runs once; default 6, so that least and greatest are an interval of 97 %. */
  readonly runs?: number;
  readonly setting?: AtexSetting;
  readonly onRow?: (row: Row) => void;
}

async function build(name: AtexCase, setting: AtexSetting): Promise<AtexWork> {
  const world = worldOf(setting);
  return name === hessian ? hessianRow(world) : trainingStep(world, await schemes[name](world));
}

/** A batch so small that the float64 reference can follow: the same network, scheme and step. */
const tiny: AtexSetting = { batch: 2, samples: 4, side: 8 };
/** The loss of ATEX is here a difference of logarithms of 2e-4, which f32 rounds to a thousandth of it. */
const TOLERANCE = 3e-3;

/** Results on the device against those of the float64 reference. */
async function verdict(name: AtexCase): Promise<Verdict> {
  const results = async (): Promise<number[]> => {
    using here = openScope("check");
    const work = await here.wait(build(name, tiny));
    return await here.wait(work.results().finally(() => work.dispose()));
  };
  const got = await results();
  const gpu = swapExecutor(new ReferenceExecutor());
  const truth = await results().finally(() => swapExecutor(gpu));
  // NaN disagrees without bound.
  const errors = truth.map((t, i) => (Number.isFinite(got[i]) ? Math.abs(got[i] - t) / Math.abs(t) : Infinity));
  const at = errors.indexOf(Math.max(...errors));
  const where = name === hessian ? `row of image ${at + 1}` : `loss of step ${at + 1}`;
  const disagreement = { relativeError: errors[at], where, got: got[at], truth: truth[at] };
  return { checked: errors[at] <= TOLERANCE, disagreement };
}

function entryOf(
  title: string,
  name: AtexCase,
  setting: AtexSetting,
  judge: (name: AtexCase) => Promise<Verdict>,
): Entry {
  return {
    case: title,
    async prepare() {
      const judged = await judge(name);
      return { ...(await build(name, setting)), verdict: judged };
    },
  };
}

function measured(
  on: Bench,
  entries: readonly Entry[],
  options: AtexOptions,
  onRow?: (row: Row) => void,
): Promise<Row[]> {
  const { waits = [on.software ? "nap" : "spin"], runs = 6 } = options;
  return runEntries(on, entries, { waits, runs, warmUps: 1, onRow });
}

/** Naive training with the whole input Hessian of every image written out, pixel by pixel: one row of one batch is measured and
 *  multiplied, because all rows cost the same. */
function hessianStep(row: Row, rows: readonly Row[], { batch, samples, side }: AtexSetting): Row {
  if (!row.checked || !row.each) return row;
  const step = rows.find((r) => r.case === "naive-step" && r.wait === row.wait && r.each);
  const { case: name, system, wait, disagreement } = row;
  const about = { case: name, system, wait, disagreement };
  if (!step)
    return {
      ...about,
      checked: false,
      error: "it is counted on top of naive-step ; measure that too: --case naive-step,…",
    };
  const factor = side * side * (1 + samples);
  const whole = (one: number | null | undefined, rest: number | null | undefined): number | null =>
    typeof one === "number" && typeof rest === "number" ? one * factor + rest : null;
  return {
    ...{ ...about, checked: true, runs: row.runs, spread: row.spread },
    medianMs: whole(row.medianMs, step.medianMs) ?? undefined,
    minMs: whole(row.minMs, step.minMs) ?? undefined,
    workerCpuMs: whole(row.workerCpuMs, step.workerCpuMs),
    each: row.each.map(({ ms, cpuMs }, i) => ({
      ms: whole(ms, step.each![i].ms)!,
      cpuMs: whole(cpuMs, step.each![i].cpuMs),
    })),
    note:
      `not run whole: one row of the Hessian, a single pixel's, was measured for ${batch} images ` +
      `(${row.medianMs!.toFixed(1)} ms) and multiplied by ${side * side} pixels and by ${1 + samples} for the samples; naive-step added`,
  };
}

/** The suite: every case at batch 64, 28×28 and 8 samples per image, checked, then measured in turns; and what every case costs as
 *  a multiple of each ATEX step. */
export async function runAtex(on: Bench, options: AtexOptions = {}): Promise<Pick<Report, "results" | "ratios">> {
  const { cases = atexCases, setting = standard, onRow } = options;
  const rows: Row[] = [];
  using here = openScope("atex");
  await here.wait(
    measured(
      on,
      cases.map((name) => entryOf(name, name, setting, verdict)),
      options,
      (row) => {
        const whole = row.case === hessian ? hessianStep(row, rows, setting) : row;
        rows.push(whole);
        onRow?.(whole);
      },
    ),
  );
  const place = ({ case: name }: Row): number => cases.indexOf(name as AtexCase);
  const results = rows.sort((a, b) => place(a) - place(b));
  const named = (start: string): Row[] => results.filter((row) => row.case.startsWith(start));
  const ratios = named("naive").flatMap((row) =>
    named("atex").flatMap((over) => ratioOf(row, over, on.software) ?? []),
  );
  return { results, ratios };
}

/** Smaller, because the largest point of a curve has to fit the 128 MiB binding that some adapters stop at. */
const curveBase: AtexSetting = { batch: 16, samples: 8, side: 28 };
/** What a curve varies, from `curveBase`. */
export const curves = { batch: [4, 16, 64], samples: [2, 4, 8, 16], side: [14, 28, 56] } as const;
export type CurveName = keyof typeof curves;

/** Every point of the curves, once. */
export function curveSettings(): AtexSetting[] {
  const all = Object.entries(curves).flatMap(([what, values]) =>
    values.map((value) => ({ ...curveBase, [what]: value })),
  );
  return all.filter((s, i) => all.findIndex((t) => settingTitle(t) === settingTitle(s)) === i);
}

export const settingTitle = ({ batch, samples, side }: AtexSetting): string =>
  `batch ${batch}, ${samples} samples, side ${side}`;

/** The setting a row of the curves was measured at, and of what. */
export function curvePoint({ case: title }: Pick<Row, "case">): { name: string; setting: AtexSetting } | undefined {
  const found = /^(\S+) batch (\d+), (\d+) samples, side (\d+)$/.exec(title);
  if (!found) return undefined;
  const [batch, samples, side] = found.slice(2).map(Number);
  return { name: found[1], setting: { batch, samples, side } };
}

/** Whether a setting lies on a curve: all but what this varies is as in `curveBase`. */
export function liesOn(curve: CurveName, setting: AtexSetting): boolean {
  return settingTitle({ ...setting, [curve]: curveBase[curve] }) === settingTitle(curveBase);
}

/** Cost of ATEX with everything at hand and of naive against batch size, samples per image and image side, one setting after the
 *  other, both steps in turns. */
export async function runAtexCurves(
  on: Bench,
  {
    settings = curveSettings(),
    ...options
  }: Omit<AtexOptions, "cases" | "setting"> & { settings?: readonly AtexSetting[] } = {},
): Promise<Pick<Report, "results" | "ratios">> {
  const here = callerScope();
  const names = ["atex-step", "naive-step"] as const;
  const verdicts = new Map<AtexCase, Verdict>();
  for (const name of names) verdicts.set(name, await here.wait(verdict(name)));
  const results: Row[] = [];
  const ratios: Ratio[] = [];
  for (const setting of settings) {
    // A scope for each, so that only one setting's buffers live at a time.
    using _ = here.open("curves");
    const title = (name: string): string => `${name} ${settingTitle(setting)}`;
    const entries = names.map((name) => entryOf(title(name), name, setting, async () => verdicts.get(name)!));
    const rows = await here.wait(measured(on, entries, options, options.onRow));
    results.push(...rows);
    const [ours, theirs] = names.map((name) => rows.filter((row) => row.case === title(name)));
    ratios.push(...theirs.flatMap((row, i) => ratioOf(row, ours[i], on.software) ?? []));
  }
  return { results, ratios };
}
