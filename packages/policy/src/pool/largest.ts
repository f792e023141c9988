/**
 * The largest node that serves: a heap whose entries are checked only when they come to the top, so that coming and going
 * cost O(log n) and looking costs nothing.
 */

/** What a member carries to be in the heap. */
export interface Ranked {
  /** The capacity with which it stands in the heap; undefined where it does not. */
  rankedMilli: number | undefined;
}

interface Entry<T> {
  readonly member: T;
  readonly capacityMilli: number;
}

/** The heap. `holds` says whether a member serves with that capacity now. */
export class Largest<T extends Ranked> {
  readonly #heap: Entry<T>[] = [];
  readonly #holds: (member: T, capacityMilli: number) => boolean;

  constructor(holds: (member: T, capacityMilli: number) => boolean) {
    this.#holds = holds;
  }

  /** A member serves with a capacity. */
  add(member: T, capacityMilli: number): void {
    if (member.rankedMilli === capacityMilli) return;
    member.rankedMilli = capacityMilli;
    const heap = this.#heap;
    let index = heap.length;
    const entry = { member, capacityMilli };
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if ((heap[parent] as Entry<T>).capacityMilli >= capacityMilli) break;
      heap[index] = heap[parent] as Entry<T>;
      index = parent;
    }
    heap[index] = entry;
  }

  /** Capacity of the largest member that serves; 0 where none does. */
  top(): number {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      const current = first.member.rankedMilli === first.capacityMilli;
      if (current && this.#holds(first.member, first.capacityMilli)) return first.capacityMilli;
      if (current) first.member.rankedMilli = undefined;
      this.#dropFirst();
    }
    return 0;
  }

  /** Capacity of the largest member that serves, one left out. */
  topWithout(member: T): number {
    const top = this.top();
    const first = this.#heap[0];
    if (first?.member !== member) return top;
    this.#dropFirst();
    member.rankedMilli = undefined;
    const next = this.top();
    this.add(member, first.capacityMilli);
    return next;
  }

  #dropFirst(): void {
    const last = this.#heap.pop() as Entry<T>;
    if (this.#heap.length > 0) this.#sink(last);
  }

  #sink(entry: Entry<T>): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && right.capacityMilli > (heap[child] as Entry<T>).capacityMilli) child += 1;
      if ((heap[child] as Entry<T>).capacityMilli <= entry.capacityMilli) break;
      heap[index] = heap[child] as Entry<T>;
      index = child;
    }
    heap[index] = entry;
  }
}
