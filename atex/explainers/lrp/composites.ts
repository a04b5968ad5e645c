/** Which weighted layer gets which rule, as data. */
import { isWithin, type Step } from "../../../engine/index.js";
import { ConfigError, object, optional, record } from "../../../nn/schema.js";
import { type Rule, type RuleDefaults, type RuleSpec, ruleSchema } from "./rules.js";

/** The rule of a weighted op is the one of the innermost label around it that `byLabel` names, else `first` if no weighted op is
 *  between it and the explained input, else the one for its kind, else `other`. */
export interface Composite {
  readonly first?: RuleSpec;
  /** By the label of the op or of a part of the network around it: "block1", "block1.conv2". */
  readonly byLabel?: Readonly<Record<string, RuleSpec>>;
  readonly byOp?: { readonly [K in WeightedOp]?: RuleSpec };
  readonly other: RuleSpec;
}

/** Dense layers are "matmul", transposed convolutions "conv2dInput". */
export type WeightedOp = "matmul" | "conv2d" | "conv2dInput" | "conv2dFilter";

const convolutions = (rule: RuleSpec) => ({ conv2d: rule, conv2dInput: rule });
const alpha2beta1 = { kind: "alpha-beta", alpha: 2 } as const;

/** Composites of the literature. Those that begin with "epsilon" use it for dense layers, and what follows in their name for
 *  convolutions and then for the first layer: Montavon et al. 2019 (sec. 10.3) and Kohlbrenner et al. 2020, under their names in
 *  Zennit (Anders et al. 2021). "deep-taylor" is Montavon et al. 2017 for unbounded inputs, "dombrowski" the one for bounded
 *  inputs, which Dombrowski et al. 2019 attack. */
export const COMPOSITES = {
  epsilon: { other: "epsilon" },
  gamma: { other: "gamma" },
  "epsilon-plus": { byOp: convolutions("z-plus"), other: "epsilon" },
  "epsilon-plus-flat": { first: "flat", byOp: convolutions("z-plus"), other: "epsilon" },
  "epsilon-alpha2-beta1": { byOp: convolutions(alpha2beta1), other: "epsilon" },
  "epsilon-alpha2-beta1-flat": { first: "flat", byOp: convolutions(alpha2beta1), other: "epsilon" },
  "epsilon-gamma-box": { first: "z-box", byOp: convolutions("gamma"), other: "epsilon" },
  "deep-taylor": { first: "w-squared", other: "z-plus" },
  dombrowski: { first: "z-box", other: "z-plus" },
} as const satisfies Readonly<Record<string, Composite>>;

/** A key of `COMPOSITES`. */
export type CompositeName = keyof typeof COMPOSITES;
/** The keys of `COMPOSITES`. */
export const COMPOSITE_NAMES = Object.keys(COMPOSITES) as CompositeName[];

/** A composite with all rules written out. */
export interface Rules {
  readonly first?: Rule;
  readonly byLabel: Readonly<Record<string, Rule>>;
  readonly byOp: Readonly<Record<string, Rule | undefined>>;
  readonly other: Rule;
}

/** @throws ConfigError for a name, rule or setting that there is not. */
export function readComposite(composite: CompositeName | Composite, defaults: RuleDefaults): Rules {
  if (typeof composite === "string") {
    if (!Object.hasOwn(COMPOSITES, composite))
      throw new ConfigError(
        `lrp: composite "${composite}" given; one of ${COMPOSITE_NAMES.join(", ")} is needed, or a composite of your own`,
      );
    return readComposite(COMPOSITES[composite], defaults);
  }
  const rule = ruleSchema(defaults);
  const maybe = optional(rule);
  const kinds = object({ matmul: maybe, conv2d: maybe, conv2dInput: maybe, conv2dFilter: maybe });
  const schema = object({ first: maybe, byLabel: optional(record(rule)), byOp: optional(kinds), other: rule });
  const { byLabel = {}, byOp = {}, ...others } = schema.read(composite, "lrp: composite");
  return { ...others, byLabel, byOp };
}

/** Whether some layer may get a rule of this kind. */
export function mentions({ first, byLabel, byOp, other }: Rules, kind: Rule["kind"]): boolean {
  return [first, other, ...Object.values(byLabel), ...Object.values(byOp)].some((rule) => rule?.kind === kind);
}

/** The rule of a weighted op. */
export function ruleOf(step: Step, isFirst: boolean, { first, byLabel, byOp, other }: Rules): Rule {
  const around = Object.keys(byLabel).filter((name) => isWithin(step.label, name));
  const innermost = around.sort((a, b) => b.length - a.length).at(0);
  if (innermost !== undefined) return byLabel[innermost];
  return (isFirst ? first : undefined) ?? byOp[step.op] ?? other;
}

/** @throws RangeError for a label that no weighted op has: a misspelt one would change nothing, silently. */
export function requireLabels({ byLabel }: Rules, weighted: Iterable<Step>): void {
  const labels = [...new Set([...weighted].map((step) => step.label))];
  const lost = Object.keys(byLabel).find((name) => !labels.some((label) => isWithin(label, name)));
  if (lost === undefined) return;
  const known = labels.filter((label) => label !== "");
  throw new RangeError(
    `lrp: the composite has a rule for "${lost}", where no weighted op is; ${known.length > 0 ? `there are some in ${known.join(", ")}` : "no weighted op has a label; give parts names with label()"}`,
  );
}
