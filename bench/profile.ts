/** Where a case spends its time on the GPU. */
import { formatProfile, type KernelProfile, profile } from "../engine/init.js";
import { cases } from "./cases.js";
import { checkResults } from "./goldens.js";
import type { Bench } from "./holdfast.js";
import type { CaseName } from "./inputs.js";

export interface CaseProfile {
  readonly case: CaseName;
  readonly checked: boolean;
  readonly dispatches: number;
  /** Per run; each launch is a pass of its own. */
  readonly kernels: readonly KernelProfile[];
  /** The captured step's plan. */
  readonly plan: string;
}

/** Time per kernel, mean over `runs` runs after two that are not counted. */
export async function profileCase(on: Bench, name: CaseName, runs = 5): Promise<CaseProfile> {
  const work = cases[name]();
  try {
    const { checked } = checkResults(name, await work.results());
    for (let i = 0; i < 2; i++) work.submit();
    await on.finish();
    const before = on.launches();
    const { kernels } = await profile(async () => {
      for (let i = 0; i < runs; i++) work.submit();
      await on.finish();
    });
    const dispatches = (on.launches() - before) / runs;
    const perRun = kernels.map((k) => ({ ...k, calls: k.calls / runs, ms: k.ms / runs }));
    return { case: name, checked, dispatches, kernels: perRun, plan: work.step.describe() };
  } finally {
    work.dispose();
  }
}

export function formatCaseProfile({ case: name, dispatches, kernels, plan, checked }: CaseProfile): string {
  const total = kernels.reduce((sum, k) => sum + k.ms, 0);
  const heading = `${name}: ${total.toFixed(1)} ms on the GPU in ${dispatches} dispatches${checked ? "" : ", WRONG RESULTS"}`;
  return `${heading}\n${formatProfile(kernels)}\n\n${plan}`;
}
