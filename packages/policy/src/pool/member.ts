/**
 * A node as its pool counts it: a view of a row whose numbers stand beside those of others, as a fleet has a million of them
 * and each report changes some. It decides nothing.
 */
import { Blocks } from "../table/blocks.ts";
import type { AbsenceCurve } from "./absence.ts";
import type { Carrying } from "./carried.ts";
import type { Ranked } from "./largest.ts";
import type { RecencyLinks } from "./recency.ts";

/** A leave, as the look ahead sees it. */
export interface Leave {
  readonly curve: AbsenceCurve;
  readonly sinceMs: number;
  /** What it last claimed to carry; charged where it has not spoken since the coordinator's start. */
  readonly claimMilli: number;
}

/** A block of rows of one pool. */
interface Block<P> {
  readonly pool: P;
  /** NUMBERS a row; NaN where there is none. */
  readonly numbers: Float64Array;
  readonly flags: Uint8Array;
}

/** Places of a row's numbers. */
const CAPACITY = 0;
const LOAD = 1;
const REPORTED_AT = 2;
const CHARGED = 3;
const SILENT_SINCE = 4;
const RANKED = 5;
const NUMBERS = 6;

/** Flags. */
const ABLE = 1;
const FRESH = 2;
const CARRIED = 4;
const ON_LEAVE = 8;
const HELD_SHARDS = 16;

const NONE: readonly string[] = [];

/** The view. There is one for each row; it is the member. Capacity and load in milli-units. */
export class MemberView<P> implements RecencyLinks, Ranked, Carrying {
  readonly nodeId: string;
  readonly domains: readonly string[];
  shards: readonly string[] = NONE;
  /** Since when it is on leave, and what such absences are like. */
  leave: Leave | undefined = undefined;
  older: RecencyLinks | undefined = undefined;
  newer: RecencyLinks | undefined = undefined;
  readonly #block: Block<P>;
  readonly #at: number;

  /** Takes an empty row. */
  constructor(block: Block<P>, at: number, nodeId: string, domains: readonly string[]) {
    this.nodeId = nodeId;
    this.domains = domains;
    this.#block = block;
    this.#at = at;
    this.reportedAtMs = Number.NEGATIVE_INFINITY;
    this.silentSinceMs = undefined;
    this.rankedMilli = undefined;
  }

  /** Whose member it is. */
  get pool(): P {
    return this.#block.pool;
  }

  get capacityMilli(): number {
    return this.#number(CAPACITY);
  }
  set capacityMilli(milli: number) {
    this.#put(CAPACITY, milli);
  }

  get loadMilli(): number {
    return this.#number(LOAD);
  }
  set loadMilli(milli: number) {
    this.#put(LOAD, milli);
  }

  get reportedAtMs(): number {
    return this.#number(REPORTED_AT);
  }
  set reportedAtMs(atMs: number) {
    this.#put(REPORTED_AT, atMs);
  }

  /** What it was charged with when it left, to be given back exactly. */
  get chargedMilli(): number {
    return this.#number(CHARGED);
  }
  set chargedMilli(milli: number) {
    this.#put(CHARGED, milli);
  }

  /** Since when it is silent, while it is; its load counts until everybody else has spoken since, and so has said what it took over. */
  get silentSinceMs(): number | undefined {
    return this.#maybe(SILENT_SINCE);
  }
  set silentSinceMs(sinceMs: number | undefined) {
    this.#put(SILENT_SINCE, sinceMs ?? Number.NaN);
  }

  get rankedMilli(): number | undefined {
    return this.#maybe(RANKED);
  }
  set rankedMilli(milli: number | undefined) {
    this.#put(RANKED, milli ?? Number.NaN);
  }

  /** It says that it can work. */
  get able(): boolean {
    return this.#has(ABLE);
  }
  set able(able: boolean) {
    this.#flag(ABLE, able);
  }

  /** Its last report is young enough. */
  get fresh(): boolean {
    return this.#has(FRESH);
  }
  set fresh(fresh: boolean) {
    this.#flag(FRESH, fresh);
  }

  get carried(): boolean {
    return this.#has(CARRIED);
  }
  set carried(carried: boolean) {
    this.#flag(CARRIED, carried);
  }

  /** It holds a permit and is charged for it. */
  get onLeave(): boolean {
    return this.#has(ON_LEAVE);
  }
  set onLeave(onLeave: boolean) {
    this.#flag(ON_LEAVE, onLeave);
  }

  /** While it is on leave: its shards counted on it when it left. After a coordinator's start that is taken for so. */
  get heldShards(): boolean {
    return this.#has(HELD_SHARDS);
  }
  set heldShards(held: boolean) {
    this.#flag(HELD_SHARDS, held);
  }

  #number(place: number): number {
    return this.#block.numbers[this.#at * NUMBERS + place] as number;
  }

  #maybe(place: number): number | undefined {
    const value = this.#number(place);
    return Number.isNaN(value) ? undefined : value;
  }

  #put(place: number, value: number): void {
    this.#block.numbers[this.#at * NUMBERS + place] = value;
  }

  #has(flag: number): boolean {
    return ((this.#block.flags[this.#at] as number) & flag) !== 0;
  }

  #flag(flag: number, on: boolean): void {
    const { flags } = this.#block;
    const was = flags[this.#at] as number;
    flags[this.#at] = on ? was | flag : was & ~flag;
  }
}

/** A pool's rows. */
export class MemberTable<P> {
  readonly #blocks: Blocks<Block<P>>;

  constructor(pool: P) {
    this.#blocks = new Blocks((rows) => {
      return { pool, numbers: new Float64Array(rows * NUMBERS), flags: new Uint8Array(rows) };
    });
  }

  /** A row for a node that brings nothing yet. */
  add(nodeId: string, domains: readonly string[]): MemberView<P> {
    const [block, at] = this.#blocks.take();
    return new MemberView(block, at, nodeId, domains);
  }
}
