/** Gate 3 for one node of the ledger: gathers what it looks at, and keeps who waits for it. */
import type { Dial } from "../domain/dial.ts";
import type { Node } from "../domain/node.ts";
import type { Target, GateResult } from "../domain/verdict.ts";
import { capacityGate } from "../gates/capacity.ts";
import { type Ledger, memberOf } from "./ledger.ts";
import { overrideFor } from "./overrides.ts";

/** What gate 3 says, and the override that stood in for it, if one did. */
export interface CapacityAnswer {
  readonly gate: GateResult;
  readonly overrideId: string | undefined;
}

/** Asks gate 3. Changes nothing; the pool was aged before. A target is unknown where an operator asks in general. */
export function weighCapacity(
  ledger: Ledger,
  node: Node,
  target: Target | undefined,
  now: number,
  thorough = false,
): CapacityAnswer {
  const member = memberOf(ledger, node);
  const { pool } = member;
  const override = ledger.overrides.size === 0 ? undefined : overrideFor(ledger, node, now);
  // Who holds a permit has had its turn and stands in nobody's way any more than it did.
  const first = member.onLeave ? undefined : pool.waiting.hold(now, pool.risk);
  const gate = capacityGate({
    pool,
    member,
    curve: ledger.absences.curve(target?.build.digest ?? "", node.model),
    interruptible: node.interruptible,
    override,
    thorough,
    hold: first === member ? undefined : first,
    pressure:
      target === undefined ? 0 : pressureOf(ledger.dials.get(target.release.version), pool.risk.pressureMs, now),
  });
  return { gate, overrideId: gate.reason === "OVERRIDDEN" ? override?.overrideId : undefined };
}

/** Remembers that a node waits, or that it waits no more. */
export function keepWaiting(ledger: Ledger, node: Node, gate: GateResult, now: number): void {
  const member = memberOf(ledger, node);
  const { waiting } = member.pool;
  if (gate.passed) waiting.done(member);
  else if (gate.reason === "CAPACITY_SHORT" || gate.reason === "INFEASIBLE") waiting.refused(member, now);
}

/** How near the dial's deadline is: 0 not at all, 1 reached. */
function pressureOf(dial: Dial | undefined, pressureMs: number, now: number): number {
  if (dial?.deadlineAtMs === undefined) return 0;
  return Math.min(1, Math.max(0, 1 - (dial.deadlineAtMs - now) / pressureMs));
}
