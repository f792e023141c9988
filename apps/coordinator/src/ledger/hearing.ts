/**
 * What of a node's word, or of its silence, is written down although the core does not ask for it: whether routers may
 * send it work, and where. Pulses never become rows, but a restart must not show a node that serves as one that does not,
 * nor the other way round; so a row is written when that changes, and only then.
 */
import {
  type Effect,
  type Ledger,
  type Node,
  type ReportEvent,
  type Step,
  type NodeState,
  report,
  stateOf,
  tick,
  vanish,
} from "@moult/policy";
import type { Ended } from "./attending.ts";

/** Takes a report in. */
export function takeIn(ledger: Ledger, node: Node, event: ReportEvent, now: number): Step<NodeState> {
  const before = { state: stateOf(ledger, node, now), endpoint: node.endpoint, lost: node.lost };
  const step = report(ledger, node, event, now);
  const same = step.answer === before.state && node.endpoint === before.endpoint && node.lost === before.lost;
  const written = step.changes.some((change) => change.kind === "node" && change.node === node);
  return same || written ? step : { ...step, changes: [...step.changes, { kind: "node", node }] };
}

/** What happens by time alone. A node that has fallen silent is marked lost until its next word. */
export function passTime(ledger: Ledger, now: number): Step<void> {
  const step = tick(ledger, now);
  const silent = newlySilent(ledger, step.effects, now);
  for (const node of silent) node.lost = true;
  return { ...step, changes: [...step.changes, ...silent.map((node) => ({ kind: "node" as const, node }))] };
}

/**
 * A node's stream ended at `sinceMs` and it was not heard since: it has vanished. Nothing happens where it was heard or is
 * not known any more.
 */
export function noteVanished(ledger: Ledger, { nodeId, sinceMs }: Ended, now: number): Step<void> {
  const node = ledger.nodes.get(nodeId);
  const heard = node === undefined || (node.reportedAtMs !== undefined && node.reportedAtMs > sinceMs);
  if (heard) return { answer: undefined, changes: [], effects: [] };
  const wasLost = node.lost;
  const step = vanish(ledger, node, sinceMs, now);
  return node.lost === wasLost ? step : { ...step, changes: [...step.changes, { kind: "node", node }] };
}

function newlySilent(ledger: Ledger, effects: readonly Effect[], now: number): readonly Node[] {
  const touched = new Set(effects.map((effect) => effect.nodeId));
  return [...touched]
    .map((nodeId) => ledger.nodes.get(nodeId))
    .filter((node) => node !== undefined)
    .filter((node) => !node.lost && stateOf(ledger, node, now) === "LOST");
}
