/**
 * Loopback ports for the demo. They lie below the range from which the kernel takes ports for outgoing connections: a
 * workload gives its port up for a second while it changes versions, and nothing else may get it meanwhile.
 */
import { type Server, createServer } from "node:net";

/** Port numbers below 32,768 (Linux) and 49,152 (macOS), where outgoing connections begin. */
const FIRST = 15_000;
const LAST = 30_000;
/** Tries before giving up: enough for a machine half of whose ports are taken. */
const TRIES_MAX = 100;

/** `count` ports in a row on which nobody listens now. */
export async function reservePorts(count: number): Promise<number[]> {
  // Blocks, so that two demos that begin at the same moment overlap in all of their ports or, nearly always, in none.
  const blocks = Math.floor((LAST - FIRST) / count);
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const first = FIRST + Math.floor(Math.random() * blocks) * count;
    const ports = Array.from({ length: count }, (_, i) => first + i);
    if (await areFree(ports)) return ports;
  }
  throw new Error(`no ${count} free ports in a row on 127.0.0.1 between ${FIRST} and ${LAST}`);
}

async function areFree(ports: readonly number[]): Promise<boolean> {
  const servers = await Promise.all(ports.map(tryListen));
  const held = servers.filter((server) => server !== undefined);
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  return held.length === ports.length;
}

function tryListen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
