/** Adversarial training: predictions at the worst inputs of a ball, by one step (FGSM) or several (PGD). */

import { aCount, aNumberOfAtLeast0, aShare } from "../../engine/kinds.js";
import { checkedOptions, type KindsOf } from "../../engine/options.js";
import { crossEntropy, type FeatureRange } from "../../nn/index.js";
import { aRange } from "../../nn/kinds.js";
import { count, share, size } from "../../nn/schema.js";
import { linf } from "../balls.js";
import { type Defence, type DefenceInfo, joined, weighted } from "./defence.js";
import { defenceEntry, implied } from "./entry.js";
import { lastOfAscent } from "./neighbours.js";

/** Training at the worst inputs of an L-inf ball around each sample, in units of the inputs. */
export interface AdversarialOptions {
  /** L-inf radius; default 0.1, as in the paper's figure 5. */
  readonly radius?: number;
  /** Share of the clean samples in the loss; default 0.5 with `fgsm`, 0 with `pgd`. */
  readonly clean?: number;
  /** Valid values; default 0 to 1 for images [n,c,h,w], none otherwise. */
  readonly range?: FeatureRange;
}

const ADVERSARIAL_OPTIONS: KindsOf<AdversarialOptions> = {
  radius: aNumberOfAtLeast0,
  clean: aShare,
  range: aRange,
};

const FGSM = { name: "FGSM", source: "Goodfellow et al. 2015, sec. 6" };
const PGD = { name: "PGD", source: "Madry et al. 2018, eq. 2.1" };

/** Adversarial training with one signed step of the whole radius. */
export function fgsm(options: AdversarialOptions = {}): Defence {
  const { radius = 0.1, clean = 0.5, range } = checkedOptions("fgsm", options, ADVERSARIAL_OPTIONS);
  return adversarial(FGSM, { radius, clean, range, steps: 1, stepSize: radius, randomStart: false });
}

/** Training at inputs that several steps find, from a random start in the ball. */
export interface PgdOptions extends AdversarialOptions {
  /** Default 7 steps of 2.5 radius / steps each, from a random start. */
  readonly steps?: number;
  readonly stepSize?: number;
}

const PGD_OPTIONS: KindsOf<PgdOptions> = {
  steps: aCount,
  stepSize: aNumberOfAtLeast0,
  radius: aNumberOfAtLeast0,
  clean: aShare,
  range: aRange,
};

/** Adversarial training with projected ascent from a random start. */
export function pgd(options: PgdOptions = {}): Defence {
  checkedOptions("pgd", options, PGD_OPTIONS);
  const { radius = 0.1, clean = 0, range, steps = 7, stepSize = (2.5 * radius) / steps } = options;
  return adversarial(PGD, { radius, clean, range, steps, stepSize, randomStart: true });
}

interface Ascending extends Required<Omit<PgdOptions, "range">>, Pick<PgdOptions, "range"> {
  readonly randomStart: boolean;
}

function adversarial(info: DefenceInfo, options: Ascending): Defence {
  const { radius, clean, range, steps, stepSize, randomStart } = options;
  return {
    ...info,
    formula: "a CE(g(x), y) + (1 − a) max CE(g(x'), y) over ‖x' − x‖∞ ≤ ε",
    loss(g, { x, y, key }) {
      const start = randomStart ? key : undefined;
      const worst = lastOfAscent((z) => crossEntropy(g(z), y), x, {
        ball: linf(radius),
        range,
        steps,
        stepSize,
        start,
      });
      const { all, apart } = joined([x, worst]);
      const [logits, attacked] = apart(g(all));
      const loss = weighted([clean, () => crossEntropy(logits, y)], [1 - clean, () => crossEntropy(attacked, y)]);
      return [loss, logits];
    },
  };
}

const radius = implied(size, 0.1, "L-inf radius, in units of the inputs");
const clean = (value: number) => implied(share, value, "share of the clean samples in the loss, 0 to 1");
const reach = ({ radius = 0.1 }) => ({ most: radius, of: "largest element" }) as const;

export const fgsmEntry = defenceEntry({
  name: "fgsm",
  info: FGSM,
  order: 1,
  needs: ["labels"],
  reach,
  options: { radius, clean: clean(0.5) },
  presets: { fgsm: { title: "FGSM training", settings: (eps) => ({ radius: eps }) } },
  make: ({ radius, clean }, { range }) => fgsm({ radius, clean, range }),
});

export const pgdEntry = defenceEntry({
  name: "pgd",
  info: PGD,
  order: 1,
  needs: ["labels"],
  reach,
  options: { radius, clean: clean(0), steps: implied(count, 7, "steps of 2.5 radii in all, from a random start") },
  presets: { pgd: { title: "PGD training", settings: (eps) => ({ radius: eps }) } },
  make: ({ radius, clean, steps }, { range }) => pgd({ radius, clean, steps, range }),
});
