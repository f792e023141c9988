/** What callers are told of a call that was handed on and failed. */
import { Metadata, status } from "@grpc/grpc-js";
import { RpcError, readRpcError } from "@moult/contracts";
import { ErrorReason } from "@moult/contracts/v1";

/** A caller may try again so soon: the seat is taken over within seconds. */
const RETRY_MS = 1_000;
/** By number. */
const STATUSES: ReadonlyMap<number, status> = new Map(
  Object.values(status).flatMap((value) => (typeof value === "number" ? [[value, value] as const] : [])),
);
const DETAILS_KEY = "grpc-status-details-bin";

/** UNAVAILABLE while no replica has the seat, or the one that has it cannot be reached. */
export function nobodyDecides(cause?: unknown): RpcError {
  const message = "no replica that decides can be reached; another takes over within seconds";
  return new RpcError(status.UNAVAILABLE, ErrorReason.STORE_UNAVAILABLE, message, { retryAfterMs: RETRY_MS, cause });
}

/** The other's refusal as it was; where it sent none of its own, the connection failed. */
export function passedOn(code: number, message: string, details: Uint8Array, cause?: unknown): RpcError {
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, Buffer.from(details));
  const { reason, violations, retryAfterMs } = readRpcError(Object.assign(new Error(message), { metadata }));
  if (reason === "") return nobodyDecides(cause);
  const known = (ErrorReason as unknown as Readonly<Record<string, ErrorReason | undefined>>)[reason];
  const more = { violations, cause, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  return new RpcError(STATUSES.get(code) ?? status.UNKNOWN, known ?? ErrorReason.UNSPECIFIED, message, more);
}

/** The details of an error, as they go over the wire. */
export function detailsOf(metadata: Metadata | undefined): Uint8Array {
  const bytes = metadata?.get(DETAILS_KEY)[0];
  return Buffer.isBuffer(bytes) ? bytes : new Uint8Array();
}
