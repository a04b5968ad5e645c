/** Search without gradients: candidates are mixed, changed and asked about, and what answers best is kept. */

import {
  add,
  callerScope,
  concat,
  dispose,
  gather,
  keep,
  mul,
  openScope,
  random,
  reshape,
  scope,
  sub,
  type Tensor,
  tensor,
  where,
} from "../../../engine/index.js";
import { aCount, aFunction, aNatural, aNumber, required } from "../../../engine/kinds.js";
import { checkedOptions, type KindsOf, requireArguments } from "../../../engine/options.js";
import { drawFrom } from "../../../nn/data/integer-random.js";
import { aStop } from "../../../nn/kinds.js";
import { aNeighbourhood } from "../../attacks/kinds.js";
import { repeated } from "../../copies.js";
import type { FeatureGroups } from "../../explainers/features.js";
import { anyNumbers, someGroups, someSamples } from "../../kinds.js";
import { wholeRows } from "../../lengths.js";
import { intoNeighbourhood, type Neighbourhood } from "../../subject.js";

/** What the owner of a network answers to m = k · n samples, k candidates for each of n: candidate i of a copy belongs to sample i. */
export interface Answer {
  /** What is to be made large, [m]. */
  readonly value: Tensor;
  /** 1 where a candidate may be returned, else 0; [m]. */
  readonly allowed: Tensor;
}

/** Whom the search asks, where candidates may lie, and how they are bred. */
export interface EvolutionOptions {
  /** Asked about candidates [m, ...shape]. */
  readonly ask: (candidates: Tensor) => Answer | Promise<Answer>;
  /** Where candidates lie: the ball around each sample, in its valid range. */
  readonly neighbourhood: Neighbourhood;
  /** What is inherited and changed together: blocks of pixels, features of a table (`groupsOf`). */
  readonly genes: FeatureGroups;
  /** Random points of the neighbourhood of x, from which changed genes are taken; default those of the ball. */
  readonly draw?: (key: Tensor, x: Tensor) => Tensor;
  /** Candidates of each sample that are asked about, the sample itself among them; at least `population` + 1. */
  readonly queries: number;
  /** Candidates of a generation, at least 1. */
  readonly population: number;
  /** Of those that were asked about, how many may be parents: 1 to `population`. */
  readonly parents: number;
  /** Probability in (0, 1] that a gene is changed; default 0.05, at least two genes of a candidate. 1 is random search. */
  readonly mutation?: number;
  /** Of all that is drawn. */
  readonly seed: number;
  /** Told after each generation. */
  readonly onGeneration?: (queries: number) => void;
  /** Once aborted, what was found so far counts. */
  readonly stop?: { readonly aborted: boolean };
}

const EVOLUTION_OPTIONS: KindsOf<EvolutionOptions> = {
  ask: required(aFunction),
  neighbourhood: required(aNeighbourhood),
  genes: required(someGroups),
  draw: aFunction,
  queries: required(aNumber),
  population: required(aNumber),
  parents: required(aNumber),
  mutation: aNumber,
  seed: required(aNatural),
  onGeneration: aFunction,
  stop: aStop,
};

/** What a search by queries found, and how fast. */
export interface Evolution {
  /** The best allowed candidate of each sample; the sample itself where none was better. [n, ...shape] */
  readonly images: Tensor;
  /** Queries for each sample, and the best value of each sample after as many. */
  readonly curve: readonly { readonly queries: number; readonly best: readonly number[] }[];
}

/** Maximises what is answered by a (μ + λ) evolution strategy: after a random generation, children take each gene from one of two parents, some genes are drawn anew or moved a little,
 *  the best of parents and children stay. Candidates that are not allowed never stay. Sources: Kuppa, Le-Khac 2020 (an attack on
 *  explanations by queries alone); Alzantot et al. 2019, sec. 4 (crossover and mutation of images); Beyer, Schwefel 2002 (μ + λ).
 *  @throws RangeError for a budget below one generation, or no parents. */
export async function evolve(x: Tensor, options: EvolutionOptions): Promise<Evolution> {
  requireArguments("evolve", { x: [x, someSamples] });
  checkedOptions("evolve", options, EVOLUTION_OPTIONS);
  const here = callerScope();
  const { ask, genes, queries, population, parents: most, seed, stop } = options;
  const { mutation = Math.min(1, Math.max(2 / genes.count, 0.05)) } = options;
  const whole = [queries, population, most].every((v) => Number.isInteger(v) && v >= 1);
  if (!whole || queries < population + 1 || most > population || !(mutation > 0 && mutation <= 1))
    throw new RangeError(
      `evolve: ${queries} queries, population ${population}, parents ${most}, mutation ${mutation} came; at least one more query than the ` +
        "population, at most as many parents, and a mutation above 0 and at most 1 are needed",
    );
  const n = x.shape[0];
  const chance = drawFrom(seed, 21);
  const keys = random.key(seed);
  const answered = async (candidates: Tensor): Promise<number[]> => {
    const here = callerScope();
    const { value, allowed } = await here.wait(ask(candidates));
    const may = await here.wait(allowed.read());
    return Array.from(await here.wait(value.read()), (v, i) =>
      may[i] && !Number.isNaN(v) ? v : Number.NEGATIVE_INFINITY,
    );
  };
  // Parents lie as candidates do, the best copy first: [k · n, ...].
  let parents = keep(add(x, 0));
  let values = await here.wait(inScope(() => answered(x)));
  const bestOf = (): number[] => values.slice(0, n);
  const curve = [{ queries: 1, best: bestOf() }];
  try {
    for (let asked = 1; asked + population <= queries && !stop?.aborted; asked += population) {
      using _ = here.open("generation");
      const count = parents.shape[0] / n;
      const pick = (): Int32Array =>
        Int32Array.from({ length: population * n }, (_, i) => chance.below(count) * n + (i % n));
      // The first generation is drawn at random as a whole.
      const how = { ...options, mutation: asked === 1 ? 1 : mutation };
      const children = bred(x, parents, [pick(), pick()], random.fold(keys, asked), how);
      const theirs = await here.wait(answered(children));
      const all = [...values, ...theirs];
      const kept = survivors(all, n, most);
      const next = keep(gather(concat([parents, children]), tensor(Int32Array.from(kept), [kept.length])));
      dispose(parents);
      parents = next;
      values = kept.map((i) => all[i]);
      curve.push({ queries: asked + population, best: bestOf() });
      options.onGeneration?.(asked + population);
    }
    const first = Int32Array.from({ length: n }, (_, i) => i);
    return { images: gather(parents, tensor(first, [n])), curve };
  } finally {
    dispose(parents);
  }
}

/** Awaits in a scope of its own. */
async function inScope<T>(body: () => Promise<T>): Promise<T> {
  using here = openScope("asked");
  return await here.wait(body());
}

/** Half of the changed genes are not drawn anew but moved by this share of a draw. */
const NUDGE = 0.2;

type Breeding = Pick<EvolutionOptions, "neighbourhood" | "genes" | "draw" | "population"> & {
  readonly mutation: number;
};

/** Children of pairs of parents, [population · n, ...shape]. */
function bred(
  x: Tensor,
  parents: Tensor,
  pairs: readonly Int32Array[],
  key: Tensor,
  { neighbourhood, genes, draw = neighbourhood.ball.sample, population, mutation }: Breeding,
): Tensor {
  return scope(() => {
    const around = repeated(x, population);
    const m = around.shape[0];
    const [forMixing, forChanging, forGenes, forNudges] = random.split(key, 4);
    const chosen = (k: Tensor, p: number): Tensor =>
      reshape(genes.masks(random.bernoulli(k, [m, genes.count], p), around), around.shape);
    const [a, b] = pairs.map((rows) => gather(parents, tensor(rows, [m])));
    const mixed = where(chosen(forMixing, 0.5), a, b);
    const fresh = draw(forGenes, around);
    const nudged = add(mixed, mul(sub(fresh, around), NUDGE));
    const changed =
      mutation === 1
        ? fresh
        : where(chosen(forChanging, mutation), where(chosen(forNudges, 0.5), nudged, fresh), mixed);
    return intoNeighbourhood(neighbourhood, changed, around);
  }, "breed");
}

/** Places of the `most` largest values of each sample, the largest first: copy after copy. Earlier ones win where values are equal. */
export function survivors(values: readonly number[], n: number, most: number): number[] {
  requireArguments("survivors", { values: [values, anyNumbers], n: [n, aCount], most: [most, aCount] });
  const copies = wholeRows("survivors", "values", values, n);
  const ranked = Array.from({ length: n }, (_, i) =>
    Array.from({ length: copies }, (_, k) => k * n + i).sort((p, q) => values[q] - values[p] || p - q),
  );
  const count = Math.min(most, copies);
  return Array.from({ length: count * n }, (_, j) => ranked[j % n][Math.floor(j / n)]);
}
