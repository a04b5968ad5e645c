/** The grid of experiments: schema, cells, statistics over seeds, verdicts, and one small cell of every kind. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Cell,
  type CellOutcome,
  ConfigError,
  cellsOf,
  claims,
  configSchema,
  difference,
  estimate,
  Lab,
  type Measurement,
  type Outcome,
  quantities,
  type Recipe,
  type ReproduceConfig,
  readConfig,
  runCell,
  select,
  shardOf,
  studentQuantile,
} from "../../atex/experiments/index.js";
import { recipeOf } from "../../atex/experiments/recipe.js";
import { PIXEL_RANGE } from "../../nn/data/domain.js";
import { shapesSplit } from "../../nn/data/sets/shapes.js";
import { readSafetensors, SHAPE_CLASSES } from "../../nn/index.js";
import { onGpu } from "../executors.js";
import { check, gpuTest, root, test } from "../harness.js";

const folder = join(root, "cli/reproduce/configs");
/** Parsed JSON, to be spoilt at will. */
type Raw = ReturnType<typeof JSON.parse>;
const stored = (name: string): Raw => JSON.parse(readFileSync(join(folder, name), "utf8"));
const smoke = (): ReproduceConfig => readConfig(stored("smoke.json"));

test("the quantiles of Student's t are SciPy's", () => {
  const expected = [
    [1, 12.706204736174694],
    [2, 4.302652729749462],
    [3, 3.182446305283708],
    [4, 2.7764451051977934],
    [9, 2.262157162798205],
    [30, 2.0422724563012378],
    [199, 1.971956544249395],
  ];
  for (const [degrees, t] of expected) check.close([studentQuantile(0.975, degrees)], [t], { rtol: 1e-9 });
});

test("an interval over seeds is t s / √n, and one seed has none", () => {
  const { mean, half, n } = estimate([0.5, 0.6, 0.7]);
  check.close([mean, half], [0.6, (4.302652729749462 * 0.1) / Math.sqrt(3)], { rtol: 1e-9 });
  check.is(n, 3);
  check.ok(Number.isNaN(estimate([1]).half));
  check.throws(() => estimate([]), RangeError);
});

test("the configurations that come along fit the schema, and it describes them", () => {
  const names = readdirSync(folder);
  check.ok(names.includes("quick.json") && names.includes("full.json") && names.includes("smoke.json"), String(names));
  for (const name of names) check.ok(cellsOf(readConfig(stored(name))).length > 0, name);
  const properties = configSchema.properties as Record<string, unknown>;
  check.equal(Object.keys(properties), [
    "$schema",
    "title",
    "lead",
    "seeds",
    "network",
    "k",
    "data",
    "schemes",
    "experiments",
  ]);
});

test("a mistake in a configuration is one sentence with its place", () => {
  const cases: [(c: Raw) => void, RegExp][] = [
    [(c) => delete c.seeds, /^seeds: nothing came; a list of at least one is needed$/],
    [(c) => (c.seeds = [0, 1.5]), /^seeds\[1\]: 1.5 came; a whole number of at least 0 is needed$/],
    [(c) => (c.schemes.atex.alhpa = 1), /^schemes\.atex\.alhpa: no such setting; there is kind, title, /],
    [(c) => (c.schemes.atex.kind = "atx"), /^schemes\.atex\.kind: "atx" came; one of normal, naive, atex, /],
    [
      (c) => (c.experiments.tables.schemes = ["magic"]),
      /^experiments\.tables: magic is not defined; there is normal, /,
    ],
    [(c) => (c.experiments.tables.attacks[0].steps = 0), /^experiments\.tables\.attacks\[0\]\.steps: 0 came/],
    [
      (c) => (c.schemes.more = { like: "atix" }),
      /^schemes\.more\.like: "atix" came; one of normal, .*atex.* is needed; did you mean atex\?$/,
    ],
    [
      (c) => Object.assign(c.schemes.atex, { decay: "cosine", epochs: 1 }),
      /^experiments\.smoothing\.rounds: \d came; the rate of atex falls to 0 in 1 epochs/,
    ],
    [(c) => delete c.schemes.normal, /^schemes\.normal: a scheme of kind normal is needed/],
  ];
  for (const [spoil, message] of cases) {
    const config = stored("smoke.json");
    spoil(config);
    check.match(check.throws(() => readConfig(config), ConfigError).message, message);
  }
});

test("a scheme that is like another one says what that says, but for its changes", () => {
  const config = stored("smoke.json");
  config.schemes.wider = { like: "atex", title: "wider", along: 7 };
  config.schemes.longer = { like: "wider", epochs: 9 };
  const { wider, longer, atex } = readConfig(config).schemes;
  check.equal<unknown>(wider, { ...atex, title: "wider", along: 7 });
  check.equal<unknown>(longer, { ...wider, epochs: 9 });
  config.schemes.wider.like = "longer";
  const message = /^schemes\.(longer|wider)\.like: "(longer|wider)" came; one of .* is needed$/;
  check.match(check.throws(() => readConfig(config), ConfigError).message, message);
});

test("what the quick tables, the peers and the figures call by one name is trained in one way", () => {
  const [quick, ...others] = ["quick.json", "peers.json", "figures.json"].map((name) => readConfig(stored(name)));
  for (const { schemes } of others) {
    const shared = ["normal", "naive", "naive-l2", "atex", "atex-smooth"].filter((name) => name in schemes);
    check.ok(shared.length >= 3);
    for (const name of shared) check.equal(schemes[name], quick.schemes[name], name);
  }
});

test("names that would be paths, or one file for two cells, are refused", () => {
  const spoilt = (change: (raw: Raw) => void): (() => unknown) => {
    const raw = stored("smoke.json");
    change(raw);
    return () => readConfig(raw);
  };
  const renamed = (name: string) => (raw: Raw) => {
    raw.experiments = { [name]: raw.experiments.tables };
  };
  for (const name of ["../../../x", "a/b", "a\\b", ".hidden", "", "a\u0000", "x".repeat(61), "con:"])
    check.throws(spoilt(renamed(name)), /^experiments\..*: names of files are made of it; letters, digits/s);
  check.throws(
    spoilt((raw) => {
      raw.schemes["a/b"] = raw.schemes.normal;
    }),
    /^schemes\.a\/b: names of files are made of it/,
  );
  // e, shapes_b and e_shapes, b would both be e_shapes_shapes_b_seed0, but for the data; e and E are one on some file systems.
  check.throws(
    spoilt((raw) => {
      const { tables } = raw.experiments;
      raw.schemes.shapes_normal = raw.schemes.normal;
      raw.experiments = {
        e: { ...tables, schemes: ["shapes_normal"] },
        e_shapes: { ...tables, schemes: ["normal"] },
      };
    }),
    /^experiments\.e_shapes: the result of two cells would be e_shapes_shapes_normal_seed0\.json, here and in experiments\.e;/,
  );
  check.throws(
    spoilt((raw) => {
      raw.experiments = { e: raw.experiments.tables, E: raw.experiments.tables };
    }),
    /^experiments\.E: the result of two cells would be E_shapes_/,
  );
  check.throws(
    spoilt((raw) => {
      raw.seeds = [0, 1, 0];
    }),
    /the result of two cells would be \S+_seed0\.json; leave out what stands there twice/,
  );
  check.throws(
    spoilt((raw) => {
      raw.seeds = Array.from({ length: 200_000 }, (_, i) => i);
    }),
    /^experiments: \d+ cells of the grid; at most 100000/,
  );
});

test("shards are disjoint and together the grid; cells have different names", () => {
  const cells = cellsOf(smoke());
  const parts = [1, 2, 3, 4, 5].map((i) => shardOf(cells, [i, 5]));
  check.equal(
    parts
      .flat()
      .map(({ id }) => id)
      .sort(),
    cells.map(({ id }) => id).sort(),
  );
  check.is(new Set(cells.map(({ id }) => id)).size, cells.length);
  check.ok(parts.every((part) => Math.abs(part.length - cells.length / 5) < 1));
});

test("a network for each eps1 where an experiment asks for it, but one normal network", () => {
  const raw = stored("smoke.json");
  raw.experiments = { tables: { ...raw.experiments.tables, trainPerEps: true } };
  const ids = cellsOf(readConfig(raw)).map(({ id }) => id);
  check.equal(
    ids.filter((id) => id.endsWith("seed0")),
    ["normal_seed0", "naive_eps0.02_seed0", "naive_eps0.06_seed0", "atex_eps0.02_seed0", "atex_eps0.06_seed0"].map(
      (rest) => `tables_shapes_${rest}`,
    ),
  );
});

test("a recipe says what a network starts from", () => {
  const config = smoke();
  const before = { data: "shapes", seed: 1, scheme: "atex", epochs: 3 } as const;
  const recipe = recipeOf(config, { data: "shapes", seed: 1, scheme: "fgsm", start: before });
  const chain: string[] = [];
  for (let r: Recipe | undefined = recipe; r; r = r.start) chain.push(`${r.scheme.kind} ${r.images} ${r.epochs}`);
  check.equal(chain, ["fgsm 200 1", "atex 200 3", "normal 600 2"]);
});

/** Outcomes of the tables with the differences to be judged. */
function outcomes(gain: (seed: number, eps: number) => number): CellOutcome[] {
  const measured = (scheme: string, seed: number): Measurement[] => [
    { scheme, conditions: {}, metric: "accuracy", value: 0.9, count: 100 },
    ...[0.02, 0.06].flatMap((eps) =>
      ["topK", "spearman"].map((metric) => ({
        ...{ scheme, metric, count: 10 },
        conditions: { objective: "untargeted", explainer: "gradient", eps },
        value: 0.5 + seed / 10 + (scheme === "atex" ? gain(seed, eps) : 0),
      })),
    ),
  ];
  return [0, 1, 2].flatMap((seed) =>
    ["normal", "naive", "atex"].map((scheme) => ({
      cell: { id: `${scheme}${seed}`, experiment: "tables", data: "shapes", scheme, seed } as const,
      measurements: measured(scheme, seed),
    })),
  );
}

test("differences are taken seed by seed, so what the seed does to both cancels", () => {
  const all = quantities(outcomes((seed) => 0.1 + seed / 1000));
  const at = (scheme: string) => select(all, { scheme, metric: "topK", conditions: { eps: 0.02 } })[0];
  check.equal([at("atex").values.size, at("atex").count], [3, 10]);
  check.ok(at("atex").estimate.half > 0.2, "seeds differ much");
  const gain = difference(at("atex"), at("normal"))!;
  check.close([gain.mean, gain.half], [0.101, (4.302652729749462 * 0.001) / Math.sqrt(3)], { rtol: 1e-6 });
});

test("claims hold, fail or stay open by the interval of the difference", () => {
  const verdicts = (gain: (seed: number, eps: number) => number): string[] =>
    claims(smoke(), quantities(outcomes(gain)))
      .slice(0, 4)
      .map(({ verdict }) => verdict);
  const noise = (seed: number): number => seed / 1000;
  check.equal(
    verdicts((seed, eps) => 3 * eps + noise(seed) * eps),
    ["holds", "holds", "holds", "holds"],
  );
  check.equal(verdicts((seed) => -0.1 + noise(seed)).slice(0, 2), ["does not hold", "does not hold"]);
  check.equal(verdicts((seed) => 0.1 * (seed - 1)).slice(0, 2), ["undecided", "undecided"]);
});

test("the claim about time is made against naive schemes with as many samples", () => {
  const timed = (scheme: string, value: number): Measurement => ({
    ...{ scheme, conditions: { batch: 32 }, metric: "ms per step", value, count: 5 },
  });
  const made = (neighbours: number): string[] => {
    const raw = stored("smoke.json");
    raw.schemes.naive.neighbours = neighbours;
    const config = readConfig(raw);
    const [cell] = cellsOf(config).filter(({ experiment }) => experiment === "timing");
    const measurements = [timed("normal", 5), timed("atex", 10), timed("naive", 21)];
    const all = quantities([{ cell, measurements } as CellOutcome]);
    return claims(config, all).flatMap(({ paper, measured }) => (paper.includes("five times") ? [measured] : []));
  };
  check.equal(made(3), []);
  check.equal(made(2), ["2.10 times (ATEX, 10 ms)"]);
});

/** The smallest run of everything. */
function tiny(): ReproduceConfig {
  const raw = stored("smoke.json");
  raw.data.shapes = { ...raw.data.shapes, train: 128, validation: 20, test: 40, epochs: 1 };
  for (const scheme of Object.values(raw.schemes) as Raw[]) Object.assign(scheme, { images: 64, batch: 32 });
  for (const attack of raw.experiments.tables.attacks) Object.assign(attack, { steps: 2, images: 2, batch: 1 });
  Object.assign(raw.experiments.strength, { steps: [1], images: 2 });
  Object.assign(raw.experiments.reference.attacks[0], { steps: 1, images: 2 });
  Object.assign(raw.experiments.reference, { eps: [0.06], control: 1 });
  Object.assign(raw.experiments.checks.attack, { steps: 1, images: 2 });
  Object.assign(raw.experiments.checks.stability, { images: 1, steps: 1, restarts: 1 });
  Object.assign(raw.experiments.smoothing, { rounds: [0, 1], images: 2, samples: 2 });
  Object.assign(raw.experiments.hardening, { rounds: [0] });
  Object.assign(raw.experiments.timing, { schemes: ["normal", "atex"], batch: 16, steps: 1 });
  raw.experiments.explainers.attacks.pop();
  return readConfig(raw);
}

gpuTest(
  "one cell of every kind: numbers in range, weights stored once and used again",
  () =>
    onGpu(async () => {
      const weights = new Map<string, Uint8Array>();
      const trained: string[] = [];
      const split = (count: number, stream: number) => shapesSplit({ count, seed: 0, stream });
      const lab = new Lab({
        config: tiny(),
        openData: async () => ({
          ...{ name: "shapes", domain: { shape: [1, 28, 28], range: PIXEL_RANGE }, classes: SHAPE_CLASSES },
          ...{ train: split(200, 0), test: split(100, 1) },
        }),
        store: {
          load: async (recipe) => weights.get(JSON.stringify(recipe)),
          async save(recipe, bytes) {
            trained.push(recipe.scheme.kind);
            weights.set(JSON.stringify(recipe), bytes);
          },
        },
      });
      const firstOf = new Map(
        cellsOf(lab.config)
          .map((cell) => [`${cell.experiment} ${cell.scheme}`, cell])
          .reverse() as [string, Cell][],
      );
      const done = new Map<string, Outcome>();
      for (const name of [
        "tables atex",
        "explainers normal",
        "strength atex",
        "reference undefined",
        "checks atex",
        "smoothing undefined",
        "hardening undefined",
        "timing undefined",
        "planted normal",
      ])
        done.set(name, await runCell(lab, firstOf.get(name)!));

      const metricsOf = (name: string): string[] => [
        ...new Set(done.get(name)!.measurements.map(({ metric }) => metric)),
      ];
      const wanted = ["accuracy", "topK", "aimed topK", "aimed spearman", "control topK"];
      check.ok(wanted.every((m) => metricsOf("tables atex").includes(m)));
      const objectives = done.get("tables atex")!.measurements.map(({ conditions }) => conditions.objective);
      check.equal(
        [...new Set(objectives)].filter((one) => one !== undefined),
        ["ensemble", "untargeted", "rank", "mass-centre", "ssim", "targeted"],
      );
      check.equal(
        done
          .get("reference undefined")!
          .measurements.flatMap(({ metric, conditions }) => (metric === "topK" ? [conditions.attack] : [])),
        ["untargeted", "authors' settings"],
      );
      check.equal(
        done
          .get("checks atex")!
          .measurements.flatMap(({ metric, conditions }) =>
            metric === "topK" || metric === "local Lipschitz" ? [conditions.check] : [],
          ),
        ["plain", "crafted on normal", "bounded output", "L2", "stability"],
      );
      check.equal(metricsOf("smoothing undefined"), ["spearman", "topK", "cosine", "ssim"]);
      check.equal(metricsOf("hardening undefined"), ["accuracy", "accuracy under FGSM"]);
      check.equal(
        done
          .get("planted normal")!
          .measurements.flatMap(({ metric, conditions }) => (metric === "tested" ? [conditions.row] : [])),
        ["contract", "relevance"],
      );
      for (const [name, { measurements }] of done)
        for (const { metric, value, count } of measurements) {
          const unbounded = /^(ms|worst|local|maps)/.test(metric);
          const distance = metric.endsWith("centre");
          const fits = distance ? value >= 0 : unbounded ? value > 0 : value >= -1 && value <= 1 + 1e-6;
          check.ok(fits && count >= 1, `${name} ${metric}: ${value} of ${count}`);
        }
      // ATEX after no round at all is the normal network, and its maps are compared with themselves.
      const before = done.get("smoothing undefined")!.measurements.find(({ conditions }) => conditions.rounds === 0);
      check.equal(before?.count, 2);
      check.equal(
        trained.filter((kind) => kind === "normal"),
        ["normal", "normal"],
        "the teacher and the reference's network are trained once each",
      );
      const { metadata } = readSafetensors([...weights.values()][0]);
      check.is((JSON.parse(metadata.get("recipe")!) as Recipe).data, "shapes");
    }),
  { timeoutMs: 240_000 },
);
