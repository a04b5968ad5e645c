/** The page of sizes says what was measured. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type SizeRow, sizesPage } from "../../bench/sizes.js";
import { check, root, test } from "../harness.js";

const row = (program: string, system: string, bytes: number, gzip: number): SizeRow => ({
  ...{ program, system, bytes, gzip },
});
const own = ["gradient", "train", "attack", "explanation"].map((program, i) =>
  row(program, "holdfast", 10_000, 2000 + i),
);

test("a row has each system's bytes, and how many times Holdfast's they are", () => {
  const page = sizesPage([...own, row("gradient", "tfjs", 80_049, 5000)], { peer: "1.2.3" });
  check.match(page, "| `gradient`: the derivative of x³ | 10.0 / 2.0 | 80.0 / 5.0, 2.5× | – |");
  check.match(page, "peer 1.2.3");
});

test("a program that was not bundled for Holdfast is an error", () => {
  check.throws(() => sizesPage(own.slice(1), {}), /sizes: no row of Holdfast for gradient/);
});

test("every system has every program that the page compares, and the saved page has them", () => {
  const files = readdirSync(join(root, "bench/peers/programs"));
  const saved = readFileSync(join(root, "bench/results/sizes.md"), "utf8");
  for (const program of ["gradient", "train", "attack"]) {
    for (const system of ["holdfast", "tfjs", "jaxjs"])
      check.ok(files.includes(`${program}.${system}.mjs`), `${program} in ${system}`);
    check.match(saved, new RegExp(`\\| \`${program}\`: .*( [\\d.]+ / [\\d.]+[^|]*\\|){3}`));
  }
});
