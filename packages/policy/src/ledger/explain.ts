/** Why a node moves or stays: all three gates, also where the first says no. Changes nothing that is stored or counted. */
import type { Node } from "../domain/node.ts";
import type { GateResult, Target } from "../domain/verdict.ts";
import { buildFor } from "../gates/allowlist.ts";
import { capacityGate } from "../gates/capacity.ts";
import { type TargetInput, chooseTarget, judgeAllowlist, judgeDial } from "../gates/target.ts";
import { type Ledger, memberOf, poolOf } from "./ledger.ts";
import { overrideFor } from "./overrides.ts";

/** What an operator is shown. */
export interface Explanation {
  readonly target: Target | undefined;
  readonly gates: readonly GateResult[];
  /** What the node would be told if it asked now with the build staged. */
  readonly decision: "STAY" | "GO";
}

/** Explains a node for a release; without one, for what it would be offered, or else the newest. */
export function explain(ledger: Ledger, node: Node, version: string | undefined, now: number): Explanation {
  const pool = poolOf(ledger, node.identity.poolId);
  pool.age(now);
  const override = overrideFor(ledger, node, now);
  const { interruptible } = node.situation;
  const capacity = capacityGate({ pool, member: memberOf(ledger, node), interruptible, override });
  const running = node.running;
  if (running === undefined) return { target: undefined, gates: [capacity], decision: "STAY" };
  const input: TargetInput = { node, running, releases: ledger.releases, dials: ledger.dials, brake: ledger.brake };
  const release =
    version === undefined
      ? (chooseTarget(input).target?.release ?? ledger.releases[0])
      : ledger.releases.find((candidate) => candidate.version === version);
  if (release === undefined) return { target: undefined, gates: [capacity], decision: "STAY" };
  const build = buildFor(release, running.platform);
  const gates = [judgeAllowlist(input, release), judgeDial(input, release), capacity];
  const decision = gates.every((gate) => gate.passed) ? "GO" : "STAY";
  return { target: build === undefined ? undefined : { release, build }, gates, decision };
}
