/** The owner of a network and an explainer, who answers queries and shows nothing else. */
import { argmax, callerScope, capture, concat, equal, scope, slice, type Tensor } from "../../../engine/index.js";
import type { Objective } from "../../attacks/objectives.js";
import { repeated } from "../../copies.js";
import type { Explainer } from "../../explainers/explainer.js";
import { isTable } from "../../explainers/features.js";
import { EXPLAINER_TABLE } from "../../explainers/table.js";
import { type Classifier, classScore } from "../../score.js";
import type { ManipulationWorld } from "../manipulation.js";
import type { Answer } from "./evolution.js";

export interface OwnerOptions {
  /** Of the explainer; one that the table does not know is taken to need no segments. */
  readonly name: string;
  readonly objective: Objective;
  /** Samples under attack, [n, ...shape], and their attributions. */
  readonly x: Tensor;
  readonly clean: Tensor;
  readonly world: Pick<ManipulationWorld, "classifier" | "explainer" | "domain">;
}

export interface Owner extends Disposable {
  /** About candidates [k · n, ...shape], always the same k, or about n of them. */
  ask(candidates: Tensor): Promise<Answer>;
  /** How often the network computes for one query of one sample. */
  readonly evaluations: number;
}

/** Answers with the objective and whether the prediction is kept. */
export async function ownerOf({ name, objective, clean, x, world }: OwnerOptions): Promise<Owner> {
  const here = callerScope();
  const { classifier, explainer: make, domain } = world;
  const n = x.shape[0];
  const classes = argmax(classifier(x), 1);
  const against = objective.against(clean);
  let evaluated = 0;
  const counting: Classifier = (z) => {
    evaluated += z.shape[0];
    return classifier(z);
  };
  const answer =
    (f: Classifier, explain: Explainer) =>
    (z: Tensor): Answer => {
      const copies = z.shape[0] / n;
      const attribution = explain(classScore(f, classes), z);
      const own = (i: number): Tensor =>
        slice(attribution, [i * n, ...x.shape.slice(1).map(() => 0)], [n, ...x.shape.slice(1)]);
      return {
        value: concat(Array.from({ length: copies }, (_, i) => against(own(i)))),
        allowed: equal(argmax(f(z), 1), repeated(classes, copies)),
      };
    };
  const explain = await here.wait(make(name, x));
  scope(() => answer(counting, explain)(x));
  const evaluations = evaluated / n;
  // Segments are made anew for every candidate, as its owner would.
  const entry = EXPLAINER_TABLE.find((one) => one.name === name);
  if (entry?.uses?.segments && !isTable(domain))
    return {
      evaluations,
      async ask(z) {
        const here = callerScope();
        return answer(classifier, await here.wait(make(name, z)))(z);
      },
      [Symbol.dispose]: () => {},
    };
  const [one, many] = [answer(classifier, explain), capture(answer(classifier, explain))];
  return {
    evaluations,
    ask: async (z) => (z.shape[0] === n ? one(z) : many(z)),
    [Symbol.dispose]: () => many.dispose(),
  };
}
