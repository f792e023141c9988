/**
 * A node as a view of its row: it reads and writes columns. What hardly any node has stands beside the row, in an object of
 * its own that most have not. It decides nothing.
 */
import type { LastVerdict, Node, NodeIdentity, NodeRecord, NodeRunning } from "../domain/node.ts";
import type { Permit } from "../domain/permit.ts";
import { HOST_NUMBERS, type HostNumbers, type Situation, type WorkState } from "../domain/situation.ts";
import type { Member } from "../pool/pool.ts";
import {
  ANSWERED_AT,
  BOOT_HEARD_AT,
  CAPACITY,
  type Columns,
  DECISION,
  DECISIONS,
  ENROLLED_AT,
  FLAGS,
  GATE,
  GATES,
  HAS_HOST,
  HOST,
  IN_FLIGHT,
  KEY_BYTES,
  LOAD,
  LOST,
  MARKS,
  type Manner,
  NUMBERS,
  ORDERED_SEQUENCE,
  type Origin,
  REASON,
  REASONS,
  REASON_PLACES,
  REPORTED_AT,
  SEQUENCE,
} from "./columns.ts";
import { keyText, packKey } from "./key-text.ts";

/** What hardly any node has. */
export interface Rest {
  formerBootIds: readonly string[];
  rival: NodeRecord["rival"];
  quarantine: NodeRecord["quarantine"];
  lastOutcome: NodeRecord["lastOutcome"];
  lastOutcomeKey: string;
  deniedDigests: readonly string[];
  /** A public key whose text is no key's. */
  publicKey: string | undefined;
}

const NONE: readonly string[] = [];
const NO_HOST: HostNumbers = [];

/** The view. There is one for each row; it is the node. */
export class NodeView implements Node {
  readonly nodeId: string;
  permit: Permit | undefined = undefined;
  member: Member | undefined = undefined;
  readonly #columns: Columns;
  /** The row in its block. */
  readonly #at: number;
  #rest: Rest | undefined;

  /** A row that was filled before. */
  constructor(columns: Columns, at: number, nodeId: string, rest?: Rest) {
    this.#columns = columns;
    this.#at = at;
    this.nodeId = nodeId;
    this.#rest = rest;
  }

  /** Fills an empty row. */
  static enrol(columns: Columns, at: number, identity: NodeIdentity, origin: Origin): NodeView {
    const row = new NodeView(columns, at, identity.nodeId);
    columns.origins[at] = origin;
    columns.numbers[at * NUMBERS + ENROLLED_AT] = identity.enrolledAtMs;
    if (!packKey(identity.publicKey, columns.keys, at * KEY_BYTES)) row.#others().publicKey = identity.publicKey;
    return row;
  }

  /** What it has that hardly any node has. */
  get rest(): Rest | undefined {
    return this.#rest;
  }

  get identity(): NodeIdentity {
    const { poolId, model, labels, domains } = this.#origin;
    const publicKey = this.#rest?.publicKey ?? keyText(this.#columns.keys, this.#at * KEY_BYTES);
    return { nodeId: this.nodeId, poolId, publicKey, model, labels, domains, enrolledAtMs: this.#number(ENROLLED_AT) };
  }
  get poolId(): string {
    return this.#origin.poolId;
  }
  get model(): string {
    return this.#origin.model;
  }
  get labels(): NodeIdentity["labels"] {
    return this.#origin.labels;
  }
  get domains(): readonly string[] {
    return this.#origin.domains;
  }

  get running(): NodeRunning | undefined {
    return this.#columns.runnings[this.#at];
  }
  set running(running: NodeRunning | undefined) {
    this.#columns.runnings[this.#at] = running;
  }

  get capacityRps(): number {
    return this.#number(CAPACITY);
  }
  get endpoint(): string {
    return this.#columns.endpoints[this.#at] as string;
  }
  get workState(): WorkState {
    return this.#manner.workState;
  }
  get interruptible(): boolean {
    return this.#manner.interruptible;
  }

  get situation(): Situation {
    const { shards, workState, interruptible, osRelease } = this.#manner;
    return {
      capacityRps: this.#number(CAPACITY),
      loadRps: this.#number(LOAD),
      inFlight: this.#number(IN_FLIGHT),
      shards,
      workState,
      interruptible,
      endpoint: this.endpoint,
      host: this.#has(HAS_HOST) ? this.#host() : NO_HOST,
      osRelease,
    };
  }
  /** What is said again is kept as it is: most words change numbers only. */
  set situation(situation: Situation) {
    const { numbers, manners, endpoints } = this.#columns;
    const from = this.#at * NUMBERS;
    numbers[from + CAPACITY] = situation.capacityRps;
    numbers[from + LOAD] = situation.loadRps;
    numbers[from + IN_FLIGHT] = situation.inFlight;
    if (endpoints[this.#at] !== situation.endpoint) endpoints[this.#at] = situation.endpoint;
    if (!sameManner(this.#manner, situation)) {
      const { shards, workState, interruptible, osRelease } = situation;
      manners[this.#at] = { shards, workState, interruptible, osRelease };
    }
    const { host } = situation;
    this.#flag(HAS_HOST, host.length > 0);
    for (let fact = 0; fact < host.length; fact += 1) numbers[from + HOST + fact] = host[fact] as number;
  }

  get reportedAtMs(): number | undefined {
    const atMs = this.#number(REPORTED_AT);
    return Number.isNaN(atMs) ? undefined : atMs;
  }
  set reportedAtMs(atMs: number | undefined) {
    this.#put(REPORTED_AT, atMs ?? Number.NaN);
  }

  get bootId(): string {
    return this.#columns.bootIds[this.#at] as string;
  }
  set bootId(bootId: string) {
    if (this.#columns.bootIds[this.#at] !== bootId) this.#columns.bootIds[this.#at] = bootId;
  }

  get sequence(): number {
    return this.#number(SEQUENCE);
  }
  set sequence(sequence: number) {
    this.#put(SEQUENCE, sequence);
  }

  get orderedSequence(): number {
    return this.#number(ORDERED_SEQUENCE);
  }
  set orderedSequence(sequence: number) {
    this.#put(ORDERED_SEQUENCE, sequence);
  }

  get bootHeardAtMs(): number {
    return this.#number(BOOT_HEARD_AT);
  }
  set bootHeardAtMs(atMs: number) {
    this.#put(BOOT_HEARD_AT, atMs);
  }

  get lost(): boolean {
    return this.#has(LOST);
  }
  set lost(lost: boolean) {
    this.#flag(LOST, lost);
  }

  get lastVerdict(): LastVerdict | undefined {
    const decision = this.#mark(DECISION);
    if (decision === 0) return undefined;
    return {
      decision: DECISIONS[decision - 1] as LastVerdict["decision"],
      gate: GATES[this.#mark(GATE) - 1],
      reason: REASONS[this.#mark(REASON) - 1] as LastVerdict["reason"],
      atMs: this.#number(ANSWERED_AT),
    };
  }
  set lastVerdict(verdict: LastVerdict | undefined) {
    const { marks } = this.#columns;
    const from = this.#at * MARKS;
    marks[from + DECISION] = verdict === undefined ? 0 : 1 + DECISIONS.indexOf(verdict.decision);
    if (verdict === undefined) return;
    marks[from + GATE] = verdict.gate === undefined ? 0 : 1 + GATES.indexOf(verdict.gate);
    marks[from + REASON] = 1 + REASON_PLACES[verdict.reason];
    this.#put(ANSWERED_AT, verdict.atMs);
  }

  get formerBootIds(): readonly string[] {
    return this.#rest?.formerBootIds ?? NONE;
  }
  set formerBootIds(bootIds: readonly string[]) {
    if (bootIds.length > 0 || this.#rest !== undefined) this.#others().formerBootIds = bootIds;
  }

  get rival(): NodeRecord["rival"] {
    return this.#rest?.rival;
  }
  set rival(rival: NodeRecord["rival"]) {
    if (rival !== undefined || this.#rest !== undefined) this.#others().rival = rival;
  }

  get quarantine(): NodeRecord["quarantine"] {
    return this.#rest?.quarantine;
  }
  set quarantine(quarantine: NodeRecord["quarantine"]) {
    if (quarantine !== undefined || this.#rest !== undefined) this.#others().quarantine = quarantine;
  }

  get lastOutcome(): NodeRecord["lastOutcome"] {
    return this.#rest?.lastOutcome;
  }
  set lastOutcome(outcome: NodeRecord["lastOutcome"]) {
    if (outcome !== undefined || this.#rest !== undefined) this.#others().lastOutcome = outcome;
  }

  get lastOutcomeKey(): string {
    return this.#rest?.lastOutcomeKey ?? "";
  }
  set lastOutcomeKey(key: string) {
    if (key !== "" || this.#rest !== undefined) this.#others().lastOutcomeKey = key;
  }

  get deniedDigests(): readonly string[] {
    return this.#rest?.deniedDigests ?? NONE;
  }
  set deniedDigests(digests: readonly string[]) {
    if (digests.length > 0 || this.#rest !== undefined) this.#others().deniedDigests = digests;
  }

  get #origin(): Origin {
    return this.#columns.origins[this.#at] as Origin;
  }

  get #manner(): Manner {
    return this.#columns.manners[this.#at] as Manner;
  }

  #number(place: number): number {
    return this.#columns.numbers[this.#at * NUMBERS + place] as number;
  }

  #put(place: number, value: number): void {
    this.#columns.numbers[this.#at * NUMBERS + place] = value;
  }

  #mark(place: number): number {
    return this.#columns.marks[this.#at * MARKS + place] as number;
  }

  #has(flag: number): boolean {
    return (this.#mark(FLAGS) & flag) !== 0;
  }

  #flag(flag: number, on: boolean): void {
    const flags = this.#mark(FLAGS);
    this.#columns.marks[this.#at * MARKS + FLAGS] = on ? flags | flag : flags & ~flag;
  }

  #host(): HostNumbers {
    const from = this.#at * NUMBERS + HOST;
    return Array.from(this.#columns.numbers.subarray(from, from + HOST_NUMBERS.length));
  }

  #others(): Rest {
    return (this.#rest ??= {
      formerBootIds: NONE,
      rival: undefined,
      quarantine: undefined,
      lastOutcome: undefined,
      lastOutcomeKey: "",
      deniedDigests: NONE,
      publicKey: undefined,
    });
  }
}

function sameManner(a: Manner, b: Manner): boolean {
  return (
    a.workState === b.workState &&
    a.interruptible === b.interruptible &&
    a.osRelease === b.osRelease &&
    (a.shards === b.shards ||
      (a.shards.length === b.shards.length && a.shards.every((shard, at) => shard === b.shards[at])))
  );
}
