/**
 * A link between two processes that can fail: bytes go through it until it is told to swallow them, to let them through one
 * way only, or to cut every connection. What was swallowed goes on its way when the link is mended, late, as packets do.
 */
import { type Server, type Socket, connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";

/**
 * `whole`: everything passes. `silent`: nothing passes, and nobody is told. `deaf`: what the caller says arrives, no answer
 * comes back. `cut`: connections are reset, and new ones are.
 */
export type LinkState = "whole" | "silent" | "deaf" | "cut";

/** A link. */
export class Link {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [caller: Socket, called: Socket]>();
  #state: LinkState = "whole";

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** A link to a port of this machine, which is asked for with each connection: who listens there may come later. */
  static async to(target: () => number): Promise<Link> {
    const accepted = (caller: Socket): void => link.#accept(caller, target());
    const server = createServer({ pauseOnConnect: true }, accepted);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const link = new Link(server);
    return link;
  }

  /** Breaks the link, or mends it. */
  become(state: LinkState): void {
    this.#state = state;
    for (const pair of this.#pairs) this.#apply(pair);
  }

  /** Ends it with all that goes through. */
  async close(): Promise<void> {
    this.become("cut");
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(caller: Socket, port: number): void {
    if (this.#state === "cut") return void caller.resetAndDestroy();
    const called = connect(port, "127.0.0.1");
    const pair = [caller, called] as const;
    this.#pairs.add(pair);
    const ended = (): void => {
      this.#pairs.delete(pair);
      caller.destroy();
      called.destroy();
    };
    for (const [from, to] of [pair, [called, caller]] as const) {
      from.on("data", (chunk) => void to.write(chunk));
      from.on("error", ended);
      from.on("close", () => {
        // Whoever is cut off learns nothing of the other's end either.
        if (this.#state === "whole" || this.#state === "cut") ended();
      });
    }
    this.#apply(pair);
  }

  #apply([caller, called]: readonly [Socket, Socket]): void {
    if (this.#state === "cut") {
      caller.resetAndDestroy();
      called.resetAndDestroy();
      return;
    }
    if (this.#state === "whole" && (caller.closed || called.closed)) {
      caller.destroy();
      called.destroy();
      return;
    }
    if (this.#state === "silent") caller.pause();
    else caller.resume();
    if (this.#state === "whole") called.resume();
    else called.pause();
  }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
