/** The rows of a ledger's nodes, block after block. It decides nothing. */
import type { NodeIdentity } from "../domain/node.ts";
import { Alike } from "./alike.ts";
import { type Columns, type Origin, columnsFor } from "./columns.ts";
import { NodeView } from "./node-view.ts";

/** Rows of the first block, and of the largest: a small ledger takes little, and a large one wastes little. */
const ROWS_FIRST = 16;
const ROWS_MAX = 1_024;

/** The table. Rows are never given back: nodes do not leave a fleet. */
export class NodeTable {
  readonly #origins = new Alike<Origin>();
  #columns: Columns | undefined;
  #rows = 0;
  #used = 0;

  /** A row for a node that has not said anything yet. */
  add(identity: NodeIdentity): NodeView {
    if (this.#columns === undefined || this.#used === this.#rows) {
      this.#rows = this.#rows === 0 ? ROWS_FIRST : Math.min(ROWS_MAX, 2 * this.#rows);
      this.#columns = columnsFor(this.#rows);
      this.#used = 0;
    }
    const row = NodeView.enrol(this.#columns, this.#used, identity, originOf(this.#origins, identity));
    this.#used += 1;
    return row;
  }
}

/** The origin in an identity, shared with all who have it alike. */
export function originOf(origins: Alike<Origin>, { poolId, model, labels, domains }: NodeIdentity): Origin {
  const text = JSON.stringify([poolId, model, labels, domains]);
  return origins.one(text, () => ({ poolId, model, labels, domains }));
}
