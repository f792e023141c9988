/** Permits by the time they end: a binary heap, so that a grant and an expiry are O(log n). Closed permits leave lazily. */

/** A deadline: when, and whose. */
export interface Deadline {
  readonly atMs: number;
  readonly permitId: string;
  readonly nodeId: string;
}

/** The heap. */
export class Deadlines {
  readonly #heap: Deadline[] = [];

  /** Adds a deadline. */
  add(deadline: Deadline): void {
    const heap = this.#heap;
    let index = heap.push(deadline) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if ((heap[parent] as Deadline).atMs <= deadline.atMs) break;
      heap[index] = heap[parent] as Deadline;
      index = parent;
    }
    heap[index] = deadline;
  }

  /** Whether any deadline is not after `now`. */
  isDue(now: number): boolean {
    const first = this.#heap[0];
    return first !== undefined && first.atMs <= now;
  }

  /** Takes out the earliest deadline that is not after `now`; undefined where there is none. */
  takeDue(now: number): Deadline | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.atMs > now) return undefined;
    const last = heap.pop() as Deadline;
    if (heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(item: Deadline): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as Deadline).atMs < (heap[child] as Deadline).atMs) child += 1;
      if ((heap[child] as Deadline).atMs >= item.atMs) break;
      heap[index] = heap[child] as Deadline;
      index = child;
    }
    heap[index] = item;
  }
}
