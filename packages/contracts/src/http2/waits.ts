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

/** A connection that can be asked whether it still answers, and ended. */
export interface Pinged {
  readonly ping: () => void;
  readonly end: () => void;
}

/** For all connections and calls of a server. */
export interface Waits {
  /** Connections, from their beginning or their last answer to a ping. Late ones are pinged. */
  readonly quiet: Patience<Pinged>;
  /** Answers to pings. Late ones are ended. */
  readonly pongs: Patience<Pinged>;
  /** The ends of requests, from the headers of their calls. Late ones are told DEADLINE_EXCEEDED. */
  readonly requests: Patience<Failing>;
  /** The ends of requests that came when all room was taken. Late ones are told RESOURCE_EXHAUSTED. */
  readonly crowding: Patience<Failing>;
}

/** How long each is waited for, in milliseconds. */
export interface WaitLimits {
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly requestMs: number;
  readonly crowdingMs: number;
}

/** Waits so long for each. */
export function createWaits({ keepaliveMs, keepaliveTimeoutMs, requestMs, crowdingMs }: WaitLimits): Waits {
  return {
    quiet: new Patience(keepaliveMs, (connection) => connection.ping()),
    pongs: new Patience(keepaliveTimeoutMs, (connection) => connection.end()),
    requests: new Patience(requestMs, (call) => call.fail(unended(requestMs))),
    crowding: new Patience(crowdingMs, (call) => call.fail(crowded())),
  };
}

function unended(requestMs: number): RpcError {
  const text = `the request did not end within ${requestMs} ms`;
  return new RpcError(status.DEADLINE_EXCEEDED, ErrorReason.UNSPECIFIED, text);
}
