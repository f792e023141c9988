/**
 * Looks after the workload: starts or adopts it, asks what it does, starts it again when it ends, and makes sure that
 * each run hears what it was last told. Whether it may be stopped is not decided here.
 */
import { join } from "node:path";
import { type Disk, DiskError, type SlotStore } from "@moult/slots";
import type { WorkSettings } from "../config/settings.ts";
import type { Clock, Log } from "../ports.ts";
import type { WorkSeen } from "../situation.ts";
import type { WorkBuild } from "./build.ts";
import { type Body, type Life, type Voice, WorkError } from "./ports.ts";
import { type Observed, failuresAfter, isDeaf, restartWait, viewOf } from "./view.ts";

/** What a supervisor needs. */
export interface SupervisorParts {
  readonly disk: Disk;
  readonly store: SlotStore;
  /** Folder in which each workload's parts are laid out, one folder for each. */
  readonly workFolder: string;
  /** Undefined for a build without a workload. */
  readonly bodyOf: (build: WorkBuild, folder: string) => Body | undefined;
  /** Ends what a former agent left running that is not `identity`. May throw DiskError or WorkError. */
  readonly clearOthers: (identity: string) => Promise<void>;
  readonly settings: WorkSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** Called with each look, and at once when the workload ends. */
  readonly onSeen: (seen: WorkSeen) => void;
}

/** For so long after its start, in milliseconds, a workload that does not serve yet is looked at often. */
const YOUNG_MS = 30_000;

/** What the workload is told, until it has heard it. */
type Word =
  | { readonly kind: "drain"; readonly untilMs: number }
  | { readonly kind: "restore"; readonly shards: readonly string[] };

/** The workload that is to run. */
interface Charge {
  readonly build: WorkBuild;
  readonly body: Body | undefined;
}

/** Looks after one workload at a time. */
export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #closed = new AbortController();
  #charge: Charge | undefined;
  #life: { readonly life: Life; readonly voice: Voice; readonly sinceMs: number } | undefined;
  #observed: Observed = { kind: "work-service", alive: false, run: 0, exits: 0, told: true, silences: 0 };
  #word: Word | undefined;
  #failures = 0;
  #fast = false;
  /** The present run was started by a former agent and has not answered this one yet. */
  #isAdopted = false;
  #kick = new AbortController();
  #starting: Promise<void> | undefined;
  /** When it was last told something, and how often it has not answered since. */
  #saidAtMs = 0;
  #unheard = 0;
  /** Which wish of `ensure` or `stop` is the present one. */
  #attempt = 0;
  /** How often in a row `ensure` could not do its work. */
  #troubles = 0;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
  }

  /** The workload as last seen. */
  get seen(): WorkSeen {
    return viewOf({ ...this.#observed, adopted: this.#isAdopted });
  }

  /** Begins to look; ends with `close`. */
  run(): void {
    this.#lookForEver().catch((error: unknown) =>
      this.#parts.log.error({ err: error }, "nobody looks at the workload"),
    );
  }

  /** Looks no more. The workload goes on. */
  close(): void {
    this.#closed.abort();
    this.#kick.abort();
    this.#life?.voice.close();
  }

  /** Looks often while it matters. */
  hurry(fast: boolean): void {
    if (fast === this.#fast) return;
    this.#fast = fast;
    this.#kick.abort();
  }

  /**
   * Makes `build`'s workload the one that runs; leaves it alone where it is. Throws DiskError or WorkError where that is
   * not possible; it is tried again then, after a while that grows.
   */
  async ensure(build: WorkBuild): Promise<void> {
    if (this.#charge?.build.identity === build.identity) return;
    this.#charge = undefined;
    const attempt = (this.#attempt += 1);
    try {
      await this.#take(build);
      this.#troubles = 0;
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof WorkError)) throw error;
      this.#charge = undefined;
      this.#observed = { ...this.#observed, alive: false };
      this.#tell();
      this.#takeLater(build, attempt);
      throw error;
    }
  }

  /** Tries `ensure` again, unless something else has been wanted meanwhile. */
  #takeLater(build: WorkBuild, attempt: number): void {
    const { clock, log } = this.#parts;
    this.#troubles += 1;
    const waitMs = restartWait(this.#troubles + 1);
    const again = async (): Promise<void> => {
      await clock.wait(waitMs, this.#closed.signal);
      if (this.#attempt === attempt && !this.#closed.signal.aborted) await this.ensure(build);
    };
    again().catch((error: unknown) => log.error({ err: error }, "the workload could still not be placed"));
  }

  async #take(build: WorkBuild): Promise<void> {
    await this.#endLife();
    await this.#parts.clearOthers(build.identity);
    const folder = join(this.#parts.workFolder, build.identity);
    this.#observed = {
      kind: build.workload.kind,
      alive: false,
      run: this.#observed.run,
      exits: 0,
      told: true,
      silences: 0,
    };
    this.#failures = 0;
    const body = this.#parts.bodyOf(build, folder);
    this.#charge = { build, body };
    if (body !== undefined) {
      await this.#parts.store.placeTree(folder, build.parts);
      await this.#dropOtherTrees(build.identity);
      const adopted = await body.adopt();
      this.#isAdopted = adopted !== undefined;
      if (adopted === undefined) await this.#start(body);
      else this.#begin(body, adopted);
    }
    await this.#look();
  }

  /** Ends the workload; it is not started again. Resolves when it is gone. Throws DiskError or WorkError. */
  async stop(): Promise<void> {
    this.#attempt += 1;
    this.#charge = undefined;
    this.#word = undefined;
    await this.#endLife();
    this.#tell();
  }

  /**
   * Starts `build`'s workload and leaves it alone: the next agent adopts it. Only after `stop`. Throws DiskError or
   * WorkError; a start that fails is only logged, as the next agent tries again.
   */
  async startForNext(build: WorkBuild): Promise<void> {
    const { store, workFolder, bodyOf, clearOthers, log } = this.#parts;
    await clearOthers(build.identity);
    const folder = join(workFolder, build.identity);
    const body = bodyOf(build, folder);
    if (body === undefined) return;
    await store.placeTree(folder, build.parts);
    try {
      await body.start();
    } catch (error) {
      log.warn({ err: error }, "the next workload did not start");
    }
  }

  /** Tells the workload to drain, and every run that follows, until `restore`. */
  drain(deadlineMs: number): void {
    this.#say({ kind: "drain", untilMs: this.#parts.clock.nowMs() + deadlineMs });
  }

  /** Tells the workload to go on with these shards. */
  restore(shards: readonly string[]): void {
    this.#say({ kind: "restore", shards });
  }

  #say(word: Word): void {
    this.#word = word;
    this.#saidAtMs = this.#parts.clock.nowMs();
    this.#unheard = 0;
    this.#observed = { ...this.#observed, told: false, deaf: false };
    this.#kick.abort();
  }

  async #lookForEver(): Promise<void> {
    const { clock, settings } = this.#parts;
    while (!this.#closed.signal.aborted) {
      this.#kick = new AbortController();
      await this.#look();
      const young = this.#life !== undefined && clock.nowMs() - this.#life.sinceMs < YOUNG_MS;
      const starting = young && this.#observed.answer?.state !== "SERVING";
      await clock.wait(this.#fast || starting ? settings.pollFastMs : settings.pollIntervalMs, this.#kick.signal);
    }
  }

  /** One look. What comes back late, about a run that has ended, is dropped. */
  async #look(): Promise<void> {
    const { run } = this.#observed;
    const life = this.#life;
    if (life !== undefined) {
      const observed = await this.#ask(life.voice);
      if (this.#observed.run !== run || this.#life !== life) return;
      this.#observed = observed;
    }
    this.#tell();
  }

  async #ask(voice: Voice): Promise<Observed> {
    try {
      const answer = await voice.situation();
      // Whoever told an adopted workload to drain is gone, and may have had no time to call it off.
      if (this.#isAdopted && answer.state === "DRAINING") this.#word ??= { kind: "restore", shards: answer.shards };
      this.#isAdopted = false;
      const word = this.#word;
      const observed = { ...this.#observed, answer, silences: 0, deaf: false };
      if (word === undefined || (observed.told && word.kind === "drain")) return { ...observed, told: true };
      if (word.kind === "drain") await voice.drain(Math.max(0, Math.round(word.untilMs - this.#parts.clock.nowMs())));
      else await voice.restore(word.shards);
      if (this.#word !== word) return observed;
      if (word.kind === "restore") this.#word = undefined;
      // The answer was given before it was told; only the next one counts.
      this.#kick.abort();
      return { ...observed, told: true };
    } catch (error) {
      this.#parts.log.debug({ err: error }, "the workload did not answer");
      this.#unheard += 1;
      const drains = this.#word?.kind === "drain" && !this.#observed.told;
      const deaf = drains && isDeaf(this.#unheard, this.#parts.clock.nowMs() - this.#saidAtMs);
      return { ...this.#observed, deaf, silences: this.#observed.silences + 1 };
    }
  }

  /** One start at a time; ending waits for it, so that nothing comes to life behind its back. */
  #start(body: Body): Promise<void> {
    this.#starting = this.#startOnce(body).finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  async #startOnce(body: Body): Promise<void> {
    try {
      this.#begin(body, await body.start());
    } catch (error) {
      this.#parts.log.error({ err: error }, "the workload could not be started");
      this.#startLater(body, 0);
    }
  }

  #begin(body: Body, life: Life): void {
    const { clock, log } = this.#parts;
    const lived = { life, voice: body.speak(), sinceMs: clock.nowMs() };
    this.#life = lived;
    const { answer: _, ...before } = this.#observed;
    this.#observed = { ...before, alive: true, run: before.run + 1, silences: 0, told: this.#word === undefined };
    this.#kick.abort();
    const mourn = async (): Promise<void> => {
      await life.ended;
      if (this.#life !== lived) return;
      this.#life = undefined;
      lived.voice.close();
      this.#startLater(body, clock.nowMs() - lived.sinceMs);
    };
    mourn().catch((error: unknown) => log.error({ err: error }, "the workload's end was missed"));
  }

  /** After an end, or a failed start, that nobody asked for. */
  #startLater(body: Body, lastedMs: number): void {
    const { clock, log } = this.#parts;
    this.#failures = failuresAfter(this.#failures, lastedMs);
    const waitMs = restartWait(this.#failures);
    this.#observed = { ...this.#observed, alive: false, exits: this.#observed.exits + 1 };
    log.warn({ waitMs, exits: this.#observed.exits }, "the workload ended; it is started again");
    this.#tell();
    const restart = async (): Promise<void> => {
      await clock.wait(waitMs, this.#closed.signal);
      if (this.#charge?.body !== body || this.#life !== undefined || this.#closed.signal.aborted) return;
      await this.#start(body);
    };
    restart().catch((error: unknown) => log.error({ err: error }, "the workload was not started again"));
  }

  async #endLife(): Promise<void> {
    await this.#starting;
    const lived = this.#life;
    this.#life = undefined;
    this.#observed = { ...this.#observed, alive: false };
    if (lived === undefined) return;
    lived.voice.close();
    await lived.life.stop(this.#parts.settings.stopGraceMs);
  }

  async #dropOtherTrees(identity: string): Promise<void> {
    const { disk, store, workFolder } = this.#parts;
    // As wholes: after a revert the old workload is started from its tree, if that is there.
    for (const name of await disk.list(workFolder))
      if (name !== identity) await store.removePlacedTree(join(workFolder, name));
  }

  #tell(): void {
    this.#parts.onSeen(this.seen);
  }
}
