/** Which override, if any, holds for a node. */
import type { Node } from "../domain/node.ts";
import type { Override } from "../domain/override.ts";
import type { Ledger } from "./ledger.ts";

/** The override with the largest deficit that holds for this node now. */
export function overrideFor(ledger: Ledger, node: Node, now: number): Override | undefined {
  let best: Override | undefined;
  for (const override of ledger.overrides.values()) {
    const { poolId, nodeId } = node;
    if (override.poolId !== poolId || override.expiresAtMs <= now) continue;
    if (override.nodeIds.length > 0 && !override.nodeIds.includes(nodeId)) continue;
    if (best === undefined || override.deficitMaxRps > best.deficitMaxRps) best = override;
  }
  return best;
}
