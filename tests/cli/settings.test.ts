/** Options of commands as the schemas behind them read them. */
import { settingsFrom } from "../../cli/settings.js";
import { count, list, number, setting, text } from "../../nn/schema.js";
import { check, test } from "../harness.js";

const entry = {
  name: "sample",
  options: {
    hidden: setting(list(count), [64, 64], "units of layers"),
    shares: setting(list(number({ min: 0, max: 1 })), [0.1], "parts"),
    names: setting(list(text), undefined, "words"),
  },
};

test("lists are given with commas, and their items checked", () => {
  check.equal(settingsFrom(entry, [entry], { hidden: "8, 16", shares: "0.5", names: "age,debts" }), {
    ...{ hidden: [8, 16], shares: [0.5], names: ["age", "debts"] },
  });
  check.equal(settingsFrom(entry, [entry], {}).hidden, [64, 64]);
  check.throws(() => settingsFrom(entry, [entry], { hidden: "8,x" }), /--hidden\[1\]: "x" came; a whole number/);
});
