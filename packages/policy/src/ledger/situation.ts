/** How a node's word about itself enters the books. */
import type { Node, NodeState } from "../domain/node.ts";
import type { Situation } from "../domain/situation.ts";
import type { Effect } from "./changes.ts";
import { type Ledger, memberOf, poolOf, stateOf } from "./ledger.ts";

/** Who speaks, and in what order. */
export interface Origin {
  readonly nodeId: string;
  /** Differs after each boot of the host. */
  readonly bootId: string;
  /** Rises within a boot. */
  readonly sequence: number;
}

/** Whether this is news: another boot, or a higher sequence within the same. Says so once only. */
export function isNews(node: Node, origin: Origin): boolean {
  if (node.bootId === origin.bootId && origin.sequence <= node.sequence) return false;
  node.bootId = origin.bootId;
  node.sequence = origin.sequence;
  return true;
}

/** Counts a situation that is news. */
export function takeIn(ledger: Ledger, node: Node, situation: Situation, now: number): void {
  poolOf(ledger, node.identity.poolId).report(memberOf(ledger, node), situation, now);
  node.situation = situation;
  node.reportedAtMs = now;
  node.lost = false;
}

/** What routers go by. */
export interface RouterView {
  readonly state: NodeState;
  readonly endpoint: string;
  readonly capacityRps: number;
  readonly version: string;
}

/** How a node looks to routers now. */
export function routerView(ledger: Ledger, node: Node, now: number): RouterView {
  const { endpoint, capacityRps } = node.situation;
  return { state: stateOf(ledger, node, now), endpoint, capacityRps, version: node.running?.version ?? "" };
}

/** The effect by which routers learn of a change, where there was one. */
export function memberEffects(ledger: Ledger, node: Node, before: RouterView, now: number): readonly Effect[] {
  const after = routerView(ledger, node, now);
  const changed =
    after.state !== before.state ||
    after.endpoint !== before.endpoint ||
    after.capacityRps !== before.capacityRps ||
    after.version !== before.version;
  return changed ? [{ kind: "member-changed", nodeId: node.identity.nodeId }] : [];
}
