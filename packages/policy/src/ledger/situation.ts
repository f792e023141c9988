/** How a node's word about itself enters the books. */
import type { Node, NodeState } from "../domain/node.ts";
import type { Situation } from "../domain/situation.ts";
import type { Effect } from "./changes.ts";
import { type Ledger, memberOf, stateOf } from "./ledger.ts";

/** Who speaks, and in what order. */
export interface Origin {
  readonly nodeId: string;
  /** Differs after each boot of the host. */
  readonly bootId: string;
  /** Rises within a boot. */
  readonly sequence: number;
}

/** So many boots are remembered; messages are not delayed for longer than a few reboots. */
const FORMER_BOOTS_MAX = 4;

/** Whether this is news: another boot, or a higher sequence within the same. Says so once only. */
export function isNews(node: Node, origin: Origin, now: number): boolean {
  if (node.bootId === origin.bootId && origin.sequence <= node.sequence) return false;
  if (node.bootId !== origin.bootId) {
    if (node.formerBootIds.includes(origin.bootId)) return false;
    if (node.bootId !== "") node.formerBootIds = [node.bootId, ...node.formerBootIds].slice(0, FORMER_BOOTS_MAX);
    node.orderedSequence = 0;
    node.bootHeardAtMs = now;
  }
  if (node.rival !== undefined && !node.rival.answered) node.rival = { ...node.rival, answered: true };
  node.bootId = origin.bootId;
  node.sequence = origin.sequence;
  return true;
}

/**
 * Whether a later ask, step or outcome of the node has been taken in already: then this one is a late copy and must have no
 * effect. A pulse overtakes nothing: it is sent beside them.
 */
export function isOvertaken(node: Node, origin: Origin): boolean {
  if (node.bootId === origin.bootId) return origin.sequence < node.orderedSequence;
  return node.formerBootIds.includes(origin.bootId);
}

/** Notes that an ask, step or outcome was taken in. */
export function noteOrder(node: Node, origin: Origin): void {
  if (node.bootId === origin.bootId) node.orderedSequence = Math.max(node.orderedSequence, origin.sequence);
}

/** Counts a situation that is news. */
export function takeIn(ledger: Ledger, node: Node, situation: Situation, now: number): void {
  const member = memberOf(ledger, node);
  member.pool.report(member, situation, now);
  node.situation = situation;
  node.reportedAtMs = now;
  node.lost = false;
}

/** What routers go by, as it was. */
export interface RouterView {
  readonly state: NodeState;
  readonly endpoint: string;
  readonly capacityRps: number;
  readonly version: string | undefined;
}

/** How a node looks to routers now. */
export function routerView(ledger: Ledger, node: Node, now: number): RouterView {
  const { endpoint, capacityRps, running } = node;
  return { state: stateOf(ledger, node, now), endpoint, capacityRps, version: running?.version };
}

const UNCHANGED: readonly Effect[] = [];

/** The effect by which routers learn of a change, where there was one. */
export function memberEffects(ledger: Ledger, node: Node, before: RouterView, now: number): readonly Effect[] {
  const same =
    stateOf(ledger, node, now) === before.state &&
    node.endpoint === before.endpoint &&
    node.capacityRps === before.capacityRps &&
    node.running?.version === before.version;
  return same ? UNCHANGED : [{ kind: "member-changed", nodeId: node.nodeId }];
}
