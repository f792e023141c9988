/** The rows of a ledger's nodes, block after block. It decides nothing. */
import type { NodeIdentity } from "../domain/node.ts";
import { Alike } from "./alike.ts";
import { Blocks } from "./blocks.ts";
import { type Origin, columnsFor } from "./columns.ts";
import { NodeView } from "./node-view.ts";

/** The table. Rows are never given back: nodes do not leave a fleet. */
export class NodeTable {
  readonly #origins = new Alike<Origin>();
  readonly #blocks = new Blocks(columnsFor);

  /** A row for a node that has not said anything yet. */
  add(identity: NodeIdentity): NodeView {
    const [columns, at] = this.#blocks.take();
    return NodeView.enrol(columns, at, identity, originOf(this.#origins, identity));
  }
}

/** The origin in an identity, shared with all who have it alike. */
export function originOf(origins: Alike<Origin>, { poolId, model, labels, domains }: NodeIdentity): Origin {
  const text = JSON.stringify([poolId, model, labels, domains]);
  return origins.one(text, () => ({ poolId, model, labels, domains }));
}
