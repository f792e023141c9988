/** Where the scenario is played: a fleet that has been switched on, the instruments that watch it, and an audience. */
import { FleetListener } from "./fleet/listen.ts";
import { planFleet, portsNeeded } from "./fleet/plan.ts";
import { type RunningFleet, setUpFleet } from "./fleet/set-up.ts";
import type { House } from "./harness/house.ts";
import { keepPidFile } from "./harness/pid-file.ts";
import { reservePorts } from "./harness/ports.ts";
import { Instruments } from "./instruments.ts";
import type { View } from "./view/view.ts";

/** What the play is played with. */
export interface Stage {
  readonly fleet: RunningFleet;
  readonly instruments: Instruments;
  readonly listener: FleetListener;
  readonly view: View;
  /** Ends the play early: Ctrl-C, or a process that cannot be kept up. */
  readonly signal: AbortSignal;
}

/** What a stage is made for. */
export interface StagePlan {
  readonly house: House;
  readonly nodes: number;
  /** Seed of the traffic. */
  readonly seed: number;
  readonly view: View;
  readonly signal: AbortSignal;
}

/** Builds and starts everything in the house. Nothing is asked of the fleet yet, and nothing may serve yet. */
export async function openStage({ house, nodes, seed, view, signal }: StagePlan): Promise<Stage> {
  const plan = planFleet(nodes, await reservePorts(portsNeeded(nodes)));
  const fleet = await setUpFleet(house, plan, view.tell, signal);
  const instruments = new Instruments(house);
  await instruments.start(plan, fleet.coordinator, seed);
  const listener = await FleetListener.open(fleet.coordinator, signal);
  keepPidFile(house.folder, house.path("pids.json"), () => house.pids(), signal);
  return { fleet, instruments, listener, view, signal };
}
