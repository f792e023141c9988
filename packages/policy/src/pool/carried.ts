/**
 * After a restart: capacity starts at 0, demand at the last total that was written down. As each of those nodes reports for
 * the first time, an equal share of that total is replaced by what the node says.
 */

/** What a member carries. */
export interface Carrying {
  /** A share of the demand from before the start stands for it, until it reports. */
  carried: boolean;
}

/** The demand from before the start. */
export class CarriedDemand {
  totalMilli = 0;
  #count = 0;
  #sinceMs = Number.NaN;

  /** Somebody has still to speak for itself. */
  get pending(): boolean {
    return this.#count > 0;
  }

  /** Takes up a total that stands for these members. */
  start(totalMilli: number, members: Iterable<Carrying>): void {
    this.totalMilli = totalMilli;
    this.#count = 0;
    for (const member of members) {
      member.carried = true;
      this.#count += 1;
    }
  }

  /** A member has spoken for itself. */
  replace(member: Carrying): void {
    if (!member.carried) return;
    member.carried = false;
    this.totalMilli -= Math.round(this.totalMilli / this.#count);
    this.#count -= 1;
  }

  /** Whoever has not spoken for so long after the start was gone before it; others carry that work. */
  age(now: number, afterMs: number, members: Iterable<Carrying>): void {
    if (this.#count === 0) return;
    if (Number.isNaN(this.#sinceMs)) this.#sinceMs = now;
    if (now - this.#sinceMs <= afterMs) return;
    for (const member of members) this.replace(member);
  }
}
