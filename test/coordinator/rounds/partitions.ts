/** Blows that stop a process or break its links, and mend them. */
import { until } from "../../../apps/coordinator/src/testing/wait.ts";
import type { LinkState } from "../stage/proxy.ts";
import type { Stage } from "../stage/stage.ts";
import { type Blow, between } from "./blow.ts";

/** A lease of 3 s, a look, a load, and what a busy machine adds. */
const TAKEN_WITHIN_MS = 40_000;

async function another({ cluster }: Stage, than: string): Promise<void> {
  await until("another decides", async () => (await cluster.seat()) !== than || undefined, TAKEN_WITHIN_MS);
}

const databaseCut = (kind: string, state: LinkState, what: string): Blow => ({
  kind,
  stage: "postgres",
  what,
  async strike(stage) {
    const { cluster, load, random } = stage;
    const seat = await cluster.seat();
    cluster.database(seat).become(state);
    try {
      await another(stage, seat);
      await load.goesOn(between(random, 10, 30));
    } finally {
      cluster.database(seat).become("whole");
    }
  },
});

const trunkCut = (kind: string, state: LinkState, what: string): Blow => ({
  kind,
  stage: "postgres",
  what,
  async strike({ cluster, load, random }) {
    const seat = await cluster.seat();
    cluster.trunk(seat).become(state);
    try {
      await load.goesOn(between(random, 20, 60));
    } finally {
      cluster.trunk(seat).become("whole");
    }
    if ((await cluster.seat()) !== seat) throw new Error(`${seat} lost the seat though it reached the database`);
  },
});

export const PARTITIONS: readonly Blow[] = [
  {
    kind: "pause-seat",
    stage: "postgres",
    what: "SIGSTOP of the coordinator that has the seat past its lease, and SIGCONT",
    async strike(stage) {
      const { cluster, load, random } = stage;
      const seat = await cluster.seat();
      cluster.signal(seat, "SIGSTOP");
      try {
        await another(stage, seat);
        await load.goesOn(between(random, 10, 30));
      } finally {
        cluster.signal(seat, "SIGCONT");
      }
    },
  },
  databaseCut("database-silent", "silent", "between the seat and the database nothing passes, and all of it late"),
  databaseCut("database-deaf", "deaf", "what the seat says reaches the database, and no answer comes back"),
  databaseCut("database-cut", "cut", "connections between the seat and the database are reset"),
  trunkCut("replicas-silent", "silent", "between the seat and the other coordinators nothing passes"),
  trunkCut("replicas-cut", "cut", "connections between the seat and the other coordinators are reset"),
];
