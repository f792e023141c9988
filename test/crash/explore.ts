/**
 * Cuts a recorded trace after each of its operations and judges what is left: after power cuts, after the power is cut once
 * more while the device recovers, and after a kill of all processes with a power cut later on, when what was cached at the kill
 * may still be lost.
 */
import { type DiskState, type ImageFolder, diskOf, digestOfImage, outcomesOf } from "@moult/simulation";
import type { CrashBuild } from "./builds.ts";
import { type Flaw, judge, recover } from "./judge.ts";
import { NORMAL, NORMAL_CORE } from "./normal.ts";
import { type Step, readBack } from "./play.ts";
import type { Promises } from "./promises.ts";
import type { Pieces } from "./world/device.ts";

/** How far to go. */
export interface Bounds {
  /** Combinations of lost, torn and reordered writes at one cut, at most. */
  readonly cut: number;
  /** One of so many new states is switched on again, until the last build is reached. */
  readonly recoverEvery: number;
  /** One of so many of these recoveries is cut in its turn. */
  readonly againEvery: number;
  /** Combinations at one cut of a recovery. */
  readonly againCut: number;
  /** After one of so many operations all processes are killed as well, and what follows is cut. */
  readonly killEvery: number;
  readonly seed: number;
}

/** What was found, and how to get there. */
export interface Finding extends Flaw {
  /** The scenario, then each cut with what it left. */
  readonly path: readonly string[];
  /** The last operations before the cut. */
  readonly operations: readonly string[];
}

/** What has been seen so far, over all scenarios. */
export class Tally {
  readonly states: Set<string> = new Set();
  /** A state with what was promised when it was met: the same disk may be right at one moment and wrong at another. */
  readonly judged: Set<string> = new Set();
  /** The same without leftovers that are swept, and without what means nothing after a boot. */
  readonly cores: Set<string> = new Set();
  readonly findings: Finding[] = [];
  cuts = 0;
  outcomes = 0;
  recoveries = 0;
  kills = 0;
  bricked = 0;
  stuck = 0;
  broken = 0;

  /** Takes in what another one counted; states that both saw count once. */
  add(other: Tally): void {
    for (const state of other.states) this.states.add(state);
    for (const core of other.cores) this.cores.add(core);
    this.findings.push(...other.findings);
    for (const key of ["cuts", "outcomes", "recoveries", "kills", "bricked", "stuck", "broken"] as const) {
      this[key] += other[key];
    }
  }
}

/** Findings that are kept with all their words; the others are counted. */
const FINDINGS_MAX = 20;

/** Operations that are told before a cut. */
const TOLD_MAX = 14;

/** One trace to be cut. */
export interface Trail {
  readonly path: readonly string[];
  readonly steps: readonly Step[];
  /** What the coordinator wanted meanwhile. */
  readonly targets: readonly CrashBuild[];
  /** 1 for a scenario, 2 for a recovery from one. */
  readonly depth: 1 | 2;
}

/** What a walk needs. */
export interface Walk {
  readonly tally: Tally;
  readonly bounds: Bounds;
  readonly pieces: Pieces;
  /** Called after each cut of a scenario. */
  readonly onCut: (share: number) => void;
  /** Whether the first finding ends the walk: of a mutant one is enough. */
  readonly endsAtFirst: boolean;
}

/** Cuts the trail after each operation. */
export async function explore(trail: Trail, walk: Walk): Promise<void> {
  const { steps, depth } = trail;
  for (const [index, step] of steps.entries()) {
    await cutAt(trail, index, step, walk);
    if (depth === 1 && isKillTime(steps, index, walk.bounds)) await killAt(trail, index, step, walk);
    if (walk.endsAtFirst && walk.tally.findings.length > 0) return;
    if (depth === 1) walk.onCut((index + 1) / steps.length);
  }
}

async function cutAt(trail: Trail, index: number, step: Step, walk: Walk): Promise<void> {
  const { tally, bounds, pieces } = walk;
  const bound = trail.depth === 1 ? bounds.cut : bounds.againCut;
  tally.cuts += 1;
  for (const { image, how } of outcomesOf(step.state, { bound, seed: bounds.seed + index })) {
    tally.outcomes += 1;
    const digest = digestOfImage(image, NORMAL);
    const key = `${digest} ${promiseKey(step.promises)}`;
    if (tally.judged.has(key)) continue;
    tally.judged.add(key);
    tally.states.add(digest);
    tally.cores.add(digestOfImage(image, NORMAL_CORE));
    const path = [...trail.path, `cut after ${index + 1} of ${trail.steps.length}, ${step.what}: ${how}`];
    const flaw = await judge(image, step.promises, pieces);
    if (flaw !== undefined) note(tally, flaw, path, trail, index);
    else if (tally.judged.size % bounds.recoverEvery === 0) await goOn(image, step.promises, path, trail, index, walk);
  }
}

/** Switches the device on with what the cut left. */
async function goOn(
  image: ImageFolder,
  promises: Promises,
  path: readonly string[],
  trail: Trail,
  index: number,
  walk: Walk,
): Promise<void> {
  const { tally, bounds, pieces } = walk;
  tally.recoveries += 1;
  // Half of them are taken up where they were, half go straight to the last build.
  const targets = tally.recoveries % 2 === 0 ? [] : trail.targets;
  const bootId = `boot-${trail.depth + 1}`;
  const { played, flaw } = await recover(diskOf(image), undefined, promises, targets, bootId, pieces);
  if (flaw !== undefined) note(tally, flaw, path, trail, index);
  else if (trail.depth === 1 && tally.recoveries % bounds.againEvery === 0) {
    await explore({ path, steps: played.steps, targets, depth: 2 }, walk);
  }
}

/** Kills are worth most just before something would have been made safe. */
function isKillTime(steps: readonly Step[], index: number, { killEvery, seed }: Bounds): boolean {
  return (index + seed) % killEvery === 0 && steps[index + 1]?.what.startsWith("sync") === true;
}

/** SIGKILL for launcher and agent: all that was cached stays cached, and a power cut may come at any time from then on. */
async function killAt(trail: Trail, index: number, step: Step, walk: Walk): Promise<void> {
  const { tally, pieces } = walk;
  const { targets } = trail;
  tally.kills += 1;
  const path = [...trail.path, `kill after ${index + 1} of ${trail.steps.length}, ${step.what}`];
  const live: DiskState = step.state;
  const { played, flaw } = await recover(live, step.promises, step.promises, targets, "boot-1", pieces);
  if (flaw !== undefined) note(tally, flaw, path, trail, index);
  else await explore({ path, steps: played.steps, targets, depth: 2 }, walk);
}

function promiseKey({ record, state, identity }: Promises): string {
  const { durable } = readBack({ record, state });
  return [record.last, ...record.next, durable.denied.join(), state.next.length, identity === undefined].join("|");
}

function note(tally: Tally, flaw: Flaw, path: readonly string[], trail: Trail, index: number): void {
  tally[flaw.kind] += 1;
  if (tally.findings.length >= FINDINGS_MAX) return;
  const operations = trail.steps.slice(Math.max(0, index + 1 - TOLD_MAX), index + 1).map(({ what }) => what);
  tally.findings.push({ ...flaw, path, operations });
}
