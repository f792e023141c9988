/**
 * The workload's face to the world: `GET /work` does a unit of work, `GET /healthz` says how things are. A request that
 * does not fit is refused at once with 503; one that was taken in is always answered.
 */
import { type Server, type ServerResponse, createServer } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Rate } from "../measure/rate.ts";
import type { Settings } from "./settings.ts";
import type { WorkState } from "./state.ts";
import type { WorkQueue } from "./work-queue.ts";

/** Longer than any client keeps a quiet connection, so that it is always the client who closes. In milliseconds. */
const KEEP_ALIVE_MS = 60_000;

/** What a request touches. */
export interface Work {
  readonly settings: Settings;
  readonly state: WorkState;
  readonly queue: WorkQueue;
  readonly rate: Rate;
  /** Milliseconds on a clock that never goes back. */
  readonly nowMs: () => number;
}

/** The HTTP server, not listening yet. */
export function createHttp(work: Work): Server {
  const server = createServer((request, response) => {
    // A connection that stays open would hold up the end of a process that has been told to stop.
    if (work.state.phase === "STOPPING") response.shouldKeepAlive = false;
    if (request.url === "/work") void doWork(work, response);
    else if (request.url === "/healthz") sayHealth(work, response);
    else send(response, 404, { error: "only /work and /healthz are here" });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

/** Listens on loopback. The port may still be held by the predecessor, which is about to end: tries until `deadlineMs`. */
export async function listen(server: Server, port: number, work: Work, deadlineMs: number): Promise<void> {
  const attempt = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", () => {
        server.off("error", reject);
        resolve();
      });
    });
  for (;;) {
    try {
      return await attempt();
    } catch (cause) {
      const taken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
      if (!taken || work.nowMs() > deadlineMs) throw new Error(`cannot listen on port ${port}`, { cause });
      await delay(20);
    }
  }
}

async function doWork(work: Work, response: ServerResponse): Promise<void> {
  const { settings, state, queue, rate } = work;
  const turn = state.takesWork ? queue.enter() : undefined;
  if (turn === undefined) {
    send(response, 503, { error: state.takesWork ? "too much work" : `the workload is ${state.phase}` });
    return;
  }
  rate.count(work.nowMs());
  await turn;
  await delay(settings.serviceMs);
  send(response, 200, { box: settings.box, version: settings.version });
  // Until the answer is with the kernel, or the asker has gone, the work is not done.
  if (response.closed) queue.leave();
  else response.once("close", () => queue.leave());
}

function sayHealth({ settings, state }: Work, response: ServerResponse): void {
  send(response, state.phase === "FAILED" ? 503 : 200, {
    box: settings.box,
    version: settings.version,
    phase: state.phase,
    message: state.message,
    capacityRps: settings.capacityRps,
    pid: process.pid,
  });
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}
