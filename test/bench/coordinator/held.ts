/**
 * What a connection and a held stream cost a server in memory. The server is one that has done nothing else: memory that an
 * earlier load left behind would be used again and cost nothing. Nobody makes it collect garbage; it is waited until its memory
 * stands still, which is what an operator would see.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { rssMib } from "../stage/process.ts";
import type { Server } from "./servers.ts";

/** How it is held, by the name of its case. */
export interface Holding {
  readonly connections: number;
  readonly streamsPerConnection: number;
}

/** So many streams a server lets a connection have; a proxy in front of devices would use all. */
const SHARED = 100;

/** The three ways: a stream on a connection of its own, on one that it shares, and connections alone. */
export function holdings(streams: number): Readonly<Record<HeldCase, Holding>> {
  return {
    streams: { connections: streams, streamsPerConnection: 1 },
    "streams-shared": { connections: Math.ceil(streams / SHARED), streamsPerConnection: SHARED },
    connections: { connections: streams, streamsPerConnection: 0 },
  };
}

/** The cases. */
export const HELD_CASES = ["streams", "streams-shared", "connections"] as const;
/** The name of one. */
export type HeldCase = (typeof HELD_CASES)[number];

/** Memory stands still when it has changed by less than this for so long; it is waited for no longer than the third. */
const STILL_SHARE = 0.005;
const STILL_MS = 8_000;
const STILL_MS_MAX = 90_000;
const LOOK_MS = 500;

/** Waits until the memory of all processes together stands still; how long that took in seconds, and what it is. */
export async function untilStill({ pids }: Server): Promise<{ readonly afterS: number; readonly rssMB: number }> {
  const now = (): number => pids.reduce((sum, pid) => sum + rssMib(pid), 0);
  const beganMs = performance.now();
  let [rssMB, sinceMs] = [now(), beganMs];
  for (;;) {
    await sleep(LOOK_MS);
    const atMs = performance.now();
    const is = now();
    if (Math.abs(is - rssMB) > rssMB * STILL_SHARE) [rssMB, sinceMs] = [is, atMs];
    const afterS = (atMs - beganMs) / 1_000;
    if (atMs - sinceMs >= STILL_MS || atMs - beganMs >= STILL_MS_MAX) return { afterS, rssMB: is };
  }
}
