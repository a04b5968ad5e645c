/** Audits of networks whose fault is known: when a row accuses, how often it may, and what tables say of it. */
import {
  type CellOutcome,
  type Conditions,
  ConfigError,
  cellsOf,
  claims,
  overviews,
  quantities,
  type ReproduceConfig,
  readConfig,
  settingsOf,
  tablesOf,
} from "../../atex/experiments/index.js";
import { statedRate } from "../../atex/experiments/kinds/plantedTables.js";
import { PLANTS } from "../../atex/experiments/kinds/plants.js";
import { auditRowOf, drawnSamples, MANIPULATION_TABLE, usualPlan } from "../../atex/index.js";
import { check, test } from "../harness.js";

type Raw = Record<string, unknown>;

const experiment = (title: string, seeds: readonly number[], more: Raw = {}): Raw => ({
  ...{ kind: "planted", title, data: ["shapes"], schemes: ["normal"], seeds, explainers: ["gradient"] },
  ...more,
});

function config(experiments: Raw): ReproduceConfig {
  return readConfig({
    ...{ title: "t", seeds: [0], network: { network: "tiny", activation: "relu", beta: 10 } },
    data: { shapes: { train: 100, epochs: 1 } },
    schemes: { normal: { kind: "normal", title: "normal", epochs: 1 } },
    experiments,
  });
}

const whole = (): ReproduceConfig =>
  config({
    before: experiment("for calibration", [10, 11, 12, 13], { calibrates: true }),
    honest: experiment("honest", [0, 1, 2, 3, 4]),
    fooled: experiment("fooled", [0, 1], { plant: "fooling" }),
  });

/** What rows say of each cell: true where they do not hold. */
function outcomes(
  of: ReproduceConfig,
  says: (experiment: string, seed: number) => Readonly<Record<string, boolean | undefined>>,
): CellOutcome[] {
  return cellsOf(of).map((cell) => ({
    cell,
    measurements: Object.entries(says(cell.experiment, cell.seed)).flatMap(([name, against]) => {
      const [row, explainer] = name.split("/");
      const conditions: Conditions = explainer === undefined ? { row } : { row, explainer };
      const about = { scheme: cell.scheme!, conditions, count: 10 };
      return [
        { ...about, metric: "tested", value: Number(against !== undefined) },
        ...(against === undefined ? [] : [{ ...about, metric: "does not hold", value: Number(against) }]),
      ];
    }),
  }));
}

test("a row accuses by what it states, or where it has nothing against n honest networks, of one in n + 1", () => {
  check.is(statedRate({ row: "relevance" }, "shapes", { k: 0, n: 4 }), 1 / 5);
  check.is(statedRate({ row: "relevance" }, "shapes", { k: 1, n: 4 }), undefined);
  check.is(statedRate({ row: "relevance" }, "shapes", { k: 0, n: 0 }), undefined);
  const { errorRate } = auditRowOf("manipulated");
  check.ok(errorRate!.images! > 0 && errorRate!.images! < 0.2);
  check.is(statedRate({ row: "manipulated" }, "shapes", { k: 0, n: 0 }), errorRate!.images);
  check.is(statedRate({ row: "manipulated" }, "compas", { k: 0, n: 3 }), errorRate!.table);
  check.ok(errorRate!.table! > errorRate!.images!, "three thresholds err more often than two");
});

test("rows that speak against honest networks accuse nobody; the others are counted network by network", () => {
  const of = whole();
  const all = quantities(
    outcomes(of, (experiment, seed) => ({
      "attack/gradient": true,
      "relevance/gradient": experiment === "fooled",
      manipulated: experiment === "fooled" ? seed === 0 : seed === 4,
      "cause/gradient": undefined,
    })),
  );
  const [summary, grid] = overviews(of, all);
  check.equal(summary.rows, [
    ["shapes", "honest", "1 of 5 (4\u00a0% to 62\u00a0%)", "10 manipulated (1 of 5)"],
    ["shapes", "fooled", "2 of 2", "3 relevance, gradient (2 of 2); 10 manipulated (1 of 2)"],
  ]);
  const stated = `${(100 * auditRowOf("manipulated").errorRate!.images!).toFixed(0)}\u00a0%`;
  check.equal(grid.header.slice(5), ["honest", "fooled"]);
  check.equal(grid.rows, [
    ["3", "relevance", "gradient", "0 of 4", "20\u00a0%", "0 of 5 (0\u00a0% to 43\u00a0%)", "2 of 2"],
    ["6", "cause", "gradient", "not asked", "–", "not tested", "not tested"],
    ["8", "attack", "gradient", "4 of 4", "–", "(5 of 5 (57\u00a0% to 100\u00a0%))", "(2 of 2)"],
    ["10", "manipulated", "the network", "0 of 4", stated, "1 of 5 (4\u00a0% to 62\u00a0%)", "1 of 2"],
  ]);
  check.equal(tablesOf("honest", of, all), [], "there are no numbers about the network");
});

test("a claim holds where no row accuses honest networks more often than it states", () => {
  const of = whole();
  const verdictWith = (accused: number): [string, string] => {
    const [claim, ...others] = claims(
      of,
      quantities(
        outcomes(of, (experiment, seed) => ({ "relevance/gradient": experiment === "honest" && seed < accused })),
      ),
    );
    check.equal(others, []);
    return [claim.verdict, claim.measured];
  };
  check.is(verdictWith(0)[0], "holds");
  check.is(verdictWith(1)[0], "holds", "one in five is what is stated");
  check.is(verdictWith(2)[0], "undecided");
  const [verdict, measured] = verdictWith(5);
  check.is(verdict, "does not hold");
  check.match(measured, /3 relevance, gradient 5 of 5 \(57.% to 100.%\), stated 20.%/);
});

test("every manipulation of a model can be planted, and what is none is refused in one sentence", () => {
  const models = MANIPULATION_TABLE.filter(({ changes }) => changes === "model").map(({ name }) => name);
  check.equal(PLANTS.map(({ name }) => name).slice(2), models);
  const mistakes: [Raw, RegExp][] = [
    [{ plant: "fool" }, /^experiments\.one: plant "fool" is unknown; there is honest, permuted-labels, /],
    [{ plant: "fooling", settings: { weigth: 1 } }, /^experiments\.one: fooling\.weigth: no such setting/],
    [{ rows: ["wieghts"] }, /^experiments\.one: audit: row "wieghts" is unknown/],
    [{ rowSettings: { attack: { steps: 0 } } }, /^experiments\.one: attack\.steps: 0 came/],
    [{ explainers: ["magic"] }, /^experiments\.one: .*"magic"/],
    [{ plant: "fooling", calibrates: true }, /^experiments\.one: fooling networks calibrate nothing/],
  ];
  for (const [more, message] of mistakes)
    check.match(check.throws(() => config({ one: experiment("one", [0], more) }), ConfigError).message, message);
});

test("a cell depends on its own plant, and not on its title or on other experiments", () => {
  const [one, other] = [whole(), config({ honest: experiment("called otherwise", [0]) })].map((of) => {
    const cell = cellsOf(of).find(({ experiment, seed }) => experiment === "honest" && seed === 0)!;
    return settingsOf(of, cell);
  });
  check.equal(one, other);
});

test("the usual plan follows the kind of data, and samples are drawn once each", () => {
  const image = { shape: [1, 8, 8], range: { low: 0, high: 1 } };
  const row = { shape: [4], range: { low: 0, high: 1 } };
  check.equal(
    [image, row].map((domain) => usualPlan(domain, {}).controls.map(({ name }) => name)),
    [
      ["random", "edges", "input"],
      ["random", "input"],
    ],
  );
  const plan = usualPlan(row, { rows: ["attack"], quick: true, settings: { attack: { steps: 3 } } });
  check.equal(plan.rows, [{ row: "attack", settings: { ...auditRowOf("attack").quick, steps: 3 } }]);
  check.throws(
    () => usualPlan(row, { rows: ["attack"], settings: { atack: { steps: 3 } } }),
    /settings of "atack", which is not asked for; the rows are attack/,
  );
  check.equal(
    [...drawnSamples(20, 30, 1)].sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i),
  );
  check.is(new Set(drawnSamples(20, 8, 1)).size, 8);
  check.equal(drawnSamples(20, 8, 1), drawnSamples(20, 8, 1));
});
