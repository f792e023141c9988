/** Failed calls in the agent's words: what is worth repeating, and what the answer was where there was one. */
import { readRpcError } from "@moult/contracts";
import { status } from "@grpc/grpc-js";
import { CallError } from "../../ports.ts";

/** Answers that no repetition changes. All others may be a matter of network or time. */
const FINAL: ReadonlySet<number> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.PERMISSION_DENIED,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.UNIMPLEMENTED,
  status.UNAUTHENTICATED,
]);

/** A peer's sentence goes into logs and reports; a longer one is cut, in characters. */
const MESSAGE_LENGTH_MAX = 512;

/** The failure of a call. */
export function asCallError(error: unknown): CallError {
  if (error instanceof CallError) return error;
  const message = (error instanceof Error ? error.message : String(error)).slice(0, MESSAGE_LENGTH_MAX);
  const code = codeOf(error);
  const { reason } = readRpcError(error);
  return new CallError(code !== undefined && FINAL.has(code) ? "REFUSED" : "UNREACHABLE", reason, message, error);
}

/** Whether the session is to blame: another one may help. */
export function isSessionLost(error: unknown): boolean {
  return codeOf(error) === status.UNAUTHENTICATED || readRpcError(error).reason === "NODE_UNKNOWN";
}

/** Whether the coordinator itself did not answer, so that another one may. */
export function isAddressBad(error: unknown): boolean {
  const code = codeOf(error);
  return code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED;
}

function codeOf(error: unknown): number | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : undefined;
}
