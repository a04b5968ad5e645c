/** Where a case spends its time: per kernel, by time stamps, or by the CPU time of a software adapter's threads. */

import { executor } from "../engine/executor.js";
import type { GpuExecutor } from "../engine/gpu/executor.js";
import type { PreparedCall } from "../engine/gpu/stream.js";
import { formatProfile, type KernelProfile, profile } from "../engine/init.js";
import { sizeOf } from "../engine/shape.js";
import { type BenchCase, cases } from "./cases.js";
import { checkResults } from "./goldens.js";
import type { Bench } from "./holdfast.js";
import type { CaseName, NetworkCase } from "./inputs.js";
import { workerCpuMs } from "./measure.js";
import { networkCases } from "./networkCases.js";
import { figure, table } from "./report.js";

/** One launch of a step, repeated by itself. */
export interface LaunchCost {
  /** Place in the plan. */
  readonly launch: number;
  readonly kernel: string;
  /** CPU milliseconds of the adapter's threads, the least of several samples. */
  readonly workerCpuMs: number;
  /** Where the launch says how many operations it does; on as many processors as the machine has. */
  readonly gflops: number | undefined;
  readonly operands: string;
}

export interface CaseProfile {
  readonly case: CaseName | NetworkCase;
  readonly checked: boolean;
  readonly dispatches: number;
  /** By time stamps, per run; each launch is a pass of its own. Other work on the machine shows in these. */
  readonly kernels: readonly KernelProfile[];
  /** The most expensive first; empty where the GPU is no software, or the system does not tell. */
  readonly launches: readonly LaunchCost[];
  /** The captured step's plan. */
  readonly plan: string;
}

/** Profiles a case: `runs` runs by time stamps, and `runs` repetitions of each launch. */
export async function profileCase(on: Bench, name: CaseName | NetworkCase, runs = 5): Promise<CaseProfile> {
  const work = { ...cases, ...networkCases }[name]();
  try {
    const { checked } = checkResults(name, await work.results());
    for (let i = 0; i < 2; i++) work.submit();
    await on.finish();
    const { kernels } = await profile(async () => {
      for (let i = 0; i < runs; i++) work.submit();
      await on.finish();
    });
    const calls = await callsOf(on, work);
    const launches = on.software && workerCpuMs() !== null ? await launchCosts(on, calls, runs) : [];
    const perRun = kernels.map((k) => ({ ...k, calls: k.calls / runs, ms: k.ms / runs }));
    const plan = work.step.describe();
    return { case: name, checked, dispatches: calls.length, kernels: perRun, launches, plan };
  } finally {
    work.dispose();
  }
}

/** The launches of one run. */
async function callsOf(on: Bench, work: BenchCase): Promise<PreparedCall[]> {
  const { stream } = executor() as GpuExecutor;
  const calls: PreparedCall[] = [];
  const encode = stream.encode.bind(stream);
  stream.encode = (call) => {
    calls.push(call);
    encode(call);
  };
  try {
    work.submit();
  } finally {
    // The method of the class shows again.
    Reflect.deleteProperty(stream, "encode");
  }
  await on.finish();
  return calls;
}

const samples = 3;

async function launchCosts(on: Bench, calls: readonly PreparedCall[], repetitions: number): Promise<LaunchCost[]> {
  const { stream } = executor() as GpuExecutor;
  const costs: LaunchCost[] = [];
  for (const [launch, prepared] of calls.entries()) {
    let least = Number.POSITIVE_INFINITY;
    for (let sample = 0; sample < samples; sample++) {
      const before = workerCpuMs() ?? Number.NaN;
      for (let i = 0; i < repetitions; i++) stream.encode(prepared);
      stream.flush();
      await on.finish();
      least = Math.min(least, ((workerCpuMs() ?? Number.NaN) - before) / repetitions);
    }
    const shapes = Object.entries(prepared.call.bind).filter(([, { shape }]) => sizeOf(shape) > 1);
    const operands = shapes.map(([operand, { shape }]) => `${operand}[${shape.join(",")}]`).join(" ");
    const { flops } = prepared.call;
    const gflops = flops === undefined ? undefined : (flops * on.processors) / least / 1e6;
    costs.push({ launch, kernel: prepared.pipeline.name, workerCpuMs: least, gflops, operands });
  }
  return costs.sort((a, b) => b.workerCpuMs - a.workerCpuMs);
}

export function formatCaseProfile({ case: name, dispatches, kernels, launches, plan, checked }: CaseProfile): string {
  const total = kernels.reduce((sum, k) => sum + k.ms, 0);
  const heading = `${name}: ${total.toFixed(1)} ms on the GPU in ${dispatches} dispatches${checked ? "" : ", WRONG RESULTS"}`;
  const parts = [`${heading}\n${formatProfile(kernels)}`];
  if (launches.length > 0) {
    const cpu = launches.reduce((sum, l) => sum + l.workerCpuMs, 0);
    const rows = launches.map((l) => [String(l.launch), l.kernel, figure(l.workerCpuMs), figure(l.gflops), l.operands]);
    const costs = table(["launch", "kernel", "worker CPU ms", "GFLOP/s", "operands"], rows);
    parts.push(`each launch by itself: ${cpu.toFixed(1)} ms of worker CPU\n${costs}`);
  }
  return [...parts, plan].join("\n\n");
}
