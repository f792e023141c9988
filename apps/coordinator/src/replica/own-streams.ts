/**
 * Connections to the replica that decides for streams of their own: what operators and routers watch, and what is not small. A
 * server lets one connection have only so many streams, so there are as many connections as it takes, up to a bound.
 */
import { type Client, status } from "@grpc/grpc-js";
import { RpcError } from "@moult/contracts";
import { ErrorReason } from "@moult/contracts/v1";

/** Below the 100 that a server lets a connection have. */
const STREAMS_PER_CONNECTION = 80;
/** In all. Routers and operators have one or two each. */
const STREAMS_MAX = 1_600;
const RETRY_MS = 1_000;

/** A connection, and what gives the stream's place on it back. */
export interface OwnStream {
  readonly client: Client;
  readonly release: () => void;
}

/** The connections. */
export class OwnStreams {
  readonly #connect: () => Client;
  readonly #open: { readonly client: Client; streams: number }[] = [];
  #streams = 0;

  constructor(connect: () => Client) {
    this.#connect = connect;
  }

  /** Takes a place for one stream. Throws RESOURCE_EXHAUSTED where there is none. */
  take(): OwnStream {
    if (this.#streams >= STREAMS_MAX) {
      const message = `${STREAMS_MAX} streams are handed on already`;
      throw new RpcError(status.RESOURCE_EXHAUSTED, ErrorReason.OVERLOADED, message, { retryAfterMs: RETRY_MS });
    }
    let line = this.#open.find(({ streams }) => streams < STREAMS_PER_CONNECTION);
    if (line === undefined) {
      line = { client: this.#connect(), streams: 0 };
      this.#open.push(line);
    }
    const taken = line;
    taken.streams += 1;
    this.#streams += 1;
    const release = (): void => {
      taken.streams -= 1;
      this.#streams -= 1;
    };
    return { client: taken.client, release };
  }

  close(): void {
    for (const { client } of this.#open) client.close();
  }
}
