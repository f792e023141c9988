/** Runs several policies on the same worlds and makes the table. */
import type { Policy } from "../engine/controller.ts";
import { loadAware } from "../policies/load-aware.ts";
import type { WorldOptions } from "../world/options.ts";
import { buildWorld } from "../world/world.ts";
import { lowerBoundH } from "./bound.ts";
import type { Part } from "./part.ts";
import { type Row, rowOf, violationsOf } from "./row.ts";
import { type Crew, LARGE_WORLD_NODES, boundOfLargeWorld, runWorld } from "./split.ts";

/** The scoreboard. */
export interface Scoreboard {
  /** Lower bounds in hours, the mean over the worlds; null where some world does not reach. */
  readonly boundT90H: number | null;
  readonly boundT99H: number | null;
  /** Whether every world trips `load-aware`; a world that does not is too easy to say anything. */
  readonly worldCounts: boolean;
  readonly rows: readonly Row[];
}

/** What is being run, for a progress bar. */
export type Watcher = (doing: { readonly policy: string; readonly world: number; readonly share: number }) => void;

/** Runs the scoreboard. `load-aware` is always run, to see whether the worlds count. */
export async function runScoreboard(
  worlds: readonly WorldOptions[],
  policies: readonly Policy[],
  { threads, watch }: { readonly threads: number; readonly watch: Watcher },
): Promise<Scoreboard> {
  const all = policies.includes(loadAware) ? policies : [...policies, loadAware];
  const results = new Map<Policy, Part[]>(all.map((policy) => [policy, []]));
  const bounds: (readonly number[])[] = [];
  for (const [index, world] of worlds.entries()) {
    const crew = (policy: string): Crew => ({ threads, onProgress: (share) => watch({ policy, world: index, share }) });
    bounds.push(await boundsOf(world, crew("bound")));
    for (const policy of all) results.get(policy)?.push(await runWorld(policy, world, crew(policy.name)));
  }
  const bound = (share: number): number | null => {
    const hours = bounds.reduce((sum, both) => sum + (both[share] as number), 0) / bounds.length;
    return Number.isFinite(hours) ? Math.round(hours * 10_000) / 10_000 : null;
  };
  return {
    boundT90H: bound(0),
    boundT99H: bound(1),
    worldCounts: (results.get(loadAware) ?? []).every((part) => violationsOf(part) > 0),
    rows: policies.map((policy) => rowOf(policy.name, results.get(policy) ?? [])),
  };
}

async function boundsOf(options: WorldOptions, crew: Crew): Promise<readonly number[]> {
  if (options.nodes >= LARGE_WORLD_NODES) return boundOfLargeWorld(options, [0.9, 0.99], crew);
  const world = buildWorld(options);
  return [lowerBoundH(world, 0.9), lowerBoundH(world, 0.99)];
}
