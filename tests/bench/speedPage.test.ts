/** The numbers of docs/speed.md are those of the saved reports. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dotPlot, linePanels, logTicks } from "../../bench/chart.js";
import type { Report, Row } from "../../bench/report.js";
import { explainScale } from "../../bench/scale.js";
import {
  filesOf,
  formatSection,
  SPEED_PAGE,
  savedReports,
  withSection,
  writeSpeedPage,
} from "../../bench/speedPage.js";
import { check, root, test } from "../harness.js";

const place = "Before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nAfter\n";

function row(system: string, name: string, medianMs: number, more: Partial<Row> = {}): Row {
  return {
    case: name,
    system,
    wait: "nap",
    medianMs,
    minMs: medianMs,
    workerCpuMs: 2 * medianMs,
    checked: true,
    ...more,
  };
}

function reportOf(...results: Row[]): Report {
  return {
    adapter: { device: "a", description: "An adapter" },
    versions: { holdfast: "1.2.3" },
    made: { commit: "abc", date: "2026-01-02", processors: 2, load: 0.25 },
    results,
  };
}

const peers = reportOf(
  row("holdfast", "train-step", 100),
  row("holdfast", "train-step", 125, { wait: "spin" }),
  row("tfjs", "train-step", 1200),
  row("torch-cpu", "train-step", 50, { wait: "none" }),
  row("holdfast", "conv1", 8),
  row("tfjs", "conv1", 4, { checked: false }),
);

test("the page says what the saved reports say, and so do its plots", () => {
  const reports = savedReports(root);
  const page = readFileSync(join(root, SPEED_PAGE), "utf8");
  check.is(withSection(page, reports), page, "run `npm run bench -- page`");
  for (const [path, svg] of Object.entries(filesOf(reports)))
    check.is(existsSync(join(root, path)) && readFileSync(join(root, path), "utf8"), svg, path);
});

test("without a saved report the section says so", () => {
  check.match(withSection(place, {}), /Before\n<!-- bench:begin -->\nNo measurement has been saved yet/);
});

test("each system stands with its better way of waiting, as a multiple of Holdfast's", () => {
  const section = formatSection({ peers });
  check.match(section, /An adapter, 2 processors on 2026-01-02 at commit abc, load 0\.25 \(holdfast 1\.2\.3\)/);
  check.match(section, "| `train-step` | 100 | 1200 (12×) | 50 (0.5×) |");
  check.match(section, "| `train-step` | 200 | 2400 (12×) | 100 (0.5×) |");
  check.match(section, "| `conv1` | 8 | wrong | - |");
});

test("networks stand with what a system cannot do, what was wrong and where there were fewer runs", () => {
  const networks = {
    ...reportOf(
      row("holdfast", "resnet18-224", 100),
      row("tfjs", "resnet18-224", 1500, { note: "1 of 3 runs, of 70 s each" }),
      row("jax-js", "resnet18-224", 700, {
        checked: false,
        disagreement: { relativeError: 2, where: "y norm", got: 3, truth: 1 },
      }),
    ),
    leftOut: ["lrp in jax-js: no such explainer"],
  };
  const section = formatSection({ networks });
  check.match(section, "| `resnet18-224` | 100 | 1500 (15×) | wrong |");
  check.match(section, "What a system cannot do:\n- lrp in jax-js: no such explainer");
  check.match(section, "- `resnet18-224` in jax-js: y norm is 3, float64 gives 1");
  check.match(section, "Fewer runs:\n- `resnet18-224` in tfjs: 1 of 3 runs, of 70 s each");
});

test("the section and the plots are written into a checkout, and again only change with the reports", () => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-readme-"));
  try {
    mkdirSync(join(folder, "bench/results"), { recursive: true });
    mkdirSync(join(folder, "docs"));
    writeFileSync(join(folder, SPEED_PAGE), place);
    writeFileSync(join(folder, "bench/results/peers.json"), JSON.stringify(peers));
    check.equal(writeSpeedPage(folder), [SPEED_PAGE, "bench/results/peers.svg"]);
    const written = readFileSync(join(folder, SPEED_PAGE), "utf8");
    check.match(written, /^Before\n/);
    check.match(written, /\nAfter\n$/);
    check.ok(!written.includes("\nold\n"));
    writeSpeedPage(folder);
    check.is(readFileSync(join(folder, SPEED_PAGE), "utf8"), written);
    writeFileSync(join(folder, "bench/results/peers.json"), JSON.stringify(reportOf(row("holdfast", "conv1", 9))));
    check.ok(withSection(written, savedReports(folder)) !== written);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a page without a place for the section is refused", () => {
  check.throws(() => withSection("text", {}), /docs\/speed\.md: no section came ; the lines <!-- bench:begin -->/);
});

test("steps of ATEX stand as multiples of atex-step, the curves as a plot", () => {
  const atex = reportOf(row("holdfast", "atex-step", 200), row("holdfast", "naive-step", 500));
  check.match(formatSection({ atex }), "| `naive-step` | 500 | 1000 | 2.5 |");
  const scale = reportOf(
    row("holdfast", "train-step batch 4, side 28", 8),
    row("holdfast", "train-step batch 16, side 28", 16),
  );
  const svg = filesOf({ scale })["bench/results/scale.svg"];
  check.match(svg, />ms per image</);
  check.is(svg.match(/<polyline/g)?.length, 2);
});

test("the curves are put into words: where they are flat, what large batches and sides cost, what does not fit", () => {
  const at = (batch: number, side: number, perImage: number) =>
    row("holdfast", `train-step batch ${batch}, side ${side}`, perImage * batch);
  const curves = reportOf(at(1, 28, 10), at(16, 28, 2.4), at(64, 28, 2), at(256, 28, 3), at(16, 56, 19.2));
  const [words, left] = explainScale({ ...curves, leftOut: ["train-step batch 1024, side 28: too large"] });
  check.match(
    words,
    "an image costs 10 ms at batch 1 and least at batch 64, 2 ms; batch 16 is the first within 25 % of that, and ",
  );
  check.match(
    words,
    "at batch 256 it is 1.5 times the least. A pixel costs, as a multiple of one at side 28 (batch 16): 2 at side 56.",
  );
  check.is(left, "Left out, because this adapter cannot hold them: train-step batch 1024, side 28.");
  check.match(formatSection({ scale: curves }), words);
});

test("logarithmic axes reach around their values", () => {
  check.equal(logTicks(1, 12), [1, 2, 5, 10, 20]);
  check.equal(logTicks(0.3, 0.4), [0.2, 0.5]);
  check.equal(logTicks(2, 2), [2, 5]);
  check.equal(logTicks(0.5, 3000), [0.1, 1, 10, 100, 1000, 10000]);
});

test("plots are whole SVG documents whose numbers are finite and whose text is escaped", () => {
  const dots = dotPlot("a < b", "times", ["x", "y"], [{ name: "p", values: { x: 1, y: 30 } }]);
  const lines = linePanels("a < b", [
    {
      x: "n",
      y: "ms",
      lines: [
        {
          name: "one",
          points: [
            { x: 1, y: 3 },
            { x: 4096, y: 0.01 },
          ],
        },
      ],
    },
    { x: "empty", y: "ms", lines: [] },
  ]);
  for (const svg of [dots, lines]) {
    check.match(svg, /^<svg xmlns=.*<\/svg>\n$/s);
    check.match(svg, "a &lt; b");
    check.ok(!/NaN|Infinity|undefined/.test(svg));
  }
  check.is(dots.match(/<path d="M-4/g)?.length, 4);
});
