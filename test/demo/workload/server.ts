/**
 * The workload of the demo: a real HTTP service with a real limit, one process a box, any version. It knows its agent
 * only as somebody who asks on a socket. Bundled into one file a version by `bundler/main.ts`.
 */
import { performance } from "node:perf_hooks";
import { createHttp, listen } from "./http.ts";
import { Rate } from "../measure/rate.ts";
import { findMissing } from "./self-check.ts";
import { readSettings } from "./settings.ts";
import { WorkState } from "./state.ts";
import { serveWork } from "./work-service.ts";
import { WorkQueue } from "./work-queue.ts";

/** The load that is told is that of the last second: steady enough to judge by, and quick to show what others left. */
const LOAD_WINDOW_MS = 1000;
/** How long to wait for the port of a predecessor that is about to end, in milliseconds. */
const PORT_WAIT_MS = 8000;
/** How long what is needed may take to appear, in milliseconds. */
const NEEDS_WAIT_MS = 1000;
/** How often to look whether the last request is answered once told to stop, in milliseconds. */
const STOP_CHECK_MS = 10;

const settings = readSettings(process.env);
const state = new WorkState();
const queue = new WorkQueue(settings);
const work = { settings, state, queue, rate: new Rate(LOAD_WINDOW_MS), nowMs: () => performance.now() };
const http = createHttp(work);

process.once("SIGTERM", () => {
  state.stop();
  http.close();
  setInterval(() => {
    if (queue.inFlight === 0) process.exit(0);
  }, STOP_CHECK_MS);
});

await serveWork(work);
await listen(http, settings.port, work, work.nowMs() + PORT_WAIT_MS);
state.started(await findMissing(import.meta.dirname, settings.needs, NEEDS_WAIT_MS));
