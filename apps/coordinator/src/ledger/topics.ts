/**
 * Who listens for what: routers for members, devices for nudges, operators for the fleet's figures. Each subscriber has a
 * mailbox in which a later message about the same thing takes the place of the earlier one, so a slow reader costs
 * memory for each thing it watches and never more.
 */

/** Messages by key, newest of each key, in order of first arrival. */
export class Mailbox<T> implements AsyncIterable<readonly T[]> {
  readonly #messages = new Map<string, T>();
  readonly #signal: AbortSignal;
  #wake = Promise.withResolvers<void>();
  #ended = false;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake.resolve(), { once: true });
  }

  /** Ends the mailbox; what was not read is lost. */
  end(): void {
    this.#ended = true;
    this.#wake.resolve();
  }

  /** Puts a message in; it replaces one with the same key that was not read yet. */
  put(key: string, message: T): void {
    this.#messages.set(key, message);
    this.#wake.resolve();
  }

  /** All that has arrived since the last turn; ends with the signal. */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly T[]> {
    while (!this.#signal.aborted && !this.#ended) {
      await this.#wake.promise;
      this.#wake = Promise.withResolvers<void>();
      if (this.#messages.size === 0) continue;
      const messages = [...this.#messages.values()];
      this.#messages.clear();
      yield messages;
    }
  }
}

/** Subscribers of one kind. */
export class Topic<T> {
  readonly #mailboxes = new Map<Mailbox<T>, string>();

  /** Opens a mailbox until the signal ends. `about` tells subscribers apart, as in a node's id. */
  subscribe(signal: AbortSignal, about: string): Mailbox<T> {
    const mailbox = new Mailbox<T>(signal);
    if (signal.aborted) return mailbox;
    this.#mailboxes.set(mailbox, about);
    signal.addEventListener("abort", () => this.#mailboxes.delete(mailbox), { once: true });
    return mailbox;
  }

  /** Whether nobody listens: then nothing need be made to be sent. */
  get isUnheard(): boolean {
    return this.#mailboxes.size === 0;
  }

  /** Ends every subscription: what was sent so far may not be true any more. */
  endAll(): void {
    for (const mailbox of this.#mailboxes.keys()) mailbox.end();
    this.#mailboxes.clear();
  }

  /** Sends to all subscribers that `wants` picks; says about whom they were. */
  send(key: string, message: T, wants: (about: string) => boolean = () => true): ReadonlySet<string> {
    const told = new Set<string>();
    for (const [mailbox, about] of this.#mailboxes) {
      if (!wants(about)) continue;
      mailbox.put(key, message);
      told.add(about);
    }
    return told;
  }
}
