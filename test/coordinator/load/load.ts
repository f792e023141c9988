/** The load: all nodes of two pools at once, and an operator, until it is told to stop; and every word that was acknowledged. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Clients } from "../../../apps/coordinator/src/testing/clients.ts";
import { TestDevice } from "../../../apps/coordinator/src/testing/device.ts";
import type { TestNetwork } from "@moult/trust/testing";
import { type TestBuild, buildOf, enveloped } from "../../../apps/coordinator/src/testing/network.ts";
import { signedOverride } from "../../../apps/coordinator/src/testing/override.ts";
import { until } from "../../../apps/coordinator/src/testing/wait.ts";
import type { Acknowledged } from "../checker/acknowledged.ts";
import type { Truth } from "../checker/untrue.ts";
import { CAPACITY_RPS, LoadNode } from "./node.ts";

/** Each pool has so many nodes, which together have so much to carry: with the margin of 15 %, four of eight may leave. */
const NODES = 8;
const POOLS = ["home", "barn"] as const;
const DEMAND_RPS = 34;
/** As the coordinators' configuration has it when it says nothing. */
const MARGIN_RATIO = 0.15;

/** Between two words of a node, so that nobody is busy for nothing. */
const BREATH_MS = 10;
const BETWEEN_OVERRIDES_MS = 100;
const OPERATOR_MS = 2_500;
/** They end by themselves, so that few are in force at once. */
const OVERRIDE_S = 60;
/** Of overrides that are made only to be found again: they let nobody pass. */
const DEFICIT_RPS = 0.001;

/** The load. */
export class Load {
  readonly words: Acknowledged[] = [];
  readonly #atMs: number[] = [];
  readonly #askedMilli = new Map<string, number>();
  readonly #nodes: LoadNode[] = [];
  readonly #reach: () => Clients | undefined;
  readonly #random: () => number;
  readonly #build: TestBuild = buildOf("2.0.0", 2);
  #refused = 0;
  #isOn = false;
  #running: Promise<unknown> = Promise.resolve();

  /** `reach` names a coordinator, another one each time; `random` is uniform from 0 to 1. */
  constructor(reach: () => Clients | undefined, random: () => number) {
    this.#reach = reach;
    this.#random = random;
  }

  /** What is so, whatever anybody decides on. */
  get truth(): Truth {
    const capacityMilli = NODES * CAPACITY_RPS * 1000;
    // Nobody carries less than its share of all, for never do more than all share.
    const loadLeast = DEMAND_RPS / (NODES * CAPACITY_RPS);
    return { capacityMilli, loadLeast, marginRatio: MARGIN_RATIO, askedMilli: this.#askedMilli };
  }

  /** What nodes said that they carry, by pool, at least: without those of whom it may not be known. Nobody may be at work. */
  get carriedRps(): ReadonlyMap<string, number> {
    return new Map(
      POOLS.map((pool, n) => {
        const members = this.#nodes.slice(n * NODES, (n + 1) * NODES);
        return [pool, members.reduce((sum, { carriesRps }) => sum + carriesRps, 0)];
      }),
    );
  }

  /** Makes a release that everybody may have, and has all nodes enrol. */
  async populate(clients: Clients, network: TestNetwork): Promise<void> {
    const { fleet, metadata, releases, rollout, operator, publisher, operatorToken, http } = clients;
    for (const [digest, body] of this.#build.parts) {
      await http("PUT", `/v1/parts/${digest}`, { body, headers: { authorization: `Bearer ${operatorToken}` } });
    }
    await metadata.publishMetadata({ files: [...network.allow(network.entry(this.#build.manifest))] }, publisher);
    await releases.publishRelease({ signedManifests: [enveloped(this.#build)] }, operator);
    const setting = { case: "everyone" as const, value: {} };
    await rollout.setDial({ dial: { release: "releases/2.0.0", setting } }, operator);
    for (const pool of POOLS) {
      const wish = { pool: `pools/${pool}`, uses: NODES, ttlS: 3600 };
      const { enrollmentToken } = await fleet.createEnrollmentToken(wish, operator);
      const nodes = await Promise.all(Array.from({ length: NODES }, () => this.#enrol(clients, enrollmentToken)));
      for (const device of nodes) {
        const node = new LoadNode(device, {
          reach: this.#reach,
          random: this.#random,
          loadRps: () => this.#share(members),
          staged: this.#build.digest,
          acknowledged: (word) => this.#keep(word),
          askedFor: (permitId, loadRps) => void this.#askedMilli.set(permitId, Math.floor(loadRps * 1000)),
        });
        this.#nodes.push(node);
      }
      const members = this.#nodes.slice(-NODES);
    }
  }

  /** Begins. */
  start(): void {
    this.#isOn = true;
    this.#running = Promise.all([...this.#nodes.map((node) => this.#lives(node)), this.#operates()]);
  }

  /** Stops; resolves when nobody waits for an answer any more. */
  async stop(): Promise<void> {
    this.#isOn = false;
    await this.#running;
  }

  /** Waits until so many more words are acknowledged. */
  async goesOn(more: number, withinMs = 40_000): Promise<void> {
    const wanted = this.words.length + more;
    await until(`${more} more words are acknowledged`, () => this.words.length >= wanted || undefined, withinMs);
  }

  /** Waits until so many more words are refused, or not answered. */
  async stumbles(more: number, withinMs = 40_000): Promise<void> {
    const wanted = this.#refused + more;
    await until(`${more} more words are refused`, () => this.#refused >= wanted || undefined, withinMs);
  }

  /** The longest time in which nothing was acknowledged, from then on, in milliseconds. */
  longestSilenceMs(sinceMs: number): number {
    const moments = [sinceMs, ...this.#atMs.filter((atMs) => atMs > sinceMs)];
    return Math.round(Math.max(0, ...moments.slice(1).map((atMs, n) => atMs - (moments[n] ?? atMs))));
  }

  /** Makes one more override in each pool: whatever was decided before stands before them in the logs. Answers their ids. */
  async mark(): Promise<readonly string[]> {
    const one = (pool: string): Promise<string> =>
      until("an override is made", () => this.#override(`pools/${pool}`), 40_000);
    return Promise.all(POOLS.map(one));
  }

  async #enrol(clients: Clients, token: string): Promise<TestDevice> {
    const device = new TestDevice(clients);
    await device.enrol(token);
    await device.openSession();
    return device;
  }

  #share(members: readonly LoadNode[]): number {
    const serving = members.filter((node) => node.serves).length;
    return Math.min(CAPACITY_RPS, DEMAND_RPS / Math.max(1, serving));
  }

  #keep(word: Acknowledged): void {
    this.words.push(word);
    this.#atMs.push(performance.now());
  }

  async #lives(node: LoadNode): Promise<void> {
    while (this.#isOn) {
      if (!(await node.step())) this.#refused += 1;
      await sleep(BREATH_MS * (0.5 + this.#random()));
    }
  }

  async #operates(): Promise<void> {
    while (this.#isOn) {
      await this.#override(`pools/${POOLS[this.#random() < 0.5 ? 0 : 1]}`);
      await sleep(BETWEEN_OVERRIDES_MS);
    }
  }

  /** An override's id where it was acknowledged. */
  async #override(pool: string): Promise<string | undefined> {
    const clients = this.#reach();
    if (clients === undefined) return undefined;
    const wish = signedOverride({ pool, reason: "drill", deficitMaxRps: DEFICIT_RPS }, OVERRIDE_S);
    const call = { ...clients.operator, timeoutMs: OPERATOR_MS };
    try {
      const { override } = await clients.rollout.createOverride(wish, call);
      const overrideId = (override?.name ?? "").replace("overrides/", "");
      this.#keep({ kind: "override", overrideId });
      return overrideId;
    } catch (error) {
      if ((error as { readonly code?: number }).code === undefined) throw error;
      this.#refused += 1;
      return undefined;
    }
  }
}
