/** What the watch is shown of asks and reports. It looks at the node as it is before the word is taken in. */
import type { AskEvent, Node, Step } from "@moult/policy";
import type { AskSight, Sight } from "./kinds.ts";

/** An ask, as it is about to be judged. */
export function askSight(node: Node, event: AskEvent, askId: string): AskSight {
  return {
    kind: "ask",
    nodeId: event.nodeId,
    poolId: node.poolId,
    askId,
    bootId: event.bootId,
    sequence: event.sequence,
    digest: event.running.digest,
    deniedBefore: node.deniedDigests,
    deniedNow: event.deniedDigests,
    lastBootId: node.bootId,
    lastSequence: node.orderedSequence,
    answeredAtMs: node.lastVerdict?.atMs,
  };
}

/** Takes a node's word in, and shows the watch where that quarantined the node. */
export function seeClone<A>(
  { anomalies }: { readonly anomalies: { readonly see: (sight: Sight) => void } },
  node: Node,
  takeIn: () => Step<A>,
): Step<A> {
  const before = node.quarantine;
  const step = takeIn();
  const { nodeId, poolId } = node;
  const { quarantine } = node;
  if (quarantine !== undefined && before === undefined) {
    anomalies.see({ kind: "clone", nodeId, poolId, message: quarantine.message });
  }
  return step;
}
