/** Splits a large world at its pools and runs the parts on several threads. */
import { Worker } from "node:worker_threads";
import type { Policy } from "../engine/controller.ts";
import { type PoolRange, poolBounds } from "../world/fleet.ts";
import type { WorldOptions } from "../world/options.ts";
import type { Causes } from "../engine/referee.ts";
import { type Part, joinParts, runPart } from "./part.ts";
import { BOUND_STEP_MIN, movedBy } from "./bound.ts";

/** Worlds of this many nodes and more are split. */
export const LARGE_WORLD_NODES = 50_000;
/** A part has about so many nodes: its books fit into the processor's cache. */
const PART_NODES = 5000;

/** What a worker is told. */
export interface Task {
  readonly world: WorldOptions;
  readonly range: PoolRange;
  /** A policy's name; none where the bound is wanted. */
  readonly policy: string | undefined;
}

/** What a worker says. */
export type Told =
  | { readonly kind: "progress"; readonly share: number }
  | { readonly kind: "part"; readonly part: Part }
  | { readonly kind: "moved"; readonly moved: Int32Array };

/** Who runs large worlds. */
export interface Crew {
  readonly threads: number;
  readonly onProgress: (share: number) => void;
}

/** Runs a policy in a world: in one piece where it is small or the policy looks at the whole fleet. */
export async function runWorld(policy: Policy, world: WorldOptions, crew: Crew): Promise<Part> {
  if (!policy.byPool || world.nodes < LARGE_WORLD_NODES) return runPart(policy, { world, onProgress: crew.onProgress });
  const parts = await onThreads(world, policy.name, crew);
  return joinParts(parts.map((told) => (told.kind === "part" ? told.part : nothing())));
}

/** The lower bound of a large world in hours for each share, to the step of the bound. */
export async function boundOfLargeWorld(
  world: WorldOptions,
  shares: readonly number[],
  crew: Crew,
): Promise<readonly number[]> {
  const parts = await onThreads(world, undefined, crew);
  const moved = parts.map((told) => (told.kind === "moved" ? told.moved : new Int32Array()));
  const steps = moved[0]?.length ?? 0;
  return shares.map((share) => {
    for (let step = 0; step < steps; step += 1) {
      const count = moved.reduce((sum, part) => sum + (part[step] as number), 0);
      if (count >= share * world.nodes) return (step * BOUND_STEP_MIN) / 60;
    }
    return Number.POSITIVE_INFINITY;
  });
}

/** Answers a task; this is what a worker runs. */
export function carryOut(task: Task, policy: Policy | undefined, onProgress: (share: number) => void): Told {
  if (policy === undefined) return { kind: "moved", moved: movedBy(task.world, task.range) };
  return { kind: "part", part: runPart(policy, { world: task.world, range: task.range, onProgress }) };
}

async function onThreads(world: WorldOptions, policy: string | undefined, crew: Crew): Promise<readonly Told[]> {
  const ranges = partRanges(world);
  const results: Told[] = [];
  const shares = ranges.map(() => 0);
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < ranges.length; index = next++) {
      const task: Task = { world, range: ranges[index] as PoolRange, policy };
      results[index] = await onThread(task, (share) => {
        shares[index] = share;
        crew.onProgress(shares.reduce((sum, part) => sum + part, 0) / ranges.length);
      });
      shares[index] = 1;
    }
  };
  await Promise.all(Array.from({ length: crew.threads }, work));
  return results;
}

function onThread(task: Task, onProgress: (share: number) => void): Promise<Told> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: task });
    worker.on("message", (told: Told) => {
      if (told.kind === "progress") onProgress(told.share);
      else resolve(told);
    });
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`a worker ended with code ${code} and no result`)));
  });
}

/** Rows of pools of about equal size. The largest come first, so that the last part to end is a small one. */
function partRanges({ nodes, pools }: WorldOptions): readonly PoolRange[] {
  const bounds = poolBounds(nodes, pools);
  const ranges: PoolRange[] = [];
  let from = 0;
  for (let pool = 1; pool <= pools; pool += 1) {
    const size = (bounds[pool] as number) - (bounds[from] as number);
    if (size < PART_NODES && pool < pools) continue;
    ranges.push({ from, to: pool });
    from = pool;
  }
  return ranges;
}

function nothing(): Part {
  const violationsBy: Causes = { demand: 0, churn: 0, outage: 0, overstay: 0, policy: 0 };
  const none = { doneH: new Float64Array(), awayByMinute: new Int32Array() };
  return { ...none, violationsBy, lostWork: 0, worstShortfall: 0, asks: 0, refusals: 0 };
}
