/**
 * Who attends, and whose last stream has ended. A node that does not attend, ask or report again in time has vanished, long
 * before its last report would have grown old. It keeps times and decides nothing about the node.
 */

/** A node whose last stream ended at a time, in milliseconds. */
export interface Ended {
  readonly nodeId: string;
  readonly sinceMs: number;
}

/** The streams. */
export class Attending {
  readonly #streams = new Map<string, number>();
  /** In the order in which they ended. */
  readonly #ended = new Map<string, number>();

  /** A stream has begun. Where one is still open from before, as after a change of network, both count. */
  began(nodeId: string): void {
    this.#ended.delete(nodeId);
    this.#streams.set(nodeId, (this.#streams.get(nodeId) ?? 0) + 1);
  }

  /** A stream has ended. */
  ended(nodeId: string, now: number): void {
    const left = (this.#streams.get(nodeId) ?? 1) - 1;
    if (left > 0) {
      this.#streams.set(nodeId, left);
      return;
    }
    this.#streams.delete(nodeId);
    this.#ended.set(nodeId, now);
  }

  /** Takes out those whose last stream ended `afterMs` ago or longer. */
  takeDue(now: number, afterMs: number): readonly Ended[] {
    const due: Ended[] = [];
    for (const [nodeId, sinceMs] of this.#ended) {
      if (now - sinceMs < afterMs) break;
      this.#ended.delete(nodeId);
      due.push({ nodeId, sinceMs });
    }
    return due;
  }
}
