/**
 * Nodes in the order of their ids, a page at a time. To sort a million of them for each page would hold up who calls; so they
 * are walked, some at a time, and only those that the page needs are kept. It changes nothing.
 */
import { setImmediate as turn } from "node:timers/promises";
import type { Ledger, Node } from "@moult/policy";

/** Nodes between two turns of the event loop: some milliseconds. */
const NODES_A_TURN = 20_000;

/**
 * The first nodes of a pool (of all where it is empty) that come after an id, at most `countMax`, in order; the node of that
 * id stands before them, where there is one. Nodes that enrol meanwhile may be among them.
 */
export async function firstAfter(
  ledger: Ledger,
  poolId: string,
  afterId: string,
  countMax: number,
): Promise<readonly Node[]> {
  const isWanted = (node: Node): boolean => poolId === "" || node.poolId === poolId;
  /** Sorted and cut whenever it has grown to twice what is wanted; then nothing past its last is wanted any more. */
  let found: Node[] = [];
  let lastId: string | undefined;
  let walked = 0;
  const cut = (): void => {
    found = found.toSorted(byId).slice(0, countMax);
    lastId = found.length === countMax ? found.at(-1)?.nodeId : undefined;
  };
  for (const [nodeId, node] of ledger.nodes) {
    walked += 1;
    if (walked % NODES_A_TURN === 0) await turn();
    if (nodeId <= afterId || (lastId !== undefined && nodeId >= lastId) || !isWanted(node)) continue;
    found.push(node);
    if (found.length >= 2 * countMax) cut();
  }
  cut();
  const before = ledger.nodes.get(afterId);
  return before !== undefined && isWanted(before) ? [before, ...found] : found;
}

function byId(a: Node, b: Node): number {
  return a.nodeId < b.nodeId ? -1 : 1;
}
