/**
 * What is inside signed statements, read and written. Nothing here is verified: whoever reads has verified the signature
 * over these bytes before, and judges network and times after. A statement that lacks what its kind must say is none.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { BrakeStatementSchema, OverrideStatementSchema } from "../gen/moult/v1/statement_pb.js";
import { formatName, parseName } from "./names.ts";

/** What each kind says about itself, and the rest. Times in milliseconds since 1970. */
export interface StatementFacts<T> {
  readonly network: string;
  readonly issuedMs: number;
  readonly expiresMs: number;
  readonly body: T;
}

/** What a brake says besides. */
export interface BrakeBody {
  /** 1 to 512 characters. */
  readonly reason: string;
}

/** What an override says besides. */
export interface OverrideBody {
  /** The pool's id. */
  readonly pool: string;
  /** Ids of nodes, at most 10,000; empty for every node of the pool. */
  readonly nodes: readonly string[];
  /** 1 to 512 characters. */
  readonly reason: string;
  /** More than 0. */
  readonly deficitMaxRps: number;
  readonly allowShardAndDomain: boolean;
}

/** A payload that is no statement of its kind. */
export class StatementPayloadError extends Error {
  readonly code = "PAYLOAD_INVALID";
}

const REASON_MAX = 512;
const NODES_MAX = 10_000;

/** Reads a BrakeStatement. Throws StatementPayloadError. */
export function readBrakeStatement(payload: Uint8Array): StatementFacts<BrakeBody> {
  const message = decode(() => fromBinary(BrakeStatementSchema, payload));
  return { ...facts(message), body: { reason: reasonOf(message.reason) } };
}

/** The payload of a brake. */
export function writeBrakeStatement(said: StatementFacts<BrakeBody>): Uint8Array {
  return toBinary(BrakeStatementSchema, create(BrakeStatementSchema, { ...header(said), reason: said.body.reason }));
}

/** Reads an OverrideStatement. Throws StatementPayloadError. */
export function readOverrideStatement(payload: Uint8Array): StatementFacts<OverrideBody> {
  const message = decode(() => fromBinary(OverrideStatementSchema, payload));
  const pool = idOf("pools", message.pool);
  if (message.nodes.length > NODES_MAX) throw new StatementPayloadError(`names more than ${NODES_MAX} nodes`);
  const nodes = message.nodes.map((name) => idOf("nodes", name));
  const { deficitMaxRps, allowShardAndDomain } = message;
  if (!Number.isFinite(deficitMaxRps) || deficitMaxRps <= 0) {
    throw new StatementPayloadError("its deficit is not a number above 0");
  }
  return {
    ...facts(message),
    body: { pool, nodes, reason: reasonOf(message.reason), deficitMaxRps, allowShardAndDomain },
  };
}

/** The payload of an override. */
export function writeOverrideStatement(said: StatementFacts<OverrideBody>): Uint8Array {
  const { body } = said;
  const message = create(OverrideStatementSchema, {
    ...header(said),
    pool: formatName("pools", body.pool),
    nodes: body.nodes.map((id) => formatName("nodes", id)),
    reason: body.reason,
    deficitMaxRps: body.deficitMaxRps,
    allowShardAndDomain: body.allowShardAndDomain,
  });
  return toBinary(OverrideStatementSchema, message);
}

function header({ network, issuedMs, expiresMs }: Omit<StatementFacts<unknown>, "body">) {
  return { network, issueTime: timestampFromMs(issuedMs), expireTime: timestampFromMs(expiresMs) };
}

interface Header {
  readonly network: string;
  readonly issueTime?: Timestamp | undefined;
  readonly expireTime?: Timestamp | undefined;
}

function facts(message: Header): Omit<StatementFacts<unknown>, "body"> {
  const { network, issueTime, expireTime } = message;
  if (network === "") throw new StatementPayloadError("it names no network");
  return { network, issuedMs: timeOf(issueTime, "issue"), expiresMs: timeOf(expireTime, "expire") };
}

function timeOf(time: Timestamp | undefined, name: string): number {
  const timeMs = time === undefined ? Number.NaN : timestampMs(time);
  if (!Number.isSafeInteger(Math.floor(timeMs)) || timeMs < 0) {
    throw new StatementPayloadError(`it has no ${name} time`);
  }
  return Math.floor(timeMs);
}

function reasonOf(reason: string): string {
  if (reason.trim() === "" || reason.length > REASON_MAX) {
    throw new StatementPayloadError(`its reason has not 1 to ${REASON_MAX} characters`);
  }
  return reason;
}

function idOf(collection: "pools" | "nodes", name: string): string {
  const id = parseName(collection, name);
  if (id === undefined) throw new StatementPayloadError(`a name of ${collection} is missing or wrong`);
  return id;
}

/** The library throws a plain Error for bytes that are no message; what else it could throw is a defect and stays one. */
function decode<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new StatementPayloadError("it cannot be decoded", { cause: error });
  }
}
