/** How long what is under way may take when the coordinator stops, and the end of an HTTP port within that time. */
import type { Server } from "node:http";
import type { Server as SecureServer } from "node:https";

/** What has not ended by then is cut. Far above what a call takes; a download begins again where it was cut. */
export const STOP_GRACE_MS = 3_000;
/** A connection whose last answer has left is closed this soon, in milliseconds. */
const SWEEP_MS = 25;

/** Takes no further connections, lets requests end, cuts what is left after `graceMs`. */
export async function drainHttp(server: Server | SecureServer, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // Node closes those that are idle now; one whose request ends later would wait for the next.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  const force = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(force);
}
