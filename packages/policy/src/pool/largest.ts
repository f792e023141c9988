/**
 * The largest node that serves: a heap whose entries are checked only when they come to the top, so that coming and going
 * cost O(log n) and looking costs nothing.
 */

/** What a member carries to be in the heap. */
export interface Ranked {
  /** The capacity with which it stands in the heap; undefined where it does not. */
  rankedMilli: number | undefined;
}

/** The heap. `holds` says whether a member serves with that capacity now. */
export class Largest<T extends Ranked> {
  /** Entries side by side in two lists: an object for each would be as large again as all else of it. */
  readonly #members: T[] = [];
  readonly #capacities: number[] = [];
  readonly #holds: (member: T, capacityMilli: number) => boolean;

  constructor(holds: (member: T, capacityMilli: number) => boolean) {
    this.#holds = holds;
  }

  /** A member serves with a capacity. */
  add(member: T, capacityMilli: number): void {
    if (member.rankedMilli === capacityMilli) return;
    member.rankedMilli = capacityMilli;
    let index = this.#members.push(member) - 1;
    this.#capacities.push(capacityMilli);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if ((this.#capacities[parent] as number) >= capacityMilli) break;
      this.#move(parent, index);
      index = parent;
    }
    this.#put(index, member, capacityMilli);
  }

  /** Capacity of the largest member that serves; 0 where none does. */
  top(): number {
    for (let first = this.#members[0]; first !== undefined; first = this.#members[0]) {
      const capacityMilli = this.#capacities[0] as number;
      const current = first.rankedMilli === capacityMilli;
      if (current && this.#holds(first, capacityMilli)) return capacityMilli;
      if (current) first.rankedMilli = undefined;
      this.#dropFirst();
    }
    return 0;
  }

  /** Capacity of the largest member that serves, one left out. */
  topWithout(member: T): number {
    const top = this.top();
    if (this.#members[0] !== member) return top;
    this.#dropFirst();
    member.rankedMilli = undefined;
    const next = this.top();
    this.add(member, top);
    return next;
  }

  #dropFirst(): void {
    const member = this.#members.pop() as T;
    const capacityMilli = this.#capacities.pop() as number;
    const { length } = this.#members;
    if (length === 0) return;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= length) break;
      const right = child + 1;
      if (right < length && (this.#capacities[right] as number) > (this.#capacities[child] as number)) child = right;
      if ((this.#capacities[child] as number) <= capacityMilli) break;
      this.#move(child, index);
      index = child;
    }
    this.#put(index, member, capacityMilli);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#members[from] as T, this.#capacities[from] as number);
  }

  #put(index: number, member: T, capacityMilli: number): void {
    this.#members[index] = member;
    this.#capacities[index] = capacityMilli;
  }
}
