/** A node's connection broke and did not come back in time: it is gone before its last report has grown old. */
import type { Node } from "../domain/node.ts";
import type { Step } from "./changes.ts";
import { type Ledger, memberOf, poolOf } from "./ledger.ts";
import { memberEffects, routerView } from "./situation.ts";
import { expireDue } from "./tick.ts";

/**
 * Counts a node out until it is heard again. To be called a little after its stream ended (`sinceMs`), unless it asked,
 * reported or attended again meanwhile. A permit it holds stays as it is.
 */
export function vanish(ledger: Ledger, node: Node, sinceMs: number, now: number): Step<void> {
  const expired = expireDue(ledger, now);
  const before = routerView(ledger, node, now);
  poolOf(ledger, node.poolId).vanish(memberOf(ledger, node), sinceMs, now);
  if (node.permit === undefined) node.lost = true;
  const effects = [...expired.effects, ...memberEffects(ledger, node, before, now)];
  return { answer: undefined, changes: expired.changes, effects };
}
