/**
 * What the device was promised to find again: whatever a write had returned for is there after any cut, and what was being
 * written is there or what was before it. Written down while real code runs, held against each state afterwards.
 */
import { StateFile, type Durable, decodeDurable, encodeDurable } from "@moult/agent/inside";
import { BootRecordFiles, type BootRecord, type Disk, decodeBootRecord, encodeBootRecord } from "@moult/slots";

/**
 * What may be found of one thing: the last that was safe, and what was being written since. That is one text at most while
 * processes live; one that is killed leaves its own behind. As text, to be compared.
 */
export interface Allowed {
  readonly last: string;
  readonly next: readonly string[];
}

/** All promises at one moment. */
export interface Promises {
  readonly record: Allowed;
  readonly state: Allowed;
  /** The device's public key, once an agent has used it. */
  readonly identity?: string;
}

/** Nothing is written down as this. */
export const NOTHING = "nothing";

/** The boot record as text. */
export function recordText(record: BootRecord | undefined): string {
  if (record === undefined) return NOTHING;
  const read = decodeBootRecord(encodeBootRecord({ sequence: 1, record }));
  return read === undefined ? NOTHING : JSON.stringify(read.record);
}

/** The agent's state as text. */
export function stateText(durable: Durable): string {
  return JSON.stringify(decodeDurable(encodeDurable(durable)) ?? durable);
}

/** Whether what was found is allowed. */
export function allows({ last, next }: Allowed, found: string): boolean {
  return found === last || next.includes(found);
}

/** Keeps the promises of one device. */
export class Ledger {
  #current: Promises;
  #found: Pick<Promises, "record" | "state">;

  /** `found` is what the disk holds now, which after a kill may be something that was never promised. */
  constructor(current: Promises, found: Promises) {
    this.#current = current;
    this.#found = found;
  }

  /** What a process reads at this moment. */
  get found(): Pick<Promises, "record" | "state"> {
    return this.#found;
  }

  get current(): Promises {
    return this.#current;
  }

  promise(change: Partial<Promises>): void {
    this.#current = { ...this.#current, ...change };
  }

  /** A write begins. */
  writing(thing: "record" | "state", text: string): void {
    const { last, next } = this.#current[thing];
    this.promise({ [thing]: { last, next: [...next, text] } });
  }

  /** The write has returned. */
  written(thing: "record" | "state", text: string): void {
    this.promise({ [thing]: { last: text, next: [] } });
    this.#found = { ...this.#found, [thing]: { last: text, next: [] } };
  }

  /** A coordinator was told that the build is kept: from then on it must be, whatever record that was read from. */
  toldKept(digest: string): void {
    const { last, next } = this.#current.record;
    const [first, ...others] = [...next, last].filter((text) => text !== NOTHING && isKept(text, digest));
    this.promise({ record: { last: first ?? `a record of ${digest}`, next: others } });
  }
}

function isKept(text: string, digest: string): boolean {
  return (JSON.parse(text) as BootRecord).committed.digest === digest;
}

/** The boot record's files, listened to. */
export class WatchedRecords extends BootRecordFiles {
  readonly #ledger: Ledger;

  constructor(disk: Disk, folder: string, ledger: Ledger) {
    super(disk, folder);
    this.#ledger = ledger;
  }

  override async write(record: BootRecord): Promise<void> {
    const next = recordText(record);
    this.#ledger.writing("record", next);
    await super.write(record);
    this.#ledger.written("record", next);
  }
}

/** The agent's state file, listened to. */
export class WatchedState extends StateFile {
  readonly #ledger: Ledger;

  constructor(disk: Disk, path: string, ledger: Ledger) {
    super(disk, path);
    this.#ledger = ledger;
  }

  override async write(durable: Durable): Promise<void> {
    const next = stateText(durable);
    this.#ledger.writing("state", next);
    await super.write(durable);
    this.#ledger.written("state", next);
  }
}
