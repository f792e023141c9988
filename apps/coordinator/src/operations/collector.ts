/**
 * How the engine's collector is to treat a process that serves calls. It changes no behaviour but where objects are put.
 *
 * V8 watches where objects are made that live for long, and from then on puts all from there among the old ones, which only its
 * great round collects. In a server every place is such a place whenever answers wait for a disk, and the decision is kept: at
 * 1,111 asks and 16,667 pulses a second a million nodes' coordinator then left 24 MB a second there, grew to three times of what it
 * held, and stopped for half a second to collect it; without, it holds its size.
 */
import { setFlagsFromString } from "node:v8";

/** To be called before the first call is served: what was compiled by then goes by what held then. */
export function tuneCollector(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}
