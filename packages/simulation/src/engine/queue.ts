/**
 * Events by time: a binary heap over typed arrays. Events of the same millisecond leave in the order in which they were
 * put in, so that one seed has one history.
 */

/** The heap. An event is a time in milliseconds, a kind and a node, both small whole numbers. */
export class EventQueue {
  #at: Float64Array;
  #order: Float64Array;
  #what: Float64Array;
  #size = 0;
  #put = 0;

  constructor(capacity = 1024) {
    this.#at = new Float64Array(capacity);
    this.#order = new Float64Array(capacity);
    this.#what = new Float64Array(capacity);
  }

  /** Time of the earliest event; Infinity where there is none. */
  get nextMs(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#at[0] as number);
  }

  /** Puts an event in. */
  add(atMs: number, kind: number, node: number): void {
    if (this.#size === this.#at.length) this.#grow();
    const order = this.#put++;
    const what = node * 8 + kind;
    let index = this.#size++;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if ((this.#at[parent] as number) <= atMs) break;
      this.#copy(parent, index);
      index = parent;
    }
    this.#at[index] = atMs;
    this.#order[index] = order;
    this.#what[index] = what;
  }

  /** Takes the earliest event out; returns node × 8 + kind. There must be one. */
  take(): number {
    const first = this.#what[0] as number;
    const last = --this.#size;
    if (last > 0) this.#sink(last);
    return first;
  }

  /** Moves the item at `from` to the root and lets it sink. */
  #sink(from: number): void {
    const at = this.#at[from] as number;
    const order = this.#order[from] as number;
    const what = this.#what[from] as number;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#before(child + 1, child)) child += 1;
      const childAt = this.#at[child] as number;
      if (childAt > at || (childAt === at && (this.#order[child] as number) > order)) break;
      this.#copy(child, index);
      index = child;
    }
    this.#at[index] = at;
    this.#order[index] = order;
    this.#what[index] = what;
  }

  #before(a: number, b: number): boolean {
    const difference = (this.#at[a] as number) - (this.#at[b] as number);
    return difference === 0 ? (this.#order[a] as number) < (this.#order[b] as number) : difference < 0;
  }

  #copy(from: number, to: number): void {
    this.#at[to] = this.#at[from] as number;
    this.#order[to] = this.#order[from] as number;
    this.#what[to] = this.#what[from] as number;
  }

  #grow(): void {
    const grow = (old: Float64Array): Float64Array => {
      const wider = new Float64Array(old.length * 2);
      wider.set(old);
      return wider;
    };
    this.#at = grow(this.#at);
    this.#order = grow(this.#order);
    this.#what = grow(this.#what);
  }
}
