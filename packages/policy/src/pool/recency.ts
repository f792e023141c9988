/**
 * Members in the order of their last report, oldest first: a doubly linked list, so that a report is O(1) and ageing
 * touches only those that have become too old.
 */

/** What a member carries to be in the list. */
export interface RecencyLinks {
  older: RecencyLinks | undefined;
  newer: RecencyLinks | undefined;
}

/** The list. A member is in at most one. */
export class Recency<T extends RecencyLinks> {
  #oldest: T | undefined;
  #newest: T | undefined;

  /** The member that reported longest ago. */
  get oldest(): T | undefined {
    return this.#oldest;
  }

  /** Puts a member last, whether it was in the list or not. */
  touch(member: T): void {
    if (this.#newest === member) return;
    this.remove(member);
    member.older = this.#newest;
    if (this.#newest !== undefined) this.#newest.newer = member;
    this.#newest = member;
    this.#oldest ??= member;
  }

  /** Takes a member out; nothing happens where it is not in the list. */
  remove(member: T): void {
    if (this.#oldest === member) this.#oldest = member.newer as T | undefined;
    if (this.#newest === member) this.#newest = member.older as T | undefined;
    if (member.older !== undefined) member.older.newer = member.newer;
    if (member.newer !== undefined) member.newer.older = member.older;
    member.older = undefined;
    member.newer = undefined;
  }
}
