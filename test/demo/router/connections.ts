/**
 * The kept connections to one node for the time in which it takes work. When the node leaves they are retired: idle ones
 * end at once, busy ones after their answer, so that none outlives the process it led to.
 */
import { Agent } from "node:http";

/** An idle connection is given up before any server would close it. In milliseconds. */
const IDLE_MS = 4000;
/** Idle connections kept a node: a little more than it works on at once. */
const IDLE_MAX = 8;

/** A pool of kept connections to one node. */
export class Connections {
  readonly agent: Agent;

  constructor() {
    this.agent = new Agent({ keepAlive: true, maxFreeSockets: IDLE_MAX, timeout: IDLE_MS });
  }

  /** No connection is kept any longer. Requests under way go on to their end. */
  retire(): void {
    this.agent.maxFreeSockets = 0;
    for (const sockets of Object.values(this.agent.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy();
    }
  }
}
