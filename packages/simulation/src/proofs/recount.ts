/**
 * An independent account of a pool: what every node said, when, and what it was answered, kept as a plain list and counted
 * from scratch each time. It shares no code with the ledger and knows nothing of how the ledger counts.
 */

/** A node as the account knows it. Capacity and load in units of work a second. */
export interface Account {
  readonly name: string;
  readonly house: string;
  capacity: number;
  load: number;
  works: boolean;
  heardMs: number;
  /** What it said last was about a time before its leave ended or before the coordinator's start: it is void. */
  void: boolean;
  permitId: string;
  away: boolean;
  leaveUntilMs: number;
}

/** The account of a pool. */
export class Recount {
  readonly accounts: Map<string, Account> = new Map();
  readonly #freshMs: number;

  constructor(nodes: number, freshMs: number) {
    this.#freshMs = freshMs;
    for (let node = 0; node < nodes; node += 1) {
      this.accounts.set(`n${node}`, {
        name: `n${node}`,
        house: `house-${node % 2}`,
        capacity: 0,
        load: 0,
        works: false,
        heardMs: Number.NEGATIVE_INFINITY,
        void: true,
        permitId: "",
        away: false,
        leaveUntilMs: Number.POSITIVE_INFINITY,
      });
    }
  }

  /** The account of a node. */
  of(name: string): Account {
    const account = this.accounts.get(name);
    if (account === undefined) throw new Error(`no node ${name}`);
    return account;
  }

  /** A node said how it is. */
  heard(
    name: string,
    told: { readonly capacity: number; readonly load: number; readonly works: boolean },
    now: number,
  ): void {
    Object.assign(this.of(name), told, { heardMs: now, void: false });
  }

  /** A node was given leave. */
  granted(name: string, permitId: string, untilMs: number): void {
    Object.assign(this.of(name), { permitId, leaveUntilMs: untilMs });
  }

  /** A node's leave is over, one way or another. */
  over(name: string): void {
    Object.assign(this.of(name), { permitId: "", away: false, leaveUntilMs: Number.POSITIVE_INFINITY, void: true });
  }

  /** Leaves that have run out by now are over. */
  expire(now: number): void {
    for (const account of this.accounts.values())
      if (account.permitId !== "" && account.leaveUntilMs <= now) this.over(account.name);
  }

  /** The coordinator started anew: nothing that was said before brings capacity. */
  restarted(): void {
    for (const account of this.accounts.values()) account.void = true;
  }

  /** Whether a node brings capacity. */
  serves(account: Account, now: number): boolean {
    return account.works && !account.void && account.permitId === "" && now - account.heardMs <= this.#freshMs;
  }

  /** Capacity that serves. */
  capacity(now: number): number {
    return this.#sum((account) => (this.serves(account, now) ? account.capacity : 0));
  }

  /** The least the demand can be: what those who were heard lately work at. */
  demandLeast(now: number): number {
    return this.#sum((account) => (now - account.heardMs <= this.#freshMs && !account.void ? account.load : 0));
  }

  /** The largest node that serves. */
  largest(now: number): number {
    return Math.max(
      0,
      ...[...this.accounts.values()].map((account) => (this.serves(account, now) ? account.capacity : 0)),
    );
  }

  /** Nodes on leave. */
  get onLeave(): number {
    return this.#sum((account) => (account.permitId === "" ? 0 : 1));
  }

  #sum(of: (account: Account) => number): number {
    let sum = 0;
    for (const account of this.accounts.values()) sum += of(account);
    return sum;
  }
}
