/** HTTPS connections whose servers are judged by the time floor. */
import { Agent, type AgentOptions } from "node:https";
import { type Socket, connect } from "node:net";
import type { Duplex } from "node:stream";
import { type PeerTrust, secure } from "./peer-trust.ts";

/** A server that has not shown its certificate by then is given up, in milliseconds. */
const HANDSHAKE_MS_MAX = 30_000;

/** An agent for `node:https` that trusts nobody but `trust` does. */
export class FloorAgent extends Agent {
  readonly #trust: PeerTrust;

  constructor(trust: PeerTrust, options: AgentOptions) {
    // No session is kept: each connection shows its chain.
    super({ ...options, maxCachedSessions: 0 });
    this.#trust = trust;
  }

  /** Called by `node:http`; the connection comes by `made`, judged. */
  override createConnection(
    options: { readonly host?: string | null; readonly port?: number | string | null },
    made: (error: Error | null, connection?: Duplex) => void,
  ): Duplex | null {
    const host = (options.host ?? "").replace(/^\[(.*)\]$/, "$1");
    const socket: Socket = connect({ host, port: Number(options.port ?? 443) });
    const refuse = (error: Error): void => made(error);
    socket.once("error", refuse);
    socket.setTimeout(HANDSHAKE_MS_MAX, () => socket.destroy(new Error("no connection within half a minute")));
    socket.once("connect", () => {
      socket.off("error", refuse);
      const judged = async (): Promise<void> => {
        const secured = await secure(socket, this.#trust, { host });
        socket.setTimeout(0);
        made(null, secured);
      };
      judged().catch(refuse);
    });
    return null;
  }
}
