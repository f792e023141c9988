/**
 * Finds one key on two devices. A boot id never comes back: where the boot before the present one goes on speaking, with
 * sequences that rise, two hosts are alive at once. A message that was only delayed must not look like that, nor a reboot,
 * nor a factory reset that kept the key: so what comes soon after a boot counts for nothing, and both have to speak by
 * turns, twice.
 */
import type { Node } from "../domain/node.ts";
import type { Change } from "./changes.ts";
import type { Origin } from "./situation.ts";

/** No message is under way for longer: connections end with the host, and calls after ten seconds. In milliseconds. */
const LATE_MS = 60_000;

/** So often must the former boot have spoken again, with the present one in between. */
const RETURNS_MIN = 2;

const NOTHING: readonly Change[] = [];

/** Looks at who speaks; quarantines the node where it is two. To be called before the word is taken in. */
export function watchForClone(node: Node, { bootId, sequence }: Origin, now: number): readonly Change[] {
  if (bootId === node.bootId || !node.formerBootIds.includes(bootId)) return NOTHING;
  if (now - node.bootHeardAtMs < LATE_MS) return NOTHING;
  const known = node.rival?.bootId === bootId ? node.rival : undefined;
  if (known !== undefined && (sequence <= known.sequence || !known.answered)) return NOTHING;
  const returns = (known?.returns ?? 0) + 1;
  node.rival = { bootId, sequence, returns, answered: false };
  if (returns < RETURNS_MIN || node.quarantine !== undefined) return NOTHING;
  const message = `two devices speak with its key: boots ${short(node.bootId)} and ${short(bootId)} by turns`;
  node.quarantine = { message, atMs: now };
  const { nodeId, poolId } = node;
  return [
    { kind: "quarantined", nodeId, poolId, quarantine: node.quarantine },
    { kind: "node", node },
  ];
}

/** Boot ids are the node's own word, and up to 64 characters; the first part of one is enough to tell two apart. */
function short(bootId: string): string {
  return bootId.slice(0, 8);
}
