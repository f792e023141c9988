/**
 * Loopback ports for the demo. They lie below the range from which the kernel takes ports for outgoing connections: a
 * workload gives its port up for a second while it changes versions, and nothing else may get it meanwhile.
 */
import { type Server, createServer } from "node:net";

/** Below 32,768 (Linux) and 49,152 (macOS), where outgoing connections begin. */
const FIRST = 15_000;
const LAST = 30_000;
/** Tries before giving up: enough for a machine half of whose ports are taken. */
const TRIES_MAX = 200;

/** `count` ports on which nobody listens now, different from each other. */
export async function reservePorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  try {
    for (let tries = 0; ports.length < count; tries += 1) {
      if (tries > TRIES_MAX + count) throw new Error("no free ports on 127.0.0.1 between 15000 and 30000");
      const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
      const server = await tryListen(port);
      if (server === undefined) continue;
      held.push(server);
      ports.push(port);
    }
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
  return ports;
}

function tryListen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
