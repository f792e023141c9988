/** What a policy is to the engine: somebody who is asked, and who hears what a coordinator would hear. */
import type { Running } from "./running.ts";

/** A policy at work in one world. Times are milliseconds since the world began. */
export interface Controller {
  /** May this node leave now? It is up, on the old build, and serves. True charges it: it drains. */
  ask(node: number, nowMs: number): boolean;
  /** The node has drained. False: it stays after all, and serves again. */
  drained(node: number, nowMs: number): boolean;
  /** The node serves again, on the new build or, where it reverted, on the old one. */
  returned(node: number, nowMs: number, reverted: boolean): void;
  /** That the node is gone, since a time, has been noticed. */
  vanished(node: number, sinceMs: number): void;
  /** The node is up again, not on leave or resuming what it was at. */
  appeared(node: number, nowMs: number): void;
  /** A minute begins. */
  minute(minute: number): void;
  /** The node says how it is; called only where `hears` is true. */
  pulse(node: number, nowMs: number): void;
  /** A node that is up to date asks, as it does for ever. */
  idleAsk(node: number, nowMs: number): void;
  /** Whether pulses are to be delivered. */
  readonly hears: boolean;
}

/** A policy by its name. */
export interface Policy {
  readonly name: string;
  /** Whether it decides pool by pool, so that a world may be split at its pools. */
  readonly byPool: boolean;
  /** Starts it in a world. */
  begin(engine: Running): Controller;
}
