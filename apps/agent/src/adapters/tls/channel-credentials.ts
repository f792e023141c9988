/**
 * gRPC channels whose servers are judged by the time floor. grpc-js lets a channel's credentials make its connections
 * secure, by a method it marks as its own; its version is pinned, and the tests beside this file hold it to that.
 */
import { CallCredentials, ChannelCredentials } from "@grpc/grpc-js";
import type { Socket } from "node:net";
import { type PeerTrust, secure } from "./peer-trust.ts";

type Connector = ReturnType<ChannelCredentials["_createSecureConnector"]>;

/** Credentials for one server. */
export class FloorCredentials extends ChannelCredentials {
  readonly #trust: PeerTrust;
  readonly #host: string;

  /** `address` is `host:port`; the certificate must be for its host. */
  constructor(trust: PeerTrust, address: string) {
    super();
    this.#trust = trust;
    this.#host = address.slice(0, address.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
  }

  override _isSecure(): boolean {
    return true;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(): Connector {
    const closing = new AbortController();
    return {
      connect: async (socket: Socket) => {
        const options = { host: this.#host, protocols: ["h2"], signal: closing.signal };
        return { socket: await secure(socket, this.#trust, options), secure: true };
      },
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => CallCredentials.createEmpty(),
      destroy: () => closing.abort(),
    };
  }
}
