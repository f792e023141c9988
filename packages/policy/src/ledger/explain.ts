/** Why a node moves or stays: all three gates, also where the first says no. Changes nothing that is stored or counted. */
import type { Node } from "../domain/node.ts";
import type { GateResult, Target } from "../domain/verdict.ts";
import { buildFor } from "../gates/allowlist.ts";
import { type TargetInput, chooseTarget, judgeAllowlist, judgeDial } from "../gates/target.ts";
import type { Ledger } from "./ledger.ts";
import { weighCapacity } from "./weigh-capacity.ts";

/** What an operator is shown. */
export interface Explanation {
  readonly target: Target | undefined;
  readonly gates: readonly GateResult[];
  /** What the node would be told if it asked now with the build staged. */
  readonly decision: "STAY" | "GO";
}

/** Explains a node for a release; without one, for what it would be offered, or else the newest. */
export function explain(ledger: Ledger, node: Node, version: string | undefined, now: number): Explanation {
  const running = node.running;
  const inGeneral = (): Explanation => {
    return { target: undefined, gates: [weighCapacity(ledger, node, undefined, now, true).gate], decision: "STAY" };
  };
  if (running === undefined) return inGeneral();
  const { releases, dials, brake, signedBrakes } = ledger;
  const input: TargetInput = { node, running, releases, dials, brake, signedBrakes, now };
  const release =
    version === undefined
      ? (chooseTarget(input).target?.release ?? releases[0])
      : releases.find((candidate) => candidate.version === version);
  if (release === undefined) return inGeneral();
  const build = buildFor(release, running.platform);
  const target = build === undefined ? undefined : { release, build };
  const capacity = weighCapacity(ledger, node, target, now, true).gate;
  const gates = [judgeAllowlist(input, release), judgeDial(input, release), capacity];
  return { target, gates, decision: gates.every((gate) => gate.passed) ? "GO" : "STAY" };
}
