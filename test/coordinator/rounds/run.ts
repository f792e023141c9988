/** Plays rounds: the load goes on, a blow is struck, the load goes on, and the log is judged. */
import { POSTGRES_MISSING, postgresBinaries } from "../../../apps/coordinator/src/store/testing/postgres-server.ts";
import type { Fault } from "../checker/entry.ts";
import { seeded } from "../stage/random.ts";
import { Stage } from "../stage/stage.ts";
import { type Blow, type StageName, between } from "./blow.ts";

/** Each has numbers of its own, whichever is made first. */
const STAGES: readonly StageName[] = ["sqlite", "sqlite-small", "postgres", "postgres-small"];

/** What a round came to. */
export interface Round {
  readonly blow: Blow;
  /** Which of all rounds it was. */
  readonly round: number;
  /** Words that were acknowledged in it. */
  readonly acknowledged: number;
  /** The longest time without an acknowledged word from the blow on, in milliseconds. */
  readonly silenceMs: number;
  readonly faults: readonly Fault[];
}

/** Why nothing can be played on a stage here. */
export class Unplayable extends Error {
  override readonly name = "Unplayable";
}

/** Plays rounds; stages are made when they are wanted, and kept. */
export class Player {
  readonly #seed: number;
  readonly #stages = new Map<StageName, Stage>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Plays one. Throws Unplayable where this machine cannot, and whatever a blow throws. */
  async play(blow: Blow, round: number): Promise<Round> {
    const stage = await this.#stage(blow.stage);
    const { load } = stage;
    const before = load.words.length;
    load.start();
    try {
      await load.goesOn(between(stage.random, 20, 40));
      const struckAtMs = performance.now();
      await blow.strike(stage);
      await load.goesOn(between(stage.random, 20, 40));
      await load.stop();
      const silenceMs = load.longestSilenceMs(struckAtMs);
      return { blow, round, acknowledged: load.words.length - before, silenceMs, faults: await stage.faults() };
    } catch (error) {
      const where = `seed ${this.#seed}, round ${round}, ${blow.kind} on ${blow.stage}`;
      throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
    } finally {
      await load.stop();
    }
  }

  async stop(): Promise<void> {
    for (const stage of this.#stages.values()) await stage.stop();
    this.#stages.clear();
  }

  async #stage(name: StageName): Promise<Stage> {
    const known = this.#stages.get(name);
    if (known !== undefined) return known;
    const [engine, small] = name.split("-") as ["sqlite" | "postgres", string | undefined];
    if (engine === "postgres" && postgresBinaries() === undefined) throw new Unplayable(POSTGRES_MISSING);
    const random = seeded(this.#seed + STAGES.indexOf(name));
    const stage = await Stage.start({ engine, small: small !== undefined, random });
    if (stage === undefined) throw new Unplayable("skipped: mounting a small file system takes root on Linux");
    this.#stages.set(name, stage);
    return stage;
  }
}

/** Which blow is struck in each round, by a seed: in any stretch as long as there are blows, each of them once. */
export function schedule(blows: readonly Blow[], rounds: number, seed: number): readonly Blow[] {
  const random = seeded(seed);
  const drawn: Blow[] = [];
  while (drawn.length < rounds) {
    const left = [...blows];
    while (left.length > 0) drawn.push(...left.splice(between(random, 0, left.length), 1));
  }
  return drawn.slice(0, rounds);
}
