/** The published tables, prepared as the papers do. Expected figures were counted in the files by a separate program. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DATASETS, type Dataset, type DatasetName, featureValues, loadDataset, sampleSize } from "../../nn/index.js";
import { inFolder } from "../cli/holdfast.js";
import { check, test, withData } from "../harness.js";

/** All of a data set's rows, as the columns say them. */
function recordsOf({ train, test: held, preparation }: Dataset): Record<string, string | number>[] {
  return [train, held].flatMap(({ shape, samples, labels }) =>
    Array.from(labels, (_, i) => featureValues(preparation!, samples.subarray(i * shape[0], (i + 1) * shape[0]))),
  );
}

const total = (records: readonly Record<string, string | number>[], name: string): number =>
  records.reduce((sum, record) => sum + (record[name] as number), 0);
const share = (records: readonly Record<string, string | number>[], name: string, value: string): number =>
  records.filter((record) => record[name] === value).length;

async function opened(name: DatasetName, file: string): Promise<Dataset> {
  const data = await loadDataset(name, { dataDir: join(withData("tabular", file), "..") });
  const { train, domain, sensitive } = data;
  check.equal(domain.shape, DATASETS[name].shape, "the shape that the table of data sets promises");
  check.is(
    sampleSize(train.shape),
    domain.features?.reduce((sum, { at }) => sum + at.length, 0),
  );
  check.ok(
    domain.features?.some((feature) => feature.name === sensitive),
    `${sensitive} is a feature`,
  );
  check.is(data.name, name);
  // Standardised by this part: mean 0 and deviation 1, or 0 throughout.
  for (const [f, { kind, at }] of domain.features!.entries()) {
    if (kind !== "numeric") continue;
    const values = Array.from(train.labels, (_, i) => train.samples[i * train.shape[0] + at[0]]);
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    const spread = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
    check.close([mean, spread], [0, 1], { atol: 1e-4 }, domain.features![f].name);
  }
  return data;
}

test("COMPAS: ProPublica's 6 172 rows, the label is a high score", async () => {
  const data = await opened("compas", "compas-scores-two-years.csv");
  check.equal([data.train.labels.length, data.test.labels.length], [5555, 617]);
  check.equal(data.classes, ["high", "not high"]);
  check.is([...data.train.labels, ...data.test.labels].filter((label) => label === 0).length, 1144);
  const records = recordsOf(data);
  check.equal(Object.keys(records[0]).sort(), [
    "age",
    "c_charge_degree",
    "length_of_stay",
    "priors_count",
    "race",
    "sex",
    "two_year_recid",
  ]);
  check.equal([share(records, "race", "African-American"), share(records, "sex", "Male")], [3175, 4997]);
  check.close(
    ["age", "priors_count", "length_of_stay"].map((name) => total(records, name)),
    [213_147, 20_037, 90_252],
    { rtol: 1e-5 },
  );
});

test("German credit: 28 features, gender among them", async () => {
  const data = await opened("german-credit", "german_processed.csv");
  check.equal([data.train.labels.length, data.test.labels.length, ...data.classes], [900, 100, "bad", "good"]);
  const records = recordsOf(data);
  check.is([...data.train.labels, ...data.test.labels].filter((label) => label === 1).length, 700);
  check.close([total(records, "LoanAmount")], [3_271_258], { rtol: 1e-5 });
  check.is(share(records, "Gender", "Male"), 690);
});

test("Communities and Crime: 1 994 communities, half of them above the median", async () => {
  const data = await opened("communities-crime", "communities_and_crime_new_version.csv");
  check.equal([data.train.labels.length + data.test.labels.length, ...data.classes], [1994, "high", "low"]);
  check.is([...data.train.labels, ...data.test.labels].filter((label) => label === 0).length, 997);
});

test("Adult: the files' own parts, 30 162 and 15 060 rows without unknown values", async () => {
  const data = await opened("adult", "adult.data");
  check.equal([data.train.labels.length, data.test.labels.length], [30_162, 15_060]);
  const rich = (labels: ArrayLike<number>): number => Array.from(labels).filter((label) => label === 1).length;
  check.equal([rich(data.train.labels), rich(data.test.labels)], [7508, 3700]);
});

test("a file that is not the published one is refused, and one that is missing says where it can be had", () =>
  inFolder(async (folder) => {
    const load = (name: DatasetName) => () => loadDataset(name, { dataDir: folder });
    await check.rejects(
      load("compas"),
      /^compas: no compas-scores-two-years\.csv in .*; put it there, from github\.com\/propublica/,
    );
    await check.rejects(load("cifar-10"), /no data_batch_1\.bin in .*; put it there, from www\.cs\.toronto\.edu/);
    const header =
      "age,two_year_recid,c_charge_degree,race,sex,priors_count,c_jail_in,c_jail_out,days_b_screening_arrest,is_recid";
    writeFileSync(join(folder, "compas-scores-two-years.csv"), `${header}\n${"1,".repeat(9)}1\n`);
    await check.rejects(
      load("compas"),
      /^compas-scores-two-years\.csv: the file has no column "score_text"; fetch it again$/,
    );
    writeFileSync(join(folder, "compas-scores-two-years.csv"), `${header},score_text\n${"1,".repeat(10)}1\n`);
    await check.rejects(load("compas"), /^compas: the columns of .* that are read have sha256 [0-9a-f]{64}; 71da937d/);
    mkdirSync(join(folder, "tabular"));
    writeFileSync(join(folder, "tabular/adult.data"), "39, Private");
    await check.rejects(
      load("adult"),
      /^adult: .*tabular.adult\.data has 11 bytes; 3974305 are needed; replace the file$/,
    );
  }));
