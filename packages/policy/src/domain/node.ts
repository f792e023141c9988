/** A node as it is stored, and as the ledger knows it: that one belongs to exactly one ledger, which alone changes it. */
import type { Member } from "../pool/pool.ts";
import type { OutcomeRecord } from "./outcome.ts";
import type { Permit } from "./permit.ts";
import type { Digest, Platform } from "./release.ts";
import type { Situation, WorkState } from "./situation.ts";
import type { GateName, Reason } from "./verdict.ts";

/** How a node is counted, and how routers see it. */
export type NodeState = "SERVING" | "LEAVING" | "AWAY" | "RETURNED" | "LOST";

/** What enrolment fixes. */
export interface NodeIdentity {
  readonly nodeId: string;
  readonly poolId: string;
  /** Ed25519, 64 hexadecimal digits. */
  readonly publicKey: string;
  readonly model: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly domains: readonly string[];
  readonly enrolledAtMs: number;
}

/** What a node said of itself when it last asked. */
export interface NodeRunning {
  readonly version: string;
  readonly digest: Digest;
  readonly releaseCounter: number;
  readonly platform: Platform;
}

/** The last answer a node got. */
export interface LastVerdict {
  readonly decision: "STAY" | "PREPARE" | "GO";
  readonly gate: GateName | undefined;
  readonly reason: Reason;
  readonly atMs: number;
}

/** A boot before the present one that goes on speaking. */
export interface Rival {
  readonly bootId: string;
  /** Highest sequence heard of it. */
  readonly sequence: number;
  /** How often it spoke after the present boot had. */
  readonly returns: number;
  /** Whether the present boot has spoken since. */
  readonly answered: boolean;
}

/** Why a node is granted nothing. */
export interface Quarantine {
  readonly message: string;
  readonly atMs: number;
}

/** What is known of a node and stored. */
export interface NodeRecord {
  readonly identity: NodeIdentity;
  readonly running: NodeRunning | undefined;
  readonly situation: Situation;
  readonly bootId: string;
  readonly sequence: number;
  /** Sequence of the last ask, step or outcome in this boot: one that is older has been overtaken. Pulses do not count. */
  readonly orderedSequence: number;
  /** The boots before this one, newest first; a message of theirs was delayed. */
  readonly formerBootIds: readonly string[];
  /** When the present boot was first heard; 0 where that was before anybody noted it. */
  readonly bootHeardAtMs: number;
  readonly rival: Rival | undefined;
  /** Two devices hold its key. */
  readonly quarantine: Quarantine | undefined;
  /** Its permit ran out and it has not been heard of since. */
  readonly lost: boolean;
  readonly lastVerdict: LastVerdict | undefined;
  readonly lastOutcome: OutcomeRecord | undefined;
  /** Which move the last outcome was about; a repeat of it is a no-op. */
  readonly lastOutcomeKey: string;
  readonly deniedDigests: readonly Digest[];
}

/** A node of a ledger. `identity` and `situation` are made when they are read: who wants a word of them reads that word. */
export interface Node extends NodeSaid {
  readonly identity: NodeIdentity;
  readonly nodeId: string;
  readonly poolId: string;
  readonly model: string;
  readonly labels: NodeIdentity["labels"];
  readonly domains: readonly string[];
  /** Words of its situation. */
  readonly capacityRps: number;
  readonly endpoint: string;
  readonly workState: WorkState;
  readonly interruptible: boolean;
  /** When it last said how it is, by the coordinator's clock; undefined before the first word since this start. */
  reportedAtMs: number | undefined;
  permit: Permit | undefined;
  /** Its row in its pool's books, once that was made; belongs to the ledger in memory and is never stored. */
  member: Member | undefined;
}

/** What changes of a record, by the ledger's hand. */
type NodeSaid = { -readonly [K in Exclude<keyof NodeRecord, "identity">]: NodeRecord[K] };
