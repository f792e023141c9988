/**
 * Which release a node is offered: the newest that gates 1 and 2 both let it move to. One that a gate refuses does not
 * hide an older one that is still newer than what the node runs; so a node that is too far behind gets the next hop.
 */
import type { Brake, Dial, SignedBrake } from "../domain/dial.ts";
import type { Node, NodeRunning } from "../domain/node.ts";
import type { Release } from "../domain/release.ts";
import type { GateResult, Target } from "../domain/verdict.ts";
import { allowlistGate, buildFor, upToDate } from "./allowlist.ts";
import { dialGate } from "./dial.ts";

/** What the choice looks at. */
export interface TargetInput {
  readonly node: Node;
  readonly running: NodeRunning;
  /** Highest counter first. */
  readonly releases: readonly Release[];
  readonly dials: ReadonlyMap<string, Dial>;
  readonly brake: Brake;
  readonly signedBrakes: readonly SignedBrake[];
  readonly now: number;
}

/** The build to move to with both gates' passes; or none, with the refusal of the release that came furthest. */
export interface TargetChoice {
  readonly target: Target | undefined;
  readonly gates: readonly GateResult[];
}

/** Chooses. Looks only at releases newer than what runs. */
export function chooseTarget(input: TargetInput): TargetChoice {
  let refusal: readonly GateResult[] | undefined;
  for (const release of input.releases) {
    if (release.releaseCounter <= input.running.releaseCounter) break;
    const gates = judgeRelease(input, release);
    const build = buildFor(release, input.running.platform);
    if (build !== undefined && gates.every((gate) => gate.passed)) return { target: { release, build }, gates };
    // Being stopped at gate 2 tells an operator more than being stopped at gate 1.
    if (refusal === undefined || gates.length > refusal.length) refusal = gates;
  }
  return { target: undefined, gates: refusal ?? [upToDate(input.running.version)] };
}

/** Gates 1 and 2 for one release; gate 2 only where gate 1 passed. */
export function judgeRelease(input: TargetInput, release: Release): readonly GateResult[] {
  const allowlist = judgeAllowlist(input, release);
  return allowlist.passed ? [allowlist, judgeDial(input, release)] : [allowlist];
}

/** Gate 1 for one release. */
export function judgeAllowlist({ node, running }: TargetInput, release: Release): GateResult {
  return allowlistGate({
    release,
    platform: running.platform,
    runningVersion: running.version,
    runningReleaseCounter: running.releaseCounter,
    deniedDigests: node.deniedDigests,
  });
}

/** Gate 2 for one release. */
export function judgeDial(input: TargetInput, release: Release): GateResult {
  const { node, running, dials, brake, signedBrakes, now } = input;
  const { nodeId, labels } = node;
  return dialGate({
    nodeId,
    labels,
    seed: release.seed,
    dial: dials.get(release.version),
    brake,
    signedBrakes,
    cohort: buildFor(release, running.platform)?.cohort,
    now,
    quarantine: node.quarantine?.message,
  });
}
