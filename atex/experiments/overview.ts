/** All manipulations of a configuration beside each other: what notices and undoes them, and the survey's four criteria. */
import { difference, type Quantity, select, valuesOf } from "./aggregate.js";
import type { Conditions } from "./cells.js";
import type { ReproduceConfig } from "./config.js";
import { basis, formatted, type TableData } from "./tables.js";
import { points } from "./verdicts.js";

/** What was measured of one manipulation, on one data set and networks trained in one way. */
interface Row {
  readonly title: string;
  readonly data: string;
  readonly network: string;
  readonly all: readonly Quantity[];
  /** The explainer that it was made for. */
  readonly target: string;
}

const NONE = "–";

/** The explainer that a manipulation was made for, of the quantities of one row: the one that is also tried on other samples, or was
 *  measured first. "" where none was. */
export function targetOf(all: readonly Quantity[]): string {
  const elsewhere = select(all, { metric: "fooled", conditions: { samples: "held out" } });
  const found = elsewhere[0] ?? select(all, { metric: "fooled" })[0];
  return String(found?.conditions.explainer ?? "");
}

/** Experiments that are not about a manipulation have nothing that was made for an explainer, and no row. */
function rowsOf(config: ReproduceConfig, all: readonly Quantity[]): Row[] {
  return Object.entries(config.experiments).flatMap(([experiment, { title }]) =>
    unique(select(all, { experiment }), ({ data }) => data).flatMap((data) =>
      unique(select(all, { experiment, data }), ({ scheme }) => scheme).flatMap((scheme) => {
        const here = select(all, { experiment, data, scheme });
        const target = targetOf(here);
        const network = config.schemes[scheme]?.title ?? scheme;
        return target === "" ? [] : [{ title, data, network, all: here, target }];
      }),
    ),
  );
}

/** Of one row, under these conditions and no others. */
const exactly = (all: readonly Quantity[], metric: string, conditions: Conditions): Quantity | undefined =>
  select(all, { metric, conditions }).find((q) => Object.keys(q.conditions).length === Object.keys(conditions).length);

const unique = (all: readonly Quantity[], of: (q: Quantity) => string): string[] => [...new Set(all.map(of))];
const places = ({ title, data, network }: Row): string[] => [title, data, network];
const cell = (q: Quantity | undefined, decimals = 2): string => formatted(q, decimals) || NONE;

/** How often the explainer it was made for would have counted as fooled had nothing been done. */
const fooledBefore = ({ all, target }: Row): Quantity | undefined =>
  exactly(all, "fooled before", { samples: "made for", explainer: target });

/** How often the explainer it was made for was fooled, on samples of a name. */
function fooledOf({ all, target }: Row, samples: string, explainer = target): Quantity | undefined {
  return exactly(all, "fooled", { samples, explainer });
}

/** Manipulation × detector, twice: whether it is noticed (AUROC), and how often the explanation is fooled without and in spite of it. Empty
 *  where no detector was asked. */
export function detectorMatrices(config: ReproduceConfig, all: readonly Quantity[]): TableData[] {
  const rows = rowsOf(config, all);
  const matrix = (
    metric: string,
  ): { detectors: string[]; of: (row: Row, detector: string) => Quantity | undefined } => ({
    detectors: valuesOf<string>(select(all, { metric }), "detector"),
    of: (row, detector) => exactly(row.all, metric, { detector }),
  });
  const [noticed, undone] = [matrix("noticed (AUROC)"), matrix("fooled in spite of it")];
  const tables: TableData[] = [];
  if (noticed.detectors.length > 0)
    tables.push({
      title: "What notices which manipulation",
      header: ["manipulation", "data", "network", ...noticed.detectors],
      rows: rows.map((row) => [
        ...places(row),
        ...noticed.detectors.map((detector) => cell(noticed.of(row, detector))),
      ]),
      caption: `Area under the ROC curve between the suspicion of clean and of manipulated explanations: 0.5 is guessing, 1 tells all of them apart, below 0.5 the manipulated ones look better than the clean ones. ${basis(select(all, { metric: "noticed (AUROC)" }))}`,
    });
  if (undone.detectors.length > 0)
    tables.push({
      title: "What undoes which manipulation",
      header: ["manipulation", "data", "network", "before", "after", ...undone.detectors],
      rows: rows.map((row) => [
        ...places(row),
        ...[cell(fooledBefore(row)), cell(fooledOf(row, "made for"))],
        ...undone.detectors.map((detector) => cell(undone.of(row, detector))),
      ]),
      caption: `Fooling success rate of the plain explanation before the manipulation (what counts as fooled where nothing was done) and after it, and of the one that is trusted in its place. ${basis(select(all, { metric: "fooled in spite of it" }))}`,
    });
  return tables;
}

/** The survey's four criteria, a row for each manipulation: effectiveness and what it costs, transferability to other explainers, stability
 *  over seeds, generalisation to samples and networks it was not made for. Empty where nothing was manipulated. Source: Heusser 2021. */
export function criteriaTables(config: ReproduceConfig, all: readonly Quantity[]): TableData[] {
  const rows = rowsOf(config, all);
  if (rows.length === 0) return [];
  return [
    {
      title: "Effectiveness, transferability, stability, generalisation",
      header: [
        ...["manipulation", "data", "network", "made for", "fooled before", "fooled", "prediction as wanted"],
        ...["points of accuracy lost", "largest change of the input", "seconds"],
        ...["fooled under other explainers", "smallest and largest over seeds", "held-out samples", "other networks"],
      ],
      rows: rows.map((row) => {
        const { all: here, target } = row;
        const made = fooledOf(row, "made for");
        const lost = difference(exactly(here, "accuracy before", {}), exactly(here, "accuracy", {}));
        const about = (metric: string): Quantity | undefined => exactly(here, metric, { samples: "made for" });
        return [
          ...[...places(row), target, cell(fooledBefore(row)), cell(made), cell(about("prediction as wanted"))],
          lost ? points(lost) : NONE,
          cell(about("largest change of the input"), 3),
          cell(exactly(here, "cost: seconds", {}), 1),
          transfer(row),
          stability(made),
          cell(fooledOf(row, "held out")),
          cell(fooledOf(row, "other networks")),
        ];
      }),
      caption: `Effectiveness and its cost; transferability; stability; generalisation. Numbers without a name are fooling success rates. ${basis(select(all, { metric: "fooled" }))}`,
    },
  ];
}

/** "lrp 0.90, smoothgrad 0.12": the most fooled first. */
function transfer(row: Row): string {
  const found = select(row.all, { metric: "fooled", conditions: { samples: "made for" } })
    .filter(({ conditions: { explainer, ...rest } }) => explainer !== row.target && Object.keys(rest).length === 1)
    .sort((a, b) => b.estimate.mean - a.estimate.mean);
  return found.map((q) => `${q.conditions.explainer} ${q.estimate.mean.toFixed(2)}`).join(", ") || NONE;
}

function stability(made: Quantity | undefined): string {
  if (!made) return NONE;
  const values = [...made.values.values()];
  const ends = `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`;
  return values.length === 1 ? `${values[0].toFixed(2)} (one seed)` : `${ends} (${values.length} seeds)`;
}
