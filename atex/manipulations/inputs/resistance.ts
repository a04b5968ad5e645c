/** How well each of several explainers resists an attack on it, and random noise of the same size. */
import { argmax, callerScope, equal, scope, type Tensor } from "../../../engine/index.js";
import type { PictureRows } from "../../experiments/cells.js";
import { importanceMap } from "../../judge.js";
import { attributionsOf } from "../explaining.js";
import type { ManipulationWorld, Measured, Pair, Statistic } from "../manipulation.js";
import { finiteMean, fooledShare } from "../study.js";

/** One explainer with what an attack on it made of the samples, and the control. */
export interface AttackedPairs {
  readonly explainer: string;
  readonly attacked: Pair;
  readonly control: Pair;
}

export interface PairMaps {
  readonly clean: Tensor;
  readonly attacked: Tensor;
  readonly control: Tensor;
}

/** Attributions by each attacked explainer, for the classes i32 [n]: judged as the world explains, whatever the attack went through. */
export async function mapsOfPairs(
  pairs: readonly AttackedPairs[],
  world: ManipulationWorld,
  classes: Tensor,
): Promise<PairMaps[]> {
  const here = callerScope();
  const maps: PairMaps[] = [];
  for (const { explainer, attacked, control } of pairs) {
    const of = (side: Pair["clean"]): Promise<Tensor> => attributionsOf(world.explainer, explainer, side, classes);
    maps.push({
      clean: await here.wait(of(attacked.clean)),
      attacked: await here.wait(of(attacked.manipulated)),
      control: await here.wait(of(control.manipulated)),
    });
  }
  return maps;
}

/** The fooling success rate and the mean statistic of each explainer under an attack on itself, and under the control. */
export async function resistance(
  pairs: readonly AttackedPairs[],
  maps: readonly PairMaps[],
  statistic: Statistic,
): Promise<Measured[]> {
  const here = callerScope();
  const found: Measured[] = [];
  for (const [i, { explainer, attacked, control }] of pairs.entries())
    for (const [way, pair, manipulated] of [
      ["when attacked", attacked, maps[i].attacked],
      ["under random signs", control, maps[i].control],
    ] as const) {
      const values = Array.from(
        await here.wait(
          statistic.of({
            ...{ explainer, pair, clean: maps[i].clean, manipulated },
            attributions: () => Promise.reject(new Error("internal: statistics of attacks on inputs know two maps")),
          }),
        ),
      );
      const kept = await here.wait(keptOf(pair));
      const of = { count: values.length, conditions: { explainer } };
      found.push(
        { ...of, metric: `fooled ${way}`, value: fooledShare(kept, values, statistic.interval).value },
        { ...of, metric: `${statistic.name} ${way}`, value: finiteMean(values).value },
      );
    }
  return found;
}

async function keptOf({ clean, manipulated }: Pair): Promise<boolean[]> {
  const same = scope(() =>
    equal(argmax(manipulated.classifier(manipulated.x), 1), argmax(clean.classifier(clean.x), 1)),
  );
  return Array.from(await same.read(), Boolean);
}

/** The first sample under each explainer: as it was, attacked, and under random signs, with the maps. */
export async function resistancePictures(
  pairs: readonly AttackedPairs[],
  maps: readonly PairMaps[],
  { domain }: ManipulationWorld,
): Promise<PictureRows> {
  const [channels, height, width] = domain.shape;
  const rows = await Promise.all(
    pairs.map(async ({ explainer, attacked, control }, i) => {
      const of = [
        ...[attacked.clean.x, importanceMap(maps[i].clean)],
        ...[attacked.manipulated.x, importanceMap(maps[i].attacked)],
        ...[control.manipulated.x, importanceMap(maps[i].control)],
      ];
      return { label: explainer, cells: await Promise.all(of.map(firstSample)) };
    }),
  );
  return {
    ...{ name: "explainers under attack", size: { channels, height, width }, rows },
    titles: ["input", "its explanation", "attacked", "its explanation", "random signs", "its explanation"],
    columns: ["image", "map", "image", "map", "image", "map"],
  };
}

/** Four significant digits: enough for colours. */
export async function firstSample(all: Tensor): Promise<number[]> {
  const here = callerScope();
  const values = await here.wait(all.read());
  return Array.from(values.subarray(0, all.size / all.shape[0]), (v) => Number(v.toPrecision(4)));
}
