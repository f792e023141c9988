/** Blows that end processes. */
import { type Blow, between } from "./blow.ts";
import type { Stage } from "../stage/stage.ts";

/** A coordinator that has the seat, or one that has not. */
async function one({ cluster, random }: Stage, hasSeat: boolean): Promise<string> {
  const seat = await cluster.seat();
  const others = cluster.names.filter((name) => name !== seat);
  return hasSeat ? seat : (others[between(random, 0, others.length)] ?? "");
}

async function kill(stage: Stage, name: string): Promise<void> {
  const { cluster, load, random } = stage;
  await cluster.end(name, "SIGKILL");
  if (cluster.names.length > 1) await load.goesOn(between(random, 10, 30));
  await cluster.up(name);
}

export const KILLS: readonly Blow[] = [
  {
    kind: "kill",
    stage: "sqlite",
    what: "kill -9 of the only coordinator, and its start",
    strike: (stage) => kill(stage, "r1"),
  },
  ...(["sqlite", "postgres"] as const).map((stage): Blow => ({
    kind: "restart",
    stage,
    what: "SIGTERM of every coordinator while no node says anything, and their start: the demand is what it was",
    async strike(at) {
      const [fault] = await at.restart();
      if (fault !== undefined) throw new Error(fault.text);
    },
  })),
  {
    kind: "kill-replica",
    stage: "postgres",
    what: "kill -9 of a coordinator without the seat",
    strike: async (stage) => kill(stage, await one(stage, false)),
  },
  {
    kind: "kill-seat",
    stage: "postgres",
    what: "kill -9 of the coordinator that has the seat",
    strike: async (stage) => kill(stage, await one(stage, true)),
  },
  {
    kind: "kill-postgres",
    stage: "postgres",
    what: "kill -9 of PostgreSQL with all its children, and its start",
    async strike({ server }) {
      await server.crash();
      await server.up();
    },
  },
];
