/** Section 5.2: the time of one training step, scheme by scheme, on one batch size. */
import {
  callerScope,
  capture,
  dispose,
  keep,
  random,
  scope,
  type Tensor,
  type Tree,
  tensor,
  valueAuxAndGrad,
} from "../../../engine/index.js";
import { type Optimiser, partOf, pickSamples, type ResidentData, residentData } from "../../../nn/index.js";
import { count } from "../../../nn/schema.js";
import { batchLoss, type Defence, defenceEntryOf, makeDefence, optimiserOf } from "../../defences/index.js";
import type { Quantity } from "../aggregate.js";
import type { Cell, Measurement, Outcome } from "../cells.js";
import type { ReproduceConfig, SchemeConfig } from "../config.js";
import { type Experiment, experimentKind, type Findings, together } from "../kind.js";
import type { Lab, TrainedNetwork } from "../lab.js";
import { names } from "../settings.js";
import { formatted, perData, type TableData } from "../tables.js";
import type { Claim } from "../verdicts.js";

const settings = { schemes: names, batch: count, steps: count };
type Settings = Experiment<typeof settings>;

const WARM_UPS = 2;

/** Median milliseconds per step; every step is waited for, and the schemes take turns, so that a slow spell of the machine meets all. */
async function run(lab: Lab, { data, seed }: Cell, experiment: Settings): Promise<Outcome> {
  const here = callerScope();
  const { batch, steps, schemes } = experiment;
  const { train, plan } = await here.wait(lab.data(data));
  using _ = here.open("timing");
  using teacher = await here.wait(lab.network({ data, seed, scheme: "normal" }));
  const images = residentData(partOf(train, 0, batch));
  const given = { eps: plan.trainEps!, teacher: teacher.classifier };
  const timed: { scheme: string; step: TimedStep; kept: Disposable | undefined; times: number[] }[] = [];
  try {
    for (const scheme of schemes) {
      const config = lab.config.schemes[scheme];
      const entry = defenceEntryOf(config.kind);
      const kept = await here.wait(entry.prepare?.(config, { ...given, data: images, key: random.key(seed) }));
      const student = await here.wait(lab.network({ data, seed, scheme: "normal" }));
      const step = timedStep(
        makeDefence(entry, config, { ...given, prepared: kept }),
        student,
        images,
        optimiserOf(entry, config.learningRate),
      );
      timed.push({ scheme, step, kept, times: [] });
    }
    lab.say(`timing ${schemes.map((scheme) => lab.config.schemes[scheme].title).join(", ")}`);
    for (let round = -WARM_UPS; round < steps; round++)
      for (const { step, times } of timed) {
        const ms = await here.wait(step.run(random.key(round + WARM_UPS)));
        if (round >= 0) times.push(ms);
      }
  } finally {
    for (const { step, kept } of timed) {
      step[Symbol.dispose]();
      kept?.[Symbol.dispose]();
    }
    dispose([images.words, images.labels]);
  }
  return {
    measurements: timed.map(
      ({ scheme, times }): Measurement => ({
        ...{ scheme, conditions: { batch }, metric: "ms per step" },
        ...{ value: median(times), count: times.length },
      }),
    ),
  };
}

interface TimedStep extends Disposable {
  /** Trains on the whole batch. Returns milliseconds. */
  run(key: Tensor): Promise<number>;
}

/** The student is given up to it. */
function timedStep(
  defence: Defence,
  { model, params: first }: TrainedNetwork,
  images: ResidentData,
  optimiser: Optimiser,
): TimedStep {
  const loss = batchLoss(defence);
  // An argument, as in training: what hangs on constants alone, the teacher's passes among it, is computed once for all steps.
  const indices = tensor(Int32Array.from({ length: images.count }, (_, i) => i));
  const step = capture(
    (params: Tree, state: Tree, key: Tensor, batch: Tensor): readonly [Tree, Tree, Tensor] => {
      const { x, y } = pickSamples(images, batch);
      const context = { training: true, key, indices: batch };
      const [value, , gradients] = valueAuxAndGrad((p: Tree) => loss(model, p, x, y, context))(params);
      return [...optimiser.update(params, gradients, state), value];
    },
    { donate: [0, 1] },
  );
  let params = first;
  let state = scope(() => optimiser.init(first));
  return {
    async run(key) {
      const here = callerScope();
      const began = performance.now();
      const [nextParams, nextState, value] = step(params, state, key, indices);
      await here.wait(value.item());
      const ms = performance.now() - began;
      [params, state] = keep([nextParams, nextState]);
      value.dispose();
      return ms;
    },
    [Symbol.dispose]() {
      step.dispose();
      dispose([params, state]);
    },
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

function tableOf(data: string, all: readonly Quantity[], config: ReproduceConfig, e: Settings): TableData {
  return {
    title: `${data}: time of a training step`,
    header: ["", "ms per step"],
    rows: all.map((q) => [config.schemes[q.scheme].title, formatted(q, 1)]),
    caption: `Median of ${e.steps} steps, batch ${e.batch}, each waited for; the clock of a machine that may have other work.`,
  };
}

/** From here on we call it about five times. */
const ABOUT_FIVE = 4.5;

/** Every way of ATEX against each naive scheme that takes as many samples of an image. */
function claims({ config: { schemes }, all }: Findings): Claim[] {
  return all.flatMap((q): Claim[] => {
    const naive = schemes[q.scheme];
    if (naive.kind !== "naive") return [];
    const rivals = all.filter(
      ({ data, scheme }) =>
        data === q.data && schemes[scheme].kind === "atex" && samplesOf(schemes[scheme]) === samplesOf(naive),
    );
    if (rivals.length === 0) return [];
    const slow = q.estimate.mean;
    const timed = rivals.map(({ scheme, estimate: { mean } }) => ({
      text: `${(slow / mean).toFixed(2)} times (${schemes[scheme].title}, ${mean.toFixed(0)} ms)`,
      holds: slow >= ABOUT_FIVE * mean,
    }));
    return [
      {
        paper:
          "a training step of ATEX is about five times as fast as one of the naive scheme (sec. 5.2, on the authors' machine), " +
          `here: ${naive.title}, ${slow.toFixed(0)} ms`,
        verdict: timed.some(({ holds }) => holds) ? "holds" : "does not hold",
        measured: timed.map(({ text }) => text).join("; "),
      },
    ];
  });
}

/** Points around an image that a step looks at. */
function samplesOf(scheme: SchemeConfig): number | undefined {
  return defenceEntryOf(scheme.kind).samples?.(scheme);
}

export const timing = experimentKind({
  kind: "timing",
  settings,
  words: "Section 5.2 of the paper: one network, one batch, one adapter.",
  alone: true,
  schemes: ({ schemes }) => schemes,
  cells: together,
  run,
  tables: (findings) =>
    perData(findings).map(([data, all]) => tableOf(data, all, findings.config, findings.experiment)),
  claims,
});
