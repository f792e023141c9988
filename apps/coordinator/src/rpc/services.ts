/** What every service works with, and the errors they share. */
import { status } from "@grpc/grpc-js";
import { RpcError } from "@moult/contracts";
import { ErrorReason, type AttendResponse, type Member } from "@moult/contracts/v1";
import type { Node } from "@moult/policy";
import type { Anomalies } from "../anomalies/anomalies.ts";
import type { PartFiles } from "../artifacts/part-files.ts";
import type { Challenges } from "../identity/challenge.ts";
import type { EnrollmentTokens } from "../identity/enrollment.ts";
import type { Sessions } from "../identity/sessions.ts";
import { type Owner, StoreUnavailable } from "../ledger/owner.ts";
import type { Attending } from "../ledger/attending.ts";
import { Overloaded, type Pressure } from "../ledger/pressure.ts";
import type { Topic } from "../ledger/topics.ts";
import type { Numbers } from "../metrics/numbers.ts";
import type { Clock, Log, Random } from "../ports.ts";
import type { Store } from "../store/port.ts";
import type { Carried } from "../trust/carried.ts";
import type { TrustHolder } from "../trust/holder.ts";
import type { OwnStatus } from "../wire/status.ts";
import type { LargeFiles } from "./large-files.ts";
import type { RequestMemory } from "./request-memory.ts";

/** The parts of a running coordinator. */
export interface Parts {
  readonly network: string;
  readonly owner: Owner;
  readonly trust: TrustHolder;
  /** SHA-256 of the SubjectPublicKeyInfo that this server's TLS shows now, 64 hexadecimal digits: what roots pin. */
  readonly tlsPin: () => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly challenges: Challenges;
  readonly sessions: Sessions;
  readonly tokens: () => EnrollmentTokens;
  readonly partFiles: PartFiles;
  /** Base URLs at which devices find the artifacts. */
  readonly sources: () => readonly string[];
  readonly largeFiles: LargeFiles;
  readonly members: Topic<Member>;
  readonly notices: Topic<AttendResponse>;
  readonly attending: Attending;
  readonly pressure: Pressure;
  readonly requests: () => RequestMemory;
  readonly anomalies: Anomalies;
  readonly store: Pick<Store, "status">;
  /** What is counted while calls are served. */
  readonly numbers: Numbers;
  /** How this coordinator stands. */
  readonly ownStatus: () => OwnStatus;
}

/** What is carried, once it is written: nobody may hear of what could still be lost. */
export function readCarried({
  owner,
  trust,
}: Pick<Parts, "owner" | "trust">): Promise<{ readonly carried: Carried; readonly now: number }> {
  return owner.decide((_, now) => ({ answer: { carried: trust.current, now }, changes: [], effects: [] }));
}

/** The node of that id. Throws NOT_FOUND. */
export function nodeOf(parts: Parts, nodeId: string): Node {
  const node = parts.owner.ledger.nodes.get(nodeId);
  if (node !== undefined) return node;
  throw new RpcError(status.NOT_FOUND, ErrorReason.NODE_UNKNOWN, `no node ${nodeId} is enrolled here`);
}

/** UNAVAILABLE for a stream whose subject was loaded anew after the store had failed. */
export function loadedAnew(): RpcError {
  const message = "the coordinator has loaded its state anew; watch again";
  return new RpcError(status.UNAVAILABLE, ErrorReason.STORE_UNAVAILABLE, message);
}

/** NOT_FOUND for a pool. Pools come into being with their first token. */
export function poolUnknown(poolId: string): RpcError {
  return new RpcError(
    status.NOT_FOUND,
    ErrorReason.POOL_UNKNOWN,
    `no pool ${poolId} here; a pool comes into being with its first enrolment token`,
  );
}

/** NOT_FOUND for a release. */
export function releaseUnknown(version: string): RpcError {
  return new RpcError(status.NOT_FOUND, ErrorReason.RELEASE_UNKNOWN, `no release ${version} was published here`);
}

/** A client may try again this soon after the store failed, in milliseconds: the ledger is loaded again in between. */
const STORE_RETRY_MS = 2_000;

/** What callers are told of an error that the owner or the watch over it can throw, in any call; undefined for every other error. */
export function storeRefusal(error: unknown): RpcError | undefined {
  if (error instanceof Overloaded) {
    const more = { retryAfterMs: error.retryAfterMs, cause: error };
    return new RpcError(status.RESOURCE_EXHAUSTED, ErrorReason.OVERLOADED, error.message, more);
  }
  if (!(error instanceof StoreUnavailable)) return undefined;
  const options = { retryAfterMs: STORE_RETRY_MS, cause: error };
  return new RpcError(status.UNAVAILABLE, ErrorReason.STORE_UNAVAILABLE, error.message, options);
}
