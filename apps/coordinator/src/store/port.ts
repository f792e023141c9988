/**
 * The store port. One writer decides in memory and hands over batches; a batch is durable whole or not at all before
 * `commit` resolves. Engines differ, the shape does not.
 */
import type { TreeStore } from "./tree.ts";
import type { FleetEvent } from "../anomalies/kinds.ts";
import type { Brake, Change, Dial, Node, NodeIdentity, Override, Permit, Release, Tally } from "@moult/policy";

/** An enrolment token. The token itself is never stored, only its SHA-256. */
export interface EnrollmentToken {
  readonly tokenHash: string;
  readonly poolId: string;
  readonly usesLeft: number;
  readonly expiresAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** An answer that is remembered, so that a repeated request gets it again. */
export interface RememberedRequest {
  readonly requestId: string;
  /** SHA-256 of the method and the request's bytes. */
  readonly requestHash: string;
  readonly response: Uint8Array;
  readonly atMs: number;
}

/** One of TUF's four roles. */
export type MetadataRole = "root" | "targets" | "snapshot" | "timestamp";

/** A metadata file as it was signed. */
export interface MetadataFile {
  readonly role: MetadataRole;
  readonly version: number;
  readonly bytes: Uint8Array;
}

/** A breaker's brake as it was signed, and what it says. */
export interface BrakeStatement {
  /** SHA-256 of what was signed. */
  readonly digest: string;
  readonly statement: Uint8Array;
  readonly reason: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** The breaker's public key, 64 hexadecimal digits. */
  readonly breaker: string;
}

/** On whose word a change was made: kept with its leaf in the audit log, and nowhere else. */
export interface Word {
  /** The operator's name. */
  readonly by: string;
  /** Why, where the change itself has no place for it. */
  readonly reason?: string;
  /** The signed statement behind it, as it came, in base64. */
  readonly statement?: string;
}

/** Everything that can be written: the ledger's changes, and what belongs to the shell. */
export type StoreChange = Written & { readonly word?: Word };

type Written =
  | Exclude<Change, { readonly kind: "node" }>
  /** What a node left behind, as the text that is stored: the node itself goes on changing while a batch waits. */
  | { readonly kind: "node"; readonly nodeId: string; readonly poolId: string; readonly state: string }
  | { readonly kind: "enrolled"; readonly identity: NodeIdentity }
  | { readonly kind: "token"; readonly token: EnrollmentToken }
  | { readonly kind: "manifest"; readonly digest: string; readonly envelope: Uint8Array }
  /** A metadata file that is published; it takes the place of one of the same role and version. */
  | { readonly kind: "metadata"; readonly file: MetadataFile }
  /** A metadata file that nobody needs any more. */
  | { readonly kind: "metadata-dropped"; readonly file: Omit<MetadataFile, "bytes"> }
  | { readonly kind: "brake-statement"; readonly brake: BrakeStatement }
  | { readonly kind: "request"; readonly request: RememberedRequest }
  | { readonly kind: "event"; readonly event: FleetEvent }
  | { readonly kind: "totals"; readonly demandByPool: ReadonlyMap<string, number>; readonly tally: Tally };

/** Changes and when they were decided. */
export interface Batch {
  readonly changes: readonly StoreChange[];
  readonly atMs: number;
}

/** What a coordinator starts from. */
export interface Snapshot {
  /** As they were last stored: not heard since, without permit, in nobody's books. They belong to who loads them. */
  readonly nodes: readonly Node[];
  readonly permits: readonly Permit[];
  readonly releases: readonly Release[];
  readonly dials: readonly Dial[];
  readonly overrides: readonly Override[];
  readonly brake: Brake | undefined;
  readonly tokens: readonly EnrollmentToken[];
  readonly requests: readonly RememberedRequest[];
  /** Oldest first. */
  readonly events: readonly FleetEvent[];
  readonly demandByPool: ReadonlyMap<string, number>;
  readonly tally: Tally | undefined;
  /** In the order in which they were published. */
  readonly metadata: readonly MetadataFile[];
  /** Those that have not been tidied away yet. */
  readonly brakeStatements: readonly BrakeStatement[];
}

/** Why a store cannot be used. */
export type StoreErrorCode =
  | "OTHER_NETWORK"
  | "VERSION"
  | "UNREADABLE"
  | "UNWRITABLE"
  /** It would lose what it calls durable: fsync is off, or the like. */
  | "UNSAFE"
  /** Another coordinator holds it. */
  | "HELD"
  /** The connection broke while a batch was on its way: whether it was written shows at the next load. */
  | "UNCERTAIN"
  /** There is something in it, where nothing may be. */
  | "NOT_EMPTY"
  /** Another sequencer has taken the tree over, or another coordinator a pool. */
  | "FENCED"
  /** The metadata in it do not verify, or do not follow from the configured root. */
  | "UNTRUSTED"
  /** The store is older than what was signed for it, or differs from it: a backup was restored, or it was changed. */
  | "BEHIND";

/** The store failed; nothing of the batch was written, unless the code is UNCERTAIN. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Who has the seat: the one of several coordinators that decides. */
export interface SeatView {
  readonly isOurs: boolean;
  /** Whether its lease holds, by the store's clock. False where nobody has it. */
  readonly isAlive: boolean;
  readonly name: string;
  /** `host:port` at which the others reach it. */
  readonly address: string;
  /** Base URL of its artifacts. */
  readonly artifacts: string;
}

/** The seat, where several coordinators share a store. Whoever has it writes; what others write is refused whole. */
export interface Seat {
  readonly look: () => Promise<SeatView>;
  /** Takes it where it is free, held by one that no longer lives, or ours; false where another has it. */
  readonly take: () => Promise<boolean>;
  /** Gives it back, so that another need not wait for the lease. */
  readonly release: () => Promise<void>;
  /** The store's clock, in milliseconds since the epoch. */
  readonly timeMs: () => Promise<number>;
  /** Whether nobody else can have taken it meanwhile, as far as this process's own count of time says. */
  readonly isLeased: () => boolean;
  /** Where this coordinator's artifacts are. */
  readonly announce: (artifacts: string) => void;
}

/** A coordinator that shares the store. */
export interface ReplicaStatus {
  readonly name: string;
  readonly address: string;
  readonly isAlive: boolean;
  /** Whether it has the seat. */
  readonly hasSeat: boolean;
}

/** What a store says of itself and of who writes it. */
export interface StoreStatus {
  readonly engine: "sqlite" | "postgres";
  /** One that was killed is named for a day. Empty where only one can be. */
  readonly replicas: readonly ReplicaStatus[];
  /** Epochs by pool; `*` is what concerns no pool. Empty where only one can write. */
  readonly pools: readonly { readonly poolId: string; readonly replica: string; readonly epoch: number }[];
  readonly tree: {
    readonly epoch: number;
    readonly size: number;
    /** Leaves that the last checkpoint covers; 0 before the first. */
    readonly signedSize: number;
  };
}

/** The store. */
export interface Store {
  readonly status: () => Promise<StoreStatus>;
  /** Where several coordinators share it; undefined where this one is alone. */
  readonly seat?: Seat | undefined;
  /** Resolves when the batch is durable. Rejects with a StoreError; nothing of it was written then, or UNCERTAIN. */
  readonly commit: (batch: Batch) => Promise<void>;
  /** Everything a start needs. */
  readonly load: () => Promise<Snapshot>;
  /** The signed manifest of a build; undefined where it is not known. */
  readonly manifest: (digest: string) => Promise<Uint8Array | undefined>;
  /** Forgets what is of no use any more. */
  readonly tidy: (nowMs: number) => Promise<void>;
  readonly close: () => Promise<void>;
  /** The Merkle tree over all pools' leaves. */
  readonly tree: TreeStore;
}
