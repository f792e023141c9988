/**
 * Replays the audit log pool by pool and says what is wrong with it. It reads entries and nothing else, and shares no code
 * with what decides, writes or stores them. Pure.
 */
import type { Entry, Fault, HeldPermit, Rule } from "./entry.ts";

/** What a log comes to. */
export interface Replayed {
  readonly faults: readonly Fault[];
  /** Permits that were given and have not ended. */
  readonly held: readonly HeldPermit[];
}

interface Open extends HeldPermit {
  readonly chargedMilli: number;
  readonly grantedAtMs: number;
  readonly expiresAtMs: number;
}

interface Leave {
  readonly nodeIds: readonly string[];
  readonly deficitMilli: number;
  readonly expiresAtMs: number;
}

/** Entries in the order of the log; of each pool in the order of its places. */
export function replay(entries: readonly Entry[]): Replayed {
  const faults: Fault[] = [];
  const everGranted = new Map<string, string>();
  const held: HeldPermit[] = [];
  for (const [pool, log] of Map.groupBy(entries, (entry) => entry.pool)) {
    const replayed = new PoolReplay(pool, everGranted, faults);
    for (const entry of log) replayed.take(entry);
    held.push(...replayed.held());
  }
  return { faults, held };
}

/** What differs between permits in force, as somebody else says, and those of the log. */
export function compareHeld(replayed: readonly HeldPermit[], found: readonly HeldPermit[]): readonly Fault[] {
  const lines = (permits: readonly HeldPermit[]): ReadonlySet<string> =>
    new Set(permits.map(({ permitId, nodeId, phase }) => `${nodeId} ${phase} ${permitId}`));
  const [log, now] = [lines(replayed), lines(found)];
  const fault = (text: string): Fault => ({ rule: "final", text });
  return [
    ...[...log.difference(now)].map((line) => fault(`in the log and not in force: ${line}`)),
    ...[...now.difference(log)].map((line) => fault(`in force and not in the log: ${line}`)),
  ];
}

/** Between two that decide one after the other by one clock, in milliseconds: a round trip, and what a clock is put right by. */
const BACK_MAX_MS = 60_000;

/** From a decision until its batch is given its time, in milliseconds: a store that is slow, not one that is gone. */
const BATCH_MAX_MS = 5_000;

class PoolReplay {
  readonly #pool: string;
  readonly #everGranted: Map<string, string>;
  readonly #faults: Fault[];
  readonly #byNode = new Map<string, Open>();
  readonly #leaves = new Map<string, Leave>();
  #lastSeq = 0;
  #lastAtMs = Number.NEGATIVE_INFINITY;

  constructor(pool: string, everGranted: Map<string, string>, faults: Fault[]) {
    this.#pool = pool;
    this.#everGranted = everGranted;
    this.#faults = faults;
  }

  held(): readonly HeldPermit[] {
    return [...this.#byNode.values()].map(({ permitId, nodeId, phase }) => ({ permitId, nodeId, phase }));
  }

  take(entry: Entry): void {
    if (entry.seq !== this.#lastSeq + 1) this.#fault("gap", entry, `follows ${this.#lastSeq}`);
    this.#lastSeq = Math.max(this.#lastSeq, entry.seq);
    const backMs = this.#lastAtMs - entry.atMs;
    if (backMs > BACK_MAX_MS) this.#fault("clock", entry, `goes ${backMs} ms back in time`);
    this.#lastAtMs = entry.atMs;
    switch (entry.kind) {
      case "permit":
        return this.#permit(entry);
      case "permit-ended":
        return this.#ended(entry);
      case "override": {
        const { overrideId, nodeIds, deficitMaxRps, expiresAtMs } = entry.body;
        return void this.#leaves.set(String(overrideId), {
          nodeIds: nodeIds as readonly string[],
          deficitMilli: Math.ceil(Number(deficitMaxRps) * 1000),
          expiresAtMs: Number(expiresAtMs),
        });
      }
      case "override-ended":
        return void this.#leaves.delete(String(entry.body["overrideId"]));
      default:
    }
  }

  #permit(entry: Entry): void {
    const permit = openOf(entry);
    switch (permit.phase) {
      case "DRAINING":
        this.#granted(entry, permit);
        break;
      case "AWAY":
        this.#moved(entry, permit, "DRAINING");
        break;
      case "RETURNED":
        this.#moved(entry, permit, "AWAY");
        break;
      default:
        this.#fault("step", entry, `there is no phase ${permit.phase}`);
    }
    this.#totals(entry);
    // Coming back takes nothing from anybody.
    if (permit.phase !== "RETURNED") this.#limit(entry, permit.nodeId);
  }

  #granted(entry: Entry, permit: Open): void {
    const { permitId, nodeId } = permit;
    const other = this.#byNode.get(nodeId);
    if (other !== undefined) this.#fault("double-grant", entry, `${nodeId} has ${other.permitId} and gets ${permitId}`);
    const before = this.#everGranted.get(permitId);
    if (before !== undefined) this.#fault("double-grant", entry, `${permitId} was given to ${before} before`);
    this.#everGranted.set(permitId, nodeId);
    this.#byNode.set(nodeId, permit);
  }

  #moved(entry: Entry, permit: Open, from: string): void {
    const { permitId, nodeId, phase } = permit;
    const open = this.#byNode.get(nodeId);
    if (open?.permitId !== permitId || open.phase !== from) {
      const has = open === undefined ? "none" : `${open.permitId} ${open.phase}`;
      this.#fault("step", entry, `${nodeId} has ${has}, and ${permitId} is ${phase}`);
    }
    this.#byNode.set(nodeId, { ...permit, chargedMilli: open?.chargedMilli ?? permit.chargedMilli });
  }

  #ended(entry: Entry): void {
    const { permitId, nodeId } = openOf(entry);
    const open = this.#byNode.get(nodeId);
    if (open?.permitId !== permitId) {
      this.#fault("step", entry, `${nodeId} has ${open?.permitId ?? "none"}, and ${permitId} ends`);
    } else {
      this.#byNode.delete(nodeId);
      if (entry.body["end"] === "EXPIRED" && entry.atMs < open.expiresAtMs) {
        this.#fault("expiry", entry, `${permitId} ran out ${open.expiresAtMs - entry.atMs} ms early`);
      }
    }
    this.#totals(entry);
  }

  /** What those who have left and are not back were charged with. */
  #charged(): { readonly onLeave: number; readonly chargedMilli: number } {
    const away = [...this.#byNode.values()].filter(({ phase }) => phase !== "RETURNED");
    return { onLeave: away.length, chargedMilli: away.reduce((sum, { chargedMilli }) => sum + chargedMilli, 0) };
  }

  #totals(entry: Entry): void {
    const books = booksOf(entry);
    if (books === undefined) return this.#fault("unchecked", entry, "no books");
    const { onLeave, chargedMilli } = this.#charged();
    if (books.onLeave !== onLeave || books.chargedMilli !== chargedMilli) {
      const said = `${books.onLeave} on leave with ${books.chargedMilli}`;
      this.#fault("totals", entry, `the books say ${said}, the log comes to ${onLeave} with ${chargedMilli}`);
    }
  }

  #limit(entry: Entry, nodeId: string): void {
    const books = booksOf(entry);
    if (books === undefined) return;
    const allowedMilli = this.#allowedMilli(entry, nodeId);
    const limitMilli = books.chargedMilli + books.freshMilli - books.needMilli + allowedMilli;
    const { chargedMilli } = this.#charged();
    if (chargedMilli > limitMilli) {
      this.#fault("over-limit", entry, `${chargedMilli} on leave, at most ${limitMilli} may be`);
    }
  }

  /** By the override that the permit names, while it lasts: no other counts, whatever else is in force. */
  #allowedMilli({ atMs, body }: Entry, nodeId: string): number {
    const leave = this.#leaves.get(String(body["overrideId"]));
    if (leave === undefined || (leave.nodeIds.length > 0 && !leave.nodeIds.includes(nodeId))) return 0;
    // A grant says itself when it was decided; a departure is written a batch after it was.
    const decidedAtMs = body["phase"] === "DRAINING" ? Number(body["grantedAtMs"]) : atMs - BATCH_MAX_MS;
    return decidedAtMs <= leave.expiresAtMs ? leave.deficitMilli : 0;
  }

  #fault(rule: Rule, { seq, kind }: Entry, why: string): void {
    this.#faults.push({ rule, text: `${this.#pool} ${seq} (${kind}): ${why}` });
  }
}

function openOf({ body }: Entry): Open {
  return {
    permitId: String(body["permitId"]),
    nodeId: String(body["nodeId"]),
    phase: String(body["phase"]),
    chargedMilli: Number(body["chargedMilli"]),
    grantedAtMs: Number(body["grantedAtMs"]),
    expiresAtMs: Number(body["expiresAtMs"]),
  };
}

interface BooksRead {
  readonly onLeave: number;
  readonly chargedMilli: number;
  readonly freshMilli: number;
  readonly needMilli: number;
}

/** Undefined where one of them is missing. */
function booksOf({ body }: Entry): BooksRead | undefined {
  const books = (body["books"] ?? {}) as Partial<BooksRead>;
  const { onLeave, chargedMilli, freshMilli, needMilli } = books;
  const all = [onLeave, chargedMilli, freshMilli, needMilli, body["chargedMilli"]];
  return all.every((value) => typeof value === "number") ? (books as BooksRead) : undefined;
}
