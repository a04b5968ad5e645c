/** What audits of planted networks come to: who notices what, and how often honest networks are accused. */
import { DATASETS, type DatasetName } from "../../../nn/index.js";
import { auditRowOf } from "../../audit/table.js";
import { type Quantity, select } from "../aggregate.js";
import type { ReproduceConfig } from "../config.js";
import type { Findings } from "../kind.js";
import type { ExperimentConfig } from "../settings.js";
import { mean, wilsonInterval } from "../statistics.js";
import { perData, type TableData } from "../tables.js";
import type { Claim, Verdict } from "../verdicts.js";

/** Metrics of a cell: 1 where a row was tested, and where it speaks against the network or its explanations. */
export const TESTED = "tested";
export const CONDEMNED = "does not hold";

/** A row of the audit, for one explainer or about the network. */
interface Pair {
  readonly row: string;
  readonly explainer?: string;
}

/** How many of how many networks. */
interface Share {
  readonly k: number;
  readonly n: number;
}

/** Networks of one experiment on one data set. */
interface Group {
  readonly title: string;
  readonly honest: boolean;
  readonly all: readonly Quantity[];
}

interface World {
  readonly data: string;
  readonly calibration: readonly Quantity[];
  /** Honest ones first. */
  readonly groups: readonly Group[];
}

const isPlanted = ({ kind }: ExperimentConfig): boolean => kind === "planted";

function worldsOf(config: ReproduceConfig, everything: readonly Quantity[]): World[] {
  const mine = Object.entries(config.experiments).filter(([, e]) => isPlanted(e));
  const data = [...new Set(mine.flatMap(([, e]) => e.data))];
  return data.map((name) => {
    const of = (calibrates: boolean): Group[] =>
      mine
        .filter(([, e]) => Boolean(e.calibrates) === calibrates)
        .map(([experiment, { title, plant }]) => ({
          ...{ title, honest: plant === "honest" },
          all: select(everything, { experiment, data: name }),
        }))
        .filter(({ all }) => all.length > 0);
    const groups = of(false).sort((a, b) => Number(b.honest) - Number(a.honest));
    return { data: name, calibration: of(true).flatMap(({ all }) => all), groups };
  });
}

const isOf = ({ row, explainer }: Pair, { conditions }: Quantity): boolean =>
  conditions.row === row && conditions.explainer === explainer;

function pairsIn(all: readonly Quantity[]): Pair[] {
  const found = new Map<string, Pair>();
  for (const { metric, conditions } of all) {
    if (metric !== TESTED) continue;
    const explainer = conditions.explainer === undefined ? undefined : String(conditions.explainer);
    const pair = { row: String(conditions.row), explainer };
    found.set(`${pair.row}/${explainer ?? ""}`, pair);
  }
  return [...found.values()].sort((a, b) => auditRowOf(a.row).number - auditRowOf(b.row).number);
}

function shareOf(all: readonly Quantity[], pair: Pair): Share {
  const values = select(all, { metric: CONDEMNED })
    .filter((q) => isOf(pair, q))
    .flatMap((q) => [...q.values.values()]);
  return { k: values.filter((v) => v > 0).length, n: values.length };
}

/** How often at most the row says of an honest network that it does not hold, where that is an accusation: what the row states, or, where it
 *  spoke against none of n honest networks, 1 / (n + 1), since each of n + 1 networks that were made alike is as likely to be the first one
 *  that it speaks against. undefined where it speaks against honest networks, or none were asked. */
export function statedRate({ row }: Pick<Pair, "row">, data: string, { k, n }: Share): number | undefined {
  const stated = auditRowOf(row).errorRate?.[DATASETS[data as DatasetName].kind];
  if (stated !== undefined) return stated;
  return n > 0 && k === 0 ? 1 / (n + 1) : undefined;
}

/** Rows that accuse, with their stated rates. */
function telling({ data, calibration, groups }: World): readonly (Pair & { readonly rate: number })[] {
  return pairsIn([...calibration, ...groups.flatMap(({ all }) => all)]).flatMap((pair) => {
    const rate = statedRate(pair, data, shareOf(calibration, pair));
    return rate === undefined ? [] : [{ ...pair, rate }];
  });
}

/** Networks that any of some rows accuses; a network is a scheme and a seed. */
function accused({ all }: Pick<Group, "all">, pairs: readonly Pair[]): Share {
  const networks = new Map<string, boolean>();
  for (const q of all) {
    if (q.metric !== CONDEMNED && q.metric !== TESTED) continue;
    for (const [seed, value] of q.values) {
      const name = `${q.scheme}/${seed}`;
      const hit = q.metric === CONDEMNED && value > 0 && pairs.some((pair) => isOf(pair, q));
      networks.set(name, (networks.get(name) ?? false) || hit);
    }
  }
  return { k: [...networks.values()].filter(Boolean).length, n: networks.size };
}

const percent = (v: number): string => `${(100 * v).toFixed(0)}\u00a0%`;
const plain = ({ k, n }: Share): string => `${k} of ${n}`;
const withInterval = ({ k, n }: Share): string => {
  const { low, high } = wilsonInterval(k, n);
  return `${plain({ k, n })} (${percent(low)} to ${percent(high)})`;
};
const titleOf = ({ row, explainer }: Pair): string =>
  `${auditRowOf(row).number} ${row}${explainer === undefined ? "" : `, ${explainer}`}`;

/** What noticed which network, and, data set by data set, what every row said of every network. */
export function noticedTables(config: ReproduceConfig, everything: readonly Quantity[]): TableData[] {
  const worlds = worldsOf(config, everything).filter(({ groups }) => groups.length > 0);
  if (worlds.length === 0) return [];
  const summary: TableData = {
    title: "What an audit notices of networks with a known fault",
    header: ["data", "network", "accused by any row", "by which rows"],
    rows: worlds.flatMap((world) => {
      const rows = telling(world);
      return world.groups.map((group) => {
        const by = rows.map((pair) => ({ pair, share: shareOf(group.all, pair) })).filter(({ share }) => share.k > 0);
        by.sort((a, b) => b.share.k / b.share.n - a.share.k / a.share.n);
        const any = accused(group, rows);
        return [
          ...[world.data, group.title, group.honest ? withInterval(any) : plain(any)],
          by.map(({ pair, share }) => `${titleOf(pair)} (${plain(share)})`).join("; ") || "none",
        ];
      });
    }),
    caption:
      "Networks of which at least one row says that it does not hold, counted only for rows that accuse: those that say so of no honest network that serves for calibration, or state how " +
      "often they do. The interval of honest networks is Wilson's, 95 %: it is how often an audit as a whole accuses wrongly.",
  };
  return [summary, ...worlds.map(gridOf)];
}

function gridOf(world: World): TableData {
  const { data, calibration, groups } = world;
  const rows = pairsIn([...calibration, ...groups.flatMap(({ all }) => all)]).map((pair) => {
    const before = shareOf(calibration, pair);
    const rate = statedRate(pair, data, before);
    const cells = groups.map(({ honest, all }) => {
      const share = shareOf(all, pair);
      if (share.n === 0) return "not tested";
      const text = honest ? withInterval(share) : plain(share);
      return rate === undefined ? `(${text})` : text;
    });
    return [
      ...[String(auditRowOf(pair.row).number), pair.row, pair.explainer ?? "the network"],
      ...[before.n === 0 ? "not asked" : plain(before), rate === undefined ? "–" : percent(rate), ...cells],
    ];
  });
  return {
    title: `${data}: how often each row does not hold`,
    header: ["", "row", "of", "calibration", "stated error rate", ...groups.map(({ title }) => title)],
    rows,
    caption:
      "Networks of which a row says that it does not hold. Where it says so of honest networks that serve for calibration, it judges explainers and accuses no network: no error rate, and numbers in " +
      "brackets. Else the stated rate is the row's own, or 1 / (n + 1) from n such networks that it found nothing against. Intervals are Wilson's, 95 %.",
  };
}

/** The range of what rows say about networks as a whole, from which thresholds are made. */
export function numberTables(findings: Findings): TableData[] {
  return perData(findings).flatMap(([data, all]) => {
    const numbers = all.filter(({ metric }) => metric !== CONDEMNED && metric !== TESTED);
    if (numbers.length === 0) return [];
    return [
      {
        title: `${data}: ${findings.experiment.title}, numbers about the network`,
        header: ["row", "number", "networks", "smallest", "mean", "largest"],
        rows: numbers.map(({ metric, conditions: { row, setting }, values }) => {
          const each = [...values.values()];
          return [
            ...[String(row ?? "–"), setting === undefined ? metric : `${metric} (${setting})`, String(each.length)],
            ...[Math.min(...each), mean(each), Math.max(...each)].map((v) => Number(v.toPrecision(3)).toString()),
          ];
        }),
        caption: "Over networks of different seeds.",
      },
    ];
  });
}

/** Of honest networks: no row accuses them more often than it states. */
export function claims({ config, experiment, everything, all }: Findings): Claim[] {
  if (experiment.plant !== "honest" || experiment.calibrates) return [];
  return worldsOf(config, everything).flatMap((world): Claim[] => {
    const own = select(all, { data: world.data });
    const rows = telling(world).map((pair) => ({ ...pair, share: shareOf(own, pair) }));
    const asked = rows.filter(({ share }) => share.n > 0);
    if (asked.length === 0) return [];
    const over = asked.filter(({ share: { k, n }, rate }) => k / n > rate);
    const clearly = over.filter(({ share: { k, n }, rate }) => wilsonInterval(k, n).low > rate);
    const verdict: Verdict = clearly.length > 0 ? "does not hold" : over.length > 0 ? "undecided" : "holds";
    const any = accused({ all: own }, asked);
    const said = over.map((pair) => `${titleOf(pair)} ${withInterval(pair.share)}, stated ${percent(pair.rate)}`);
    return [
      {
        paper: `${world.data}: no row of an audit accuses honest networks more often than it states`,
        verdict,
        measured: `${asked.length} rows accuse; ${said.length > 0 ? said.join("; ") : "none more often than stated"}. ${withInterval(any)} honest networks are accused by any of them.`,
      },
    ];
  });
}
