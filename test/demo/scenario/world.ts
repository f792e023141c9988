/** What a step of the scenario can see and do. Steps know this and nothing else of the machinery. */
import type { CommandResult } from "../fleet/operator.ts";
import type { FleetPlan } from "../fleet/plan.ts";
import type { Releases } from "../fleet/releases.ts";
import type { Told } from "../fleet/told.ts";
import type { LoadFigures } from "../load/messages.ts";
import type { Seen } from "../observer/messages.ts";

/** The demo's world at work. */
export interface World {
  readonly plan: FleetPlan;
  readonly releases: Releases;
  /** The fleet as the coordinator tells it. */
  readonly told: () => Told;
  /** The fleet as it is seen from outside. */
  readonly seen: () => Seen;
  /** The traffic as the askers meet it. */
  readonly traffic: () => LoadFigures;
  /** From now on so many requests a second. */
  readonly ask: (rps: number) => void;
  /** What counts begins now: absences, failures, the floor. */
  readonly beginMeasuring: () => void;
  /** Runs `moult`, shows the command, and fails the demo where it does not end with `exitCode` (0). */
  readonly moult: (words: readonly string[], exitCode?: number) => Promise<CommandResult>;
  /** Tells the audience something that happened. */
  readonly tell: (sentence: string) => void;
  /** Something for the closing words, too. */
  readonly record: (sentence: string) => void;
  /** Lets so many more requests be answered before the play goes on: proof for the figures, and time to look. */
  readonly letPass: (requests: number) => Promise<void>;
  /** Waits; the deadline is generous, a demo on a busy machine is slow and not wrong. */
  readonly until: (what: string, holds: () => boolean, timeoutMs?: number) => Promise<void>;
}

/** Something did not go as it has to. */
export class ScenarioFailed extends Error {
  override readonly name = "ScenarioFailed";
}

/** Throws ScenarioFailed with `otherwise` where `holds` is false. */
export function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new ScenarioFailed(otherwise);
}

/** One step. */
export interface ScenarioStep {
  readonly title: string;
  readonly run: (world: World) => Promise<void>;
}

/** Boxes seen to run `version` and to take work. */
export function runningBoxes(world: World, version: string): string[] {
  return world
    .seen()
    .nodes.filter((node) => node.serving && node.version === version)
    .map(({ box }) => box);
}

/** Words that name boxes on the dial, by the label each device carries. */
export function namingBoxes(boxes: readonly string[]): string[] {
  return ["--selector", `box in (${boxes.join("|")})`];
}
