/** What the load process is told, and what it answers: one JSON line each way. */
import type { Builds } from "./frames.ts";

/** A node with its session. */
export interface Member {
  readonly nodeId: string;
  readonly token: string;
}

/** What load to make. */
export interface Order {
  readonly what: "ask" | "ask-fresh" | "pulse" | "permit-cycle" | "hold" | "sustain";
  /** `host:port`s; connections are spread over them. */
  readonly addresses: readonly string[];
  readonly ca: string;
  readonly connections: number;
  /** Calls under way at once, over all connections. */
  readonly inFlight: number;
  /** Before it counts, and while it counts, in seconds. */
  readonly warmS: number;
  readonly countS: number;
  /** Streams that each connection holds, where something is held; 1 by default. */
  readonly streamsPerConnection?: number;
  /** Asks and pulses a second where they are not as many as can be; 0 for none. */
  readonly asksPerS?: number;
  readonly pulsesPerS?: number;
  readonly members: readonly Member[];
  readonly builds: Builds;
}

/** What came of it while it counted. */
export interface Answer {
  readonly calls: number;
  /** Calls that were answered since the start, whether they counted or not. */
  readonly allCalls: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
  /** The first failure's words; empty where none failed. */
  readonly failure: string;
  readonly pulses: number;
}
