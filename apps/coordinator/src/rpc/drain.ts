/** What those who attend are told before their stream ends. */
import { create } from "@bufbuild/protobuf";
import { type AttendResponse, AttendResponseSchema } from "@moult/contracts/v1";

/** Nodes that lose their stream come back spread over this. */
const RECONNECT_WITHIN_MS = 10_000;

/** The notice. */
export function drainNotice(): AttendResponse {
  const message = { case: "drain" as const, value: { reconnectWithinMs: RECONNECT_WITHIN_MS } };
  return create(AttendResponseSchema, { message });
}
