/** A logistic model on a table, and why it decides as it does. One learns: a data set from CSV, training, new rows prepared like the
 *  old ones, and an explanation of one decision, column by column. */
import { argmax, init, random, scope, shutdown, type Tensor, tensor } from "holdfast";
import { classScore, integratedGradients } from "holdfast/atex";
import {
  adam,
  dense,
  evaluate,
  initialState,
  openTable,
  prepareRow,
  residentData,
  sequential,
  train,
} from "holdfast/nn";

await init();
// Any CSV will do: numbers are standardised, words become one column for each value.
const cities = ["Rome", "Oslo", "Lima"];
const rows = Array.from({ length: 300 }, (_, i) => {
  const [income, debt, city] = [(37 * i) % 100, (59 * i) % 80, cities[i % 3]];
  return `${income},${debt},${city},${income - debt + (city === "Oslo" ? 20 : 0) > 15 ? "yes" : "no"}`;
});
const data = openTable(["income,debt,city,repaid", ...rows].join("\n"), { target: "repaid" });
const { domain, preparation, classes } = data;

const model = sequential([dense(2)]);
const optimiser = adam({ lr: 0.1 });
const start = initialState(
  scope(() => model.init(random.key(0), domain.shape).params),
  optimiser,
);
const trained = await train(model, start, residentData(data.train), { optimiser, epochs: 15, batchSize: 40 });
console.log("accuracy", await evaluate(model, trained.params, residentData(data.test)));

// What does the decision about a new row rest on? The sum of all shares is its score above that of an average row.
const classifier = (x: Tensor): Tensor => model.apply(trained.params, x);
const x = tensor([...prepareRow(preparation!, { income: 80, debt: 30, city: "Oslo" })], [1, ...domain.shape]);
const decided = argmax(classifier(x), 1);
const shares = await integratedGradients({ steps: 8 })(classScore(classifier, decided), x).read();
console.log("repaid:", classes[await decided.item()]);
for (const { name, at } of domain.features!) console.log(name, at.reduce((sum, i) => sum + shares[i], 0).toFixed(2));
shutdown();
