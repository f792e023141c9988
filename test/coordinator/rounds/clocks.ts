/** Blows to the wall clock of a machine. */
import type { Stage } from "../stage/stage.ts";
import { type Blow, between } from "./blow.ts";

const HOUR_MS = 3_600_000;

async function leaps(stage: Stage, name: string): Promise<void> {
  const { cluster, load, random } = stage;
  for (const hours of [between(random, 1, 12), -between(random, 1, 12), 0]) {
    cluster.leap(name, hours * HOUR_MS);
    await load.goesOn(between(random, 10, 30));
  }
}

/** The first of the coordinators is started anew with a clock that is hours wrong, gets the seat, and is put right. */
export async function wrongClock({ cluster, load, random }: Stage): Promise<void> {
  const [wrong = "", ...others] = cluster.names;
  const hours = between(random, 1, 12) * (random() < 0.5 ? 1 : -1);
  await cluster.end(wrong, "SIGKILL");
  await cluster.up(wrong, hours * HOUR_MS);
  // Whoever else has the seat, or gets it, leaves it.
  for (const name of others) await cluster.end(name, "SIGTERM");
  await load.goesOn(between(random, 20, 40));
  for (const name of others) await cluster.up(name);
  await cluster.end(wrong, "SIGTERM");
  await load.goesOn(between(random, 20, 40));
  await cluster.up(wrong);
}

export const CLOCKS: readonly Blow[] = [
  {
    kind: "clock-leaps",
    stage: "sqlite",
    what: "the wall clock of the only coordinator leaps by hours, forth and back",
    strike: (stage) => leaps(stage, "r1"),
  },
  {
    kind: "clock-leaps",
    stage: "postgres",
    what: "the wall clock of the coordinator that has the seat leaps by hours, forth and back",
    strike: async (stage) => leaps(stage, await stage.cluster.seat()),
  },
  {
    kind: "clock-wrong",
    stage: "postgres",
    what: "a coordinator whose wall clock is hours wrong gets the seat",
    strike: wrongClock,
  },
];
