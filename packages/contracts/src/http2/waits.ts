/** What a server waits for of its callers, and what they are told when it has waited long enough. */
import { status } from "@grpc/grpc-js";
import { ErrorReason } from "../../gen/moult/v1/errors_pb.js";
import { RpcError } from "../errors.ts";
import { crowded } from "./framing.ts";
import { Patience } from "./patience.ts";

/** A call that can be ended with an error. */
export interface Failing {
  readonly fail: (error: RpcError) => void;
}

/** For all calls of a server. */
export interface Waits {
  /** The ends of requests, from the headers of their calls. Late ones are told DEADLINE_EXCEEDED. */
  readonly requests: Patience<Failing>;
  /** The ends of requests that came when all room was taken. Late ones are told RESOURCE_EXHAUSTED. */
  readonly crowding: Patience<Failing>;
}

/** Waits so long for each, in milliseconds. */
export function createWaits(requestMs: number, crowdingMs: number): Waits {
  return {
    requests: new Patience(requestMs, (call) => call.fail(unended(requestMs))),
    crowding: new Patience(crowdingMs, (call) => call.fail(crowded())),
  };
}

function unended(requestMs: number): RpcError {
  const text = `the request did not end within ${requestMs} ms`;
  return new RpcError(status.DEADLINE_EXCEEDED, ErrorReason.UNSPECIFIED, text);
}
