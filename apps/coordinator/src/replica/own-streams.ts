/**
 * Connections to the replica that decides for streams of their own: what operators and routers watch, and what is not small. A
 * server lets one connection have only so many streams, so there are as many connections as it takes, up to a bound.
 */
import type { Readable } from "node:stream";
import { type Client, status } from "@grpc/grpc-js";
import { RpcError } from "@moult/contracts";
import { ErrorReason } from "@moult/contracts/v1";
import { type Cancellable, PacedCancels } from "./paced-cancels.ts";

/** Below the 100 that a server lets a connection have. */
const STREAMS_PER_CONNECTION = 80;
/** In all. Routers and operators have one or two each. */
const STREAMS_MAX = 1_600;
const RETRY_MS = 1_000;

/** A stream, and what is to be called when its caller has gone or it is over. It is not to be cancelled otherwise. */
export interface OwnStream<S> {
  readonly stream: S;
  readonly leave: () => void;
}

interface Line {
  readonly client: Client;
  readonly cancels: PacedCancels;
  streams: number;
}

/** The connections. */
export class OwnStreams {
  readonly #connect: () => Client;
  readonly #open: Line[] = [];
  #streams = 0;

  constructor(connect: () => Client) {
    this.#connect = connect;
  }

  /** Opens a stream where there is room. Throws RESOURCE_EXHAUSTED where there is none. */
  open<S extends Readable & Cancellable>(begin: (client: Client) => S): OwnStream<S> {
    if (this.#streams >= STREAMS_MAX) {
      const message = `${STREAMS_MAX} streams are handed on already`;
      throw new RpcError(status.RESOURCE_EXHAUSTED, ErrorReason.OVERLOADED, message, { retryAfterMs: RETRY_MS });
    }
    let line = this.#open.find(({ streams }) => streams < STREAMS_PER_CONNECTION);
    if (line === undefined) {
      line = { client: this.#connect(), cancels: new PacedCancels(), streams: 0 };
      this.#open.push(line);
    }
    const taken = line;
    const stream = begin(taken.client);
    taken.streams += 1;
    this.#streams += 1;
    let isOver = false;
    // Its place is another's when it is over for the server, too, and not as soon as its caller has gone.
    stream.once("status", () => {
      isOver = true;
      taken.streams -= 1;
      this.#streams -= 1;
      taken.cancels.drop(stream);
    });
    // Nobody reads any more what it ended with.
    stream.on("error", () => undefined);
    const leave = (): void => {
      stream.destroy();
      if (!isOver) taken.cancels.put(stream);
    };
    return { stream, leave };
  }

  close(): void {
    for (const { client, cancels } of this.#open) {
      cancels.close();
      client.close();
    }
  }
}
