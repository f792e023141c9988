/**
 * Errors on the wire: a gRPC status whose `grpc-status-details-bin` carries a google.rpc.Status with an ErrorInfo (reason
 * from the closed enum `ErrorReason`, domain `moult`), a BadRequest with field paths where fields are wrong, and a
 * RetryInfo where a retry helps. A gate's refusal never comes this way.
 */
import { type DescMessage, type Message, create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";
import { ErrorReason } from "../gen/moult/v1/errors_pb.js";

/** The domain in every ErrorInfo. */
export const ERROR_DOMAIN = "moult";

/** The trailer that carries a google.rpc.Status. */
export const DETAILS_KEY = "grpc-status-details-bin";

/** One wrong field: its path, and what would be right. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** What a program needs to know of a failed call. */
export interface ErrorDetails {
  /** Name in `ErrorReason` without its prefix, as in `NODE_UNKNOWN`; empty where the peer sent none. */
  readonly reason: string;
  readonly violations: readonly FieldViolation[];
  /** Wait at least this long before a retry. */
  readonly retryAfterMs: number | undefined;
}

/** A failed call as a handler throws it. The adapter turns it into a gRPC status with details. */
export class RpcError extends Error implements Partial<ServiceError> {
  readonly code: status;
  readonly reason: ErrorReason;
  readonly details: string;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;

  constructor(
    code: status,
    reason: ErrorReason,
    message: string,
    more: { violations?: readonly FieldViolation[]; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = "RpcError";
    this.code = code;
    this.reason = reason;
    this.details = message;
    this.violations = more.violations ?? [];
    this.retryAfterMs = more.retryAfterMs;
  }

  /** The details as messages. */
  get detailMessages(): readonly DetailMessage[] {
    const info = { reason: ErrorReason[this.reason], domain: ERROR_DOMAIN };
    const messages: DetailMessage[] = [{ desc: ErrorInfoSchema, value: create(ErrorInfoSchema, info) }];
    if (this.violations.length > 0) {
      const body = { fieldViolations: this.violations.map((violation) => ({ ...violation })) };
      messages.push({ desc: BadRequestSchema, value: create(BadRequestSchema, body) });
    }
    if (this.retryAfterMs !== undefined) {
      const seconds = Math.floor(this.retryAfterMs / 1000);
      const nanos = Math.round((this.retryAfterMs - seconds * 1000) * 1e6);
      const body = { retryDelay: { seconds: BigInt(seconds), nanos } };
      messages.push({ desc: RetryInfoSchema, value: create(RetryInfoSchema, body) });
    }
    return messages;
  }

  /** A google.rpc.Status with the details, encoded: what `grpc-status-details-bin` carries. */
  get statusBytes(): Buffer {
    const details = this.detailMessages.map(({ desc, value }) => anyPack(desc, value));
    const body = create(StatusSchema, { code: this.code, message: this.message, details });
    return Buffer.from(toBinary(StatusSchema, body));
  }

  /** The trailing metadata with the details. */
  get metadata(): Metadata {
    const metadata = new Metadata();
    metadata.set(DETAILS_KEY, this.statusBytes);
    return metadata;
  }
}

/** By number. */
const STATUSES: ReadonlyMap<number, status> = new Map(
  Object.values(status).flatMap((value) => (typeof value === "number" ? [[value, value] as const] : [])),
);

/**
 * Another server's refusal, handed on as it came: the bytes of its details go on unchanged, with what this version knows nothing
 * of. Code that it does not know is UNKNOWN, a reason UNSPECIFIED.
 */
export class RelayedError extends RpcError {
  readonly #statusBytes: Buffer;

  /** `code` is a gRPC status, `statusBytes` a google.rpc.Status, empty where there was none. */
  constructor(code: number, message: string, statusBytes: Uint8Array, cause?: unknown) {
    const { reason, violations, retryAfterMs } = readDetails(statusBytes);
    const known = (ErrorReason as unknown as Readonly<Record<string, ErrorReason | undefined>>)[reason];
    const more = { violations, cause, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
    super(STATUSES.get(code) ?? status.UNKNOWN, known ?? ErrorReason.UNSPECIFIED, message, more);
    this.#statusBytes = Buffer.from(statusBytes);
  }

  override get statusBytes(): Buffer {
    return this.#statusBytes;
  }
}

/** One detail of an error and its type. */
export interface DetailMessage {
  readonly desc: DescMessage;
  readonly value: Message;
}

/** The details of an error a client got; empty ones where the error carries none or they cannot be read. */
export function readRpcError(error: unknown): ErrorDetails {
  if (!(error instanceof Error) || !("metadata" in error) || !(error.metadata instanceof Metadata)) return NOTHING;
  const bytes = error.metadata.get(DETAILS_KEY)[0];
  return Buffer.isBuffer(bytes) ? readDetails(bytes) : NOTHING;
}

const NOTHING: ErrorDetails = { reason: "", violations: [], retryAfterMs: undefined };

function readDetails(bytes: Uint8Array): ErrorDetails {
  let reason = "";
  let violations: FieldViolation[] = [];
  let retryAfterMs: number | undefined;
  try {
    for (const any of fromBinary(StatusSchema, bytes).details) {
      const info = anyUnpack(any, ErrorInfoSchema);
      if (info?.domain === ERROR_DOMAIN) reason = info.reason;
      const bad = anyUnpack(any, BadRequestSchema);
      if (bad) violations = bad.fieldViolations.map(({ field, description }) => ({ field, description }));
      const retry = anyUnpack(any, RetryInfoSchema)?.retryDelay;
      if (retry) retryAfterMs = Number(retry.seconds) * 1000 + retry.nanos / 1e6;
    }
  } catch {
    // Details are a courtesy of the peer; the status code itself is still the caller's to judge.
    return NOTHING;
  }
  return { reason, violations, retryAfterMs };
}
