/** Runs the scenarios one after the other, each from the device that an earlier one left, and cuts them. */
import { type DiskState, diskOf, settledImage } from "@moult/simulation";
import { type Bounds, type Finding, Tally, explore } from "./explore.ts";
import type { Mutant } from "./mutants/index.ts";
import { type Seen, type Step, play } from "./play.ts";
import { SCENARIOS, type Scenario, flashedDevice, isDecided, litter } from "./scenarios.ts";
import { type Pieces, REAL_PIECES } from "./world/device.ts";

/** A scenario as it went without a cut. */
export interface Recorded {
  readonly scenario: Scenario;
  readonly steps: readonly Step[];
  /** Why it did not reach its goal; undefined where it did. */
  readonly failure: string | undefined;
  readonly end: DiskState;
}

/** The disk a scenario begins with. */
export async function startOf({ after, littered }: Scenario, ends: ReadonlyMap<string, DiskState>): Promise<DiskState> {
  const end = after === undefined ? await flashedDevice() : ends.get(after);
  if (end === undefined) throw new Error(`no scenario ${after} was played before`);
  return littered ? litter(end) : end;
}

/** Plays a scenario without a cut. */
export async function record(scenario: Scenario, start: DiskState, pieces: Pieces): Promise<Recorded> {
  const { targets } = scenario;
  const next = ({ record: boot, durable }: Seen): Scenario["targets"][number] | undefined =>
    targets.find((target) => !isDecided(target, boot, durable.denied));
  const isDone = (seen: Seen): boolean =>
    seen.asks > 0 &&
    next(seen) === undefined &&
    seen.record !== undefined &&
    seen.durable.outcome === undefined &&
    seen.durable.move === undefined;
  const played = await play({ start, bootId: "boot-1", pieces, wanted: (_, seen) => next(seen), isDone });
  const end = diskOf(settledImage(played.end));
  return { scenario, steps: played.steps, failure: played.failure, end };
}

/** All scenarios without a cut, in their order. Throws where one does not reach its goal: then there is nothing to cut. */
export async function recordAll(): Promise<ReadonlyMap<string, Recorded>> {
  const ends = new Map<string, DiskState>();
  const all = new Map<string, Recorded>();
  for (const scenario of SCENARIOS) {
    const recorded = await record(scenario, await startOf(scenario, ends), REAL_PIECES);
    if (recorded.failure !== undefined) throw new Error(`${scenario.name}: ${recorded.failure}`);
    ends.set(scenario.name, recorded.end);
    all.set(scenario.name, recorded);
  }
  return all;
}

/** How a mutant was found out; undefined where it was not. */
export async function findOut(
  { pieces, scenarios, kills }: Mutant,
  recorded: ReadonlyMap<string, Recorded>,
  seed: number,
): Promise<Finding | undefined> {
  const ends = new Map([...recorded].map(([name, { end }]) => [name, end]));
  const bounds = { ...MUTANT_BOUNDS, killEvery: kills ? 1 : Number.MAX_SAFE_INTEGER, seed };
  for (const name of scenarios) {
    const scenario = recorded.get(name)?.scenario;
    if (scenario === undefined) throw new Error(`there is no scenario ${name}`);
    const { steps, failure } = await record(scenario, await startOf(scenario, ends), pieces);
    if (failure !== undefined) return { kind: "stuck", why: failure, path: [name], operations: [] };
    const tally = new Tally();
    const walk = { tally, bounds, pieces, onCut: () => undefined, endsAtFirst: true };
    await explore({ path: [name], steps, targets: scenario.targets, depth: 1 }, walk);
    if (tally.findings[0] !== undefined) return tally.findings[0];
  }
  return undefined;
}

/** A mutant is wrong in many places; few combinations at each cut are enough to meet it. */
const MUTANT_BOUNDS = { cut: 24, recoverEvery: 20, againEvery: Number.MAX_SAFE_INTEGER, againCut: 3 } as const;

/** What is told while it runs: a share from 0 to 1. */
export type OnProgress = (what: string, share: number) => void;

/** Cuts the scenarios with these names, or all. */
export async function cutAll(
  recorded: ReadonlyMap<string, Recorded>,
  names: readonly string[],
  bounds: Bounds,
  onProgress: OnProgress,
): Promise<Tally> {
  const total = new Tally();
  for (const [index, name] of names.entries()) {
    // Each on its own, so that a scenario alone goes exactly as it goes among the others.
    const tally = new Tally();
    const known = recorded.get(name);
    if (known === undefined) continue;
    const { steps, scenario } = known;
    const onCut = (share: number): void => onProgress(name, (index + share) / names.length);
    const walk = { tally, bounds, pieces: REAL_PIECES, onCut, endsAtFirst: false };
    await explore({ path: [name], steps, targets: scenario.targets, depth: 1 }, walk);
    total.add(tally);
  }
  return total;
}
