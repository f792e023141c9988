/**
 * The demo's own processes and what they tell: the router that spreads requests, the generator that makes them, the
 * observer that looks from outside. The floor is worked out here from what the last two measured, look by look.
 */
import { writeFile } from "node:fs/promises";
import { type FleetPlan, REQUEST_TIMEOUT_MS } from "./fleet/plan.ts";
import { LOAD, OBSERVER, ROUTER } from "./fleet/sources.ts";
import type { House } from "./harness/house.ts";
import type { Supervised } from "./harness/supervised.ts";
import type { LoadCommand, LoadFigures, LoadMessage, LoadSettings } from "./load/messages.ts";
import { Floor, type FloorFigures } from "./measure/floor.ts";
import type { ObserverCommand, ObserverMessage, ObserverSettings, Seen } from "./observer/messages.ts";
import type { CoordinatorAccess } from "./router/membership.ts";
import type { RoutedNode, RouterMessage, RouterSettings } from "./router/messages.ts";

const NO_TRAFFIC: LoadFigures = {
  total: 0,
  failed: 0,
  inFlight: 0,
  offeredRps: 0,
  latencyP50Ms: 0,
  latencyP99Ms: 0,
  longestFailureMs: 0,
  longestFailureByNodeMs: {},
  failuresByReason: {},
  answeredByVersion: {},
};
const NOTHING_SEEN: Seen = { nodes: [], servingCapacityRps: 0, awayAtOnceMax: 0, absencesMs: [] };

/** Router, load generator and observer at work. */
export class Instruments {
  readonly #house: House;
  #load: Supervised | undefined;
  #observer: Supervised | undefined;
  #floor: Floor | undefined;
  traffic: LoadFigures = NO_TRAFFIC;
  seen: Seen = NOTHING_SEEN;
  routed: readonly RoutedNode[] = [];

  constructor(house: House) {
    this.#house = house;
  }

  /** Starts all three. The generator is silent until it is told a rate. */
  async start(plan: FleetPlan, coordinator: CoordinatorAccess, seed: number): Promise<void> {
    const router: RouterSettings = { port: plan.routerPort, coordinator };
    const url = `http://127.0.0.1:${plan.routerPort}/work`;
    const load: LoadSettings = { url, seed, timeoutMs: REQUEST_TIMEOUT_MS };
    const observer: ObserverSettings = { boxes: plan.boxes };
    await this.#run("router", ROUTER, router, (message) => (this.routed = (message as RouterMessage).nodes));
    this.#load = await this.#run("load", LOAD, load, (message) => (this.traffic = message as LoadMessage));
    this.#observer = await this.#run("observer", OBSERVER, observer, (message) =>
      this.#look(message as ObserverMessage),
    );
  }

  /** What counts begins now. */
  begin(): void {
    this.#observer?.send({ kind: "begin" } satisfies ObserverCommand);
    this.#floor = new Floor();
  }

  /** From now on so many requests a second. */
  ask(rps: number): void {
    this.#load?.send({ kind: "rate", rps } satisfies LoadCommand);
  }

  /** What the looks so far have shown of the floor. */
  floor(): FloorFigures {
    return (this.#floor ?? new Floor()).figures();
  }

  #look(seen: Seen): void {
    this.seen = seen;
    this.#floor?.sample(seen.servingCapacityRps, this.traffic.offeredRps);
  }

  async #run(
    name: string,
    script: string,
    settings: object,
    onMessage: (message: unknown) => void,
  ): Promise<Supervised> {
    const file = this.#house.path(`${name}.json`);
    await writeFile(file, JSON.stringify(settings, undefined, 2));
    return this.#house.run({ name, args: [script, "--settings", file], onMessage });
  }
}
