/** A TCP relay on loopback that counts what goes over the wire, TLS and headers included, in both directions. */
import { type AddressInfo, type Socket, connect, createServer } from "node:net";

/** A running relay. */
export interface Relay {
  readonly url: string;
  /** Bytes since the last call. */
  readonly takeBytes: () => number;
  readonly close: () => void;
}

/** Relays to the https URL `to`. */
export async function startRelay(to: string): Promise<Relay> {
  const { hostname, port } = new URL(to);
  const sockets = new Set<Socket>();
  let bytes = 0;
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [from, onward] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("data", (piece) => (bytes += piece.length));
      from.on("error", () => onward.destroy());
      from.on("close", () => {
        sockets.delete(from);
        onward.destroy();
      });
      from.pipe(onward);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    takeBytes() {
      const taken = bytes;
      bytes = 0;
      return taken;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
