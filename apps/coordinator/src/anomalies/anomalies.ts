/**
 * The watch over what looks wrong: hands what happens to the rules, and what they find to people: a log line, an event that
 * can be listed and watched, a leaf in the audit log. It never makes a call wait or fail.
 */
import { type Owner, StoreUnavailable } from "../ledger/owner.ts";
import { Topic } from "../ledger/topics.ts";
import type { Clock, Log } from "../ports.ts";
import { Coalescer, type Told } from "./coalesce.ts";
import { EVENTS_KEPT, type FleetEvent, type Sight } from "./kinds.ts";
import { Suspicions, look } from "./rules.ts";

/** Events that wait for one reader; older ones give way. */
const UNREAD_MAX = 1_000;

/** What it works with. */
export interface AnomalyParts {
  readonly owner: Owner;
  readonly clock: Clock;
  readonly log: Log;
  /** Every digest that a list named here, of builds that were recalled as well. */
  readonly listed: () => ReadonlySet<string>;
}

async function* inOrder(batches: AsyncIterable<readonly FleetEvent[]>): AsyncGenerator<readonly FleetEvent[]> {
  for await (const events of batches) yield events.toSorted((a, b) => a.eventId - b.eventId);
}

/** The watch. */
export class Anomalies {
  readonly #parts: AnomalyParts;
  readonly #suspicions = new Suspicions();
  readonly #coalescer = new Coalescer();
  #events: FleetEvent[] = [];
  readonly #topic = new Topic<FleetEvent>();

  constructor(parts: AnomalyParts) {
    this.#parts = parts;
  }

  /** Takes up what was stored, oldest first: with each load of the ledger. */
  restore(stored: readonly FleetEvent[]): void {
    this.#events = stored.slice(-EVENTS_KEPT);
  }

  /** Takes note of what happened. */
  see(sight: Sight): void {
    const now = this.#parts.clock.now();
    const found = look(this.#suspicions, sight, now, this.#parts.listed());
    for (const finding of found) this.#tell(this.#coalescer.add(finding, now));
  }

  /** Tells what was counted and whose time has passed; to be called about once a second. */
  passTime(): void {
    this.#tell(this.#coalescer.due(this.#parts.clock.now()));
  }

  /** Events, newest first; at most the newest 10,000. */
  list(): readonly FleetEvent[] {
    return this.#events.toReversed();
  }

  /** Events from now on, some at a time, until the signal. */
  watch(signal: AbortSignal): AsyncIterable<readonly FleetEvent[]> {
    return inOrder(this.#topic.subscribe(signal, ""));
  }

  #tell(told: readonly Told[]): void {
    if (told.length === 0) return;
    const events = told.map((event, at) => ({ ...event, eventId: (this.#events.at(-1)?.eventId ?? 0) + 1 + at }));
    this.#events.push(...events);
    if (this.#events.length > EVENTS_KEPT) this.#events.splice(0, this.#events.length - EVENTS_KEPT);
    for (const event of events) {
      const { kind, subject, message, count } = event;
      this.#parts.log.warn({ event: kind, subject, count }, message);
      // A key comes round again, so that a reader who is too slow costs memory for this many and no more.
      this.#topic.send(String(event.eventId % UNREAD_MAX), event);
    }
    void this.#keep(events);
  }

  async #keep(events: readonly FleetEvent[]): Promise<void> {
    try {
      const changes = events.map((event) => ({ kind: "event" as const, event }));
      await this.#parts.owner.decide(() => ({ answer: undefined, changes, effects: [] }));
    } catch (error) {
      // The log line is written, and the owner has said that the store fails; the event is not worth more than a decision.
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  }
}
