/**
 * Who listens for what: routers for members, devices for nudges, operators for the fleet's figures. Each subscriber has a
 * mailbox in which a later message about the same thing takes the place of the earlier one, so a slow reader costs
 * memory for each thing it watches and never more.
 */

/**
 * Messages by key, newest of each key, in order of first arrival. One reader at a time. Mailboxes are as many as nodes attend,
 * and empty for most of the time: an empty one that is read is no more than a promise.
 */
export class Mailbox<T> implements AsyncIterableIterator<readonly T[]> {
  #messages: Map<string, T> | undefined;
  #ended = false;
  #reader: ((result: Result<T>) => void) | undefined;

  /** Ends the mailbox; what was not read is lost. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Puts a message in; it replaces one with the same key that was not read yet. */
  put(key: string, message: T): void {
    (this.#messages ??= new Map()).set(key, message);
    this.#wake();
  }

  /** All that has arrived since the last turn; waits where nothing has. */
  next(): Promise<Result<T>> {
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    if (this.#messages !== undefined) return Promise.resolve(this.#take());
    return new Promise((resolve) => (this.#reader = resolve));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** What arrives in one turn of the event loop is read together. */
  #wake(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#reader = undefined;
    queueMicrotask(() => reader(this.#take()));
  }

  #take(): Result<T> {
    const messages = this.#messages;
    if (messages === undefined) return { done: true, value: undefined };
    this.#messages = undefined;
    return { done: false, value: [...messages.values()] };
  }
}

type Result<T> = IteratorResult<readonly T[], undefined>;

/** Subscribers of one kind. */
export class Topic<T> {
  readonly #mailboxes = new Map<Mailbox<T>, string>();

  /** Opens a mailbox until the signal ends. `about` tells subscribers apart, as in a node's id. */
  subscribe(signal: AbortSignal, about: string): Mailbox<T> {
    const mailbox = new Mailbox<T>();
    if (signal.aborted) {
      mailbox.end();
      return mailbox;
    }
    this.#mailboxes.set(mailbox, about);
    signal.addEventListener("abort", () => this.leave(mailbox), { once: true });
    return mailbox;
  }

  /** Ends one subscription before its signal does. */
  leave(mailbox: Mailbox<T>): void {
    this.#mailboxes.delete(mailbox);
    mailbox.end();
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
