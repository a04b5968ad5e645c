/** What fairwashing is measured by, beside what all manipulations are: plain and projected maps of teacher and student. */
import { argmax, callerScope, mean, scope, softmax, square, sub, type Tensor } from "../../../engine/index.js";
import { type Split, sampleSize, sampleTensor } from "../../../nn/index.js";
import type { PictureRows } from "../../experiments/cells.js";
import { rounded, sampleOf } from "../../experiments/measuring.js";
import { mean as meanOf } from "../../experiments/statistics.js";
import { importanceMap } from "../../judge.js";
import { rows } from "../../metrics/metric.js";
import { spearman } from "../../metrics/similarities.js";
import type { Classifier } from "../../score.js";
import { randomBasis, tangentAttributions } from "../detectors/tangent.js";
import { attributionsOf } from "../explaining.js";
import type { ManipulationWorld, Measured } from "../manipulation.js";
import { finiteMean } from "../study.js";

export interface WashedNetworks {
  readonly teacher: Classifier;
  readonly student: Classifier;
}

type Name = keyof WashedNetworks;
const NETWORKS: readonly Name[] = ["teacher", "student"];
/** As they are; projected on the tangent space; projected on random directions. */
const KINDS = ["plain", "tangent", "random"] as const;
type MapKind = (typeof KINDS)[number];

/** What of a map the washing is about, one value for each sample. */
export interface Seen {
  readonly metric: string;
  of(x: Tensor, attribution: Tensor): Promise<ArrayLike<number>>;
}

export interface WashedMaps {
  /** Attributions [n, ...] of the class that each network predicts. */
  readonly of: Readonly<Record<Name, Readonly<Record<MapKind, Tensor>>>>;
  measured(seen: Seen): Promise<Measured[]>;
}

/** Plain and projected maps of both networks at x. */
export async function mapsOf(
  networks: WashedNetworks,
  x: Tensor,
  world: ManipulationWorld,
  explainer: string,
): Promise<WashedMaps> {
  const here = callerScope();
  const random = randomBasis(sampleSize(world.domain.shape), world.seed);
  const found = {} as Record<Name, Record<MapKind, Tensor>>;
  for (const network of NETWORKS) {
    world.say(`projected maps of the ${network}`);
    const side = { classifier: networks[network], x };
    const classes = scope(() => argmax(side.classifier(x), 1));
    const context = { world, explainer, classes };
    found[network] = {
      plain: await here.wait(attributionsOf(world.explainer, explainer, side, classes)),
      tangent: await here.wait(tangentAttributions(side, context)),
      random: await here.wait(tangentAttributions(side, context, random)),
    };
  }
  const alike = async (a: Tensor, b: Tensor): Promise<Pick<Measured, "value" | "count">> => {
    const [p, q] = scope(() => [rows(importanceMap(a)), rows(importanceMap(b))]);
    return finiteMean(await scope(() => spearman(p, q)).read());
  };
  return {
    of: found,
    async measured(seen) {
      const here = callerScope();
      const all: Measured[] = [];
      for (const map of KINDS) {
        for (const network of NETWORKS) {
          const values = await here.wait(seen.of(x, found[network][map]));
          all.push({ metric: seen.metric, ...finiteMean(values), conditions: { network, map } });
        }
        const both = await here.wait(alike(found.teacher[map], found.student[map]));
        all.push({ metric: "Spearman of teacher's and student's maps", ...both, conditions: { map } });
      }
      for (const network of NETWORKS) {
        const both = await here.wait(alike(found[network].plain, found[network].tangent));
        all.push({ metric: "Spearman of plain and tangent maps", ...both, conditions: { network } });
      }
      return all.filter(({ value }) => Number.isFinite(value));
    },
  };
}

/** How far the student's answers are from the teacher's, on a whole split. */
export async function washedAnswers({ teacher, student }: WashedNetworks, test: Split): Promise<Measured[]> {
  const here = callerScope();
  const count = test.labels.length;
  const [errors, mismatches, right] = [[0], [0], [0]].map(() => [] as number[]);
  const CHUNK = 500;
  for (let from = 0; from < count; from += CHUNK) {
    const indices = Array.from({ length: Math.min(CHUNK, count - from) }, (_, i) => from + i);
    const [error, own, other] = scope(() => {
      const x = sampleTensor(test, indices);
      const [p, q] = [softmax(teacher(x)), softmax(student(x))];
      return [mean(square(sub(p, q)), 1), argmax(p, 1), argmax(q, 1)];
    });
    const [e, a, b] = [await here.wait(error.read()), await here.wait(own.read()), await here.wait(other.read())];
    errors.push(...e);
    for (const [i, index] of indices.entries()) {
      mismatches.push(Number(a[i] !== b[i]));
      right.push(Number(a[i] === test.labels[index]) - Number(b[i] === test.labels[index]));
    }
  }
  return [
    { metric: "accuracy lost", value: right.reduce((sum, v) => sum + v, 0) / count, count },
    { metric: "prediction mismatch", value: meanOf(mismatches), count },
    { metric: "MSE of probabilities", value: meanOf(errors), count },
  ];
}

/** Rows that are shown. */
const SHOWN = 4;

/** Image, plain maps of teacher and student, tangent maps of both. Nothing of tables. */
export async function washedPictures(
  { of: { teacher, student } }: WashedMaps,
  x: Tensor,
  { domain, classes, test, samples }: ManipulationWorld,
): Promise<PictureRows[]> {
  const here = callerScope();
  if (domain.shape.length !== 3) return [];
  const n = x.shape[0];
  const [channels, height, width] = domain.shape;
  const maps = [teacher.plain, student.plain, teacher.tangent, student.tangent];
  const columns: Float32Array[] = [];
  for (const t of [x, ...scope(() => maps.map(importanceMap))])
    columns.push(Float32Array.from(await here.wait(t.read())));
  return [
    {
      name: "projected on the tangent space",
      titles: ["image", "teacher's map", "student's map", "teacher's, projected", "student's, projected"],
      columns: ["image", "map", "map", "map", "map"],
      size: { channels, height, width },
      rows: Array.from({ length: Math.min(SHOWN, n) }, (_, i) => ({
        label: classes[test.labels[samples[i]]],
        cells: columns.map((values) => rounded(sampleOf(values, i, n))),
      })),
    },
  ];
}
