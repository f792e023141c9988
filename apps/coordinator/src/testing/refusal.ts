/** How a call failed, as a client sees it. */
import { status } from "@grpc/grpc-js";
import { type ErrorDetails, readRpcError } from "@moult/contracts";

/** A failed call. */
export interface Refusal extends ErrorDetails {
  /** Name of the gRPC status, as in `NOT_FOUND`. */
  readonly code: string;
  readonly message: string;
}

/** What an error of a call says. */
export function refusalOf(error: unknown): Refusal {
  const { code = -1, details = String(error) } = error as { readonly code?: number; readonly details?: string };
  return { ...readRpcError(error), code: status[code] ?? `status ${code}`, message: details };
}

/** The refusal of a call that must fail. */
export async function refused(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    return refusalOf(error);
  }
  throw new Error("the call was not refused");
}

/** `CODE REASON` of a call that must fail: what most tests compare. */
export async function refusedWith(call: Promise<unknown>): Promise<string> {
  const { code, reason } = await refused(call);
  return `${code} ${reason}`;
}
