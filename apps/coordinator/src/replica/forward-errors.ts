/** What callers are told of a call that was handed on and failed. */
import { type ServiceError, status } from "@grpc/grpc-js";
import { DETAILS_KEY, RelayedError, RpcError, readRpcError } from "@moult/contracts";
import { ErrorReason } from "@moult/contracts/v1";

/** A caller may try again so soon: the seat is taken over within seconds. */
const RETRY_MS = 1_000;

/** UNAVAILABLE while no replica has the seat, or the one that has it cannot be reached. */
export function nobodyDecides(cause?: unknown): RpcError {
  const message = "no replica that decides can be reached; another takes over within seconds";
  return new RpcError(status.UNAVAILABLE, ErrorReason.STORE_UNAVAILABLE, message, { retryAfterMs: RETRY_MS, cause });
}

/** The other's refusal as it was; where it sent none of its own, the connection failed. */
export function passedOn(error: ServiceError): RpcError {
  const details = error.metadata?.get(DETAILS_KEY)[0];
  if (!Buffer.isBuffer(details) || readRpcError(error).reason === "") return nobodyDecides(error);
  return new RelayedError(error.code, error.details, details, error);
}

/** RESOURCE_EXHAUSTED where so much waits for the other replica that no more is taken. */
export function tooMany(what: string): RpcError {
  const message = `${what} wait for the replica that decides`;
  return new RpcError(status.RESOURCE_EXHAUSTED, ErrorReason.OVERLOADED, message, { retryAfterMs: RETRY_MS });
}
