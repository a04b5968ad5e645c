/** Runs an audit cell by cell, a row for a candidate each, so that one that was killed goes on; and judges what was measured. */

import {
  type AbortSignalLike,
  callerScope,
  type LongOptions,
  openScope,
  ShapeError,
  scope,
  Turns,
} from "../../engine/index.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../engine/options.js";
import { aMap } from "../../nn/kinds.js";
import { readSettings } from "../../nn/schema.js";
import { LONG_OPTIONS } from "../kinds.js";
import { watchedWorld } from "../long.js";
import { featureIndex } from "../manipulations/columns.js";
import { RefusalError } from "../refusal.js";
import type { AuditFinding, AuditMeasurement, AuditRow, AuditWorld, Candidate } from "./audit.js";
import { anAuditPlan, anAuditStore, anAuditWorld } from "./kinds.js";
import { auditRowOf } from "./table.js";

/** What is to be done. */
export interface AuditPlan {
  /** Names of rows, with settings in place of the defaults. */
  readonly rows: readonly { readonly row: string; readonly settings?: Readonly<Record<string, unknown>> }[];
  readonly explainers: readonly Candidate[];
  readonly controls: readonly Candidate[];
}

/** One row for one candidate, or for the network: what is measured, stored and judged by itself. */
export interface AuditCell {
  /** "attack/gradient", or "contract" for a row about the network; also the name of its file. */
  readonly id: string;
  readonly row: AuditRow;
  /** The row's settings with all defaults filled in. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Missing where the row is about the network. */
  readonly candidate?: Candidate;
}

/** Where measurements are kept between runs. */
export interface AuditStore {
  /** What was saved under an id; undefined where nothing was. */
  load(id: string): Promise<AuditMeasurement | undefined>;
  save(id: string, measurement: AuditMeasurement): Promise<void>;
}

/** Told before each cell that is measured. */
export interface AuditProgress {
  readonly cell: AuditCell;
  /** Cells before it in the plan, stored ones included, of `cells` in all. */
  readonly done: number;
  readonly cells: number;
}

/** The cells of a plan: row by row, explainers before controls.
 *  @throws RangeError for an unknown row or setting. */
export function auditCells(plan: AuditPlan): AuditCell[] {
  requireArguments("auditCells", { plan: [plan, anAuditPlan] });
  const { rows, explainers, controls } = plan;
  return rows.flatMap(({ row: name, settings = {} }) => {
    const row = auditRowOf(name);
    const read = readSettings(row, settings);
    if (row.about === "network") return [{ id: row.name, row, settings: read }];
    const wanted = controls.filter((control) => row.controls?.includes(control.name) ?? true);
    return [...explainers, ...wanted].map((candidate) => ({
      ...{ id: `${row.name}/${candidate.name}`, row, settings: read, candidate },
    }));
  });
}

/** The cells in the order in which they are done: all rows for the first explainer and the controls, then for one explainer after the other,
 *  so that an audit whose time is short answers every question for one explainer rather than one for all. */
function inOrder(cells: readonly AuditCell[], { explainers }: AuditPlan): AuditCell[] {
  const round = ({ candidate }: AuditCell): number => Math.max(0, candidate ? explainers.indexOf(candidate) : 0);
  return cells.toSorted((a, b) => round(a) - round(b));
}

/** A cell that was left because the audit is to end. */
class Stopped extends Error {}

const RUN_AUDIT_OPTIONS: KindsOf<LongOptions<AuditProgress>> = {
  ...LONG_OPTIONS,
};

/** Measures the cells that the store lacks. What an explainer refuses (`RefusalError`) is kept as such. Once the world's `stop` is aborted, what is being
 *  measured is left, and begun anew another time; but for the first cell, so that an audit gets on however short its time is.
 *  @returns by id. @throws before anything is measured, RangeError for settings of a row that do not fit the world; later the reason of
 *  `signal`, also inside a cell, and for what somebody has to mend, a setting or a call, an error naming the cell: RangeError and ShapeError
 *  as such, else Error. What was measured before is in the store. */
export async function runAudit(
  world: AuditWorld,
  plan: AuditPlan,
  store: AuditStore,
  options: LongOptions<AuditProgress> = {},
): Promise<ReadonlyMap<string, AuditMeasurement>> {
  requireArguments("runAudit", {
    world: [world, anAuditWorld],
    plan: [plan, anAuditPlan],
    store: [store, anAuditStore],
  });
  checkedOptions("runAudit", options, RUN_AUDIT_OPTIONS);
  const here = callerScope();
  const turns = new Turns("runAudit", options);
  const watched = watchedWorld(world, options.signal);
  const cells = inOrder(auditCells(plan), plan);
  checkSettings(world, cells);
  const found = new Map<string, AuditMeasurement>();
  let begun = 0;
  const stopped = (): boolean => begun > 1 && world.stop?.aborted === true;
  // One world for all cells: rows remember by it what candidates share.
  const inside: AuditWorld = {
    ...watched,
    stop: {
      get aborted() {
        return stopped() || options.signal?.aborted === true;
      },
    },
    say(text) {
      if (stopped()) throw new Stopped("the audit is to end");
      watched.say(text);
    },
  };
  for (const [done, cell] of cells.entries()) {
    const { id } = cell;
    const stored = await here.wait(store.load(id));
    if (stored) {
      found.set(id, stored);
      continue;
    }
    if (world.stop?.aborted) break;
    await here.wait(turns.next({ cell, done, cells: cells.length }));
    begun++;
    const measured = await here.wait(
      measure(inside, cell, options.signal).catch((error: unknown) => {
        if (error instanceof Stopped) return undefined;
        throw error;
      }),
    );
    turns.tell();
    // What was cut short is no measurement, whoever noticed it.
    if (!measured || stopped()) break;
    await here.wait(store.save(id, measured));
    found.set(id, measured);
  }
  return found;
}

async function measure(
  world: AuditWorld,
  { id, row, settings, candidate }: AuditCell,
  signal: AbortSignalLike | undefined,
): Promise<AuditMeasurement> {
  using here = openScope(row.name);
  const missing = missingFor(row, world);
  if (missing) return { numbers: [], refused: missing };
  try {
    return await here.wait(row.measure(settings, world, candidate));
  } catch (error) {
    // A reason may be of any kind, also of those that are refusals.
    signal?.throwIfAborted();
    if (error instanceof RefusalError) return { numbers: [], refused: error.message };
    throw placed(error, id);
  }
}

/** What was thrown, with the cell or row where that was. Values and shapes that do not fit are for the user to mend, settings above all; a
 *  wrong call is not. */
function placed(error: unknown, where: string): unknown {
  if (!(error instanceof Error)) return error;
  const cause = { cause: error };
  if (error instanceof TypeError) return new Error(`internal: audit of ${where}: ${error.message}`, cause);
  const Kind = [RangeError, ShapeError].find((kind) => error instanceof kind);
  if (!Kind || error.message.startsWith("internal")) return error;
  return new Kind(`audit of ${where}: ${error.message}`, cause);
}

/** What can be seen without computing. @throws RangeError. */
function checkSettings(world: AuditWorld, cells: readonly AuditCell[]): void {
  const { sensitive, domain } = world;
  if (sensitive !== undefined) {
    if (domain.shape.length === 3)
      throw new RangeError(`runAudit: the sensitive column "${sensitive}" came with images; only tables have columns`);
    featureIndex(domain, sensitive);
  }
  for (const { row, settings } of new Map(cells.map((cell) => [cell.row, cell])).values()) {
    if (missingFor(row, world)) continue;
    try {
      scope(() => row.check?.(settings, world));
    } catch (error) {
      if (!(error instanceof RefusalError)) throw placed(error, row.name);
    }
  }
}

function missingFor({ takes, needs }: AuditRow, { domain, weights }: AuditWorld): string | undefined {
  const image = domain.shape.length === 3;
  if (takes !== "images and tables" && (takes === "images") !== image) return `it is about ${takes} only`;
  if (needs && !weights) return "it needs the weights, and the network came as a function";
  if (needs === "layer" && !weights?.layer) return "it needs a network of layers that can be trained on";
  return undefined;
}

/** What the measurements say, row by row and explainer by explainer; a row that was not measured is not tested, and says why. */
export function judgeAudit(plan: AuditPlan, measured: ReadonlyMap<string, AuditMeasurement>): AuditFinding[] {
  requireArguments("judgeAudit", { plan: [plan, anAuditPlan], measured: [measured, aMap] });
  return auditCells({ ...plan, controls: [] }).map(({ id, row, settings, candidate }) => {
    const of = { row: row.name, explainer: candidate?.name };
    const own = measured.get(id);
    if (!own)
      return { ...of, verdict: "not tested", sentence: "It was not measured: the audit ended before.", caveats: [] };
    if (own.refused !== undefined)
      return { ...of, verdict: "not tested", sentence: `It could not be tested: ${own.refused}.`, caveats: [] };
    const controls = Object.fromEntries(
      plan.controls.flatMap(({ name }) => {
        const found = measured.get(`${row.name}/${name}`);
        return found && found.refused === undefined ? [[name, found] as const] : [];
      }),
    );
    return { ...of, ...row.judge(own, controls, settings) };
  });
}
