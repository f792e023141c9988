/**
 * The agent: the update machine in the middle, the workload and the coordinators around it. Carries out what the
 * machine wants done and tells it what happens; decides nothing about updates itself.
 */
import { type BootRecordFiles, DiskError, type SlotStore } from "@moult/slots";
import { digestOf, parseManifest } from "@moult/trust";
import type { Settings } from "../config/settings.ts";
import { CallError, type Chance, type Clock, type Coordinator, type Host, type Launcher, type Log } from "../ports.ts";
import { StageError } from "../ports.ts";
import { type Situation, type WorkSeen, situationOf } from "../situation.ts";
import type { StateFile } from "../adapters/state-file.ts";
import type { Trust } from "../trust/ports.ts";
import type { DeviceTime } from "../time/device-time.ts";
import type { Durable } from "../update/durable.ts";
import type { Effect, Event, Step, Verdict } from "../update/events.ts";
import type { Machine, Move, OfferedBuild, RunningBuild, StagedBuild } from "../update/state.ts";
import { type WorkBuild, workBuildOf } from "../work/build.ts";
import { WorkError } from "../work/ports.ts";
import type { Supervisor } from "../work/supervisor.ts";
import { type Carried, Loop } from "./loop.ts";
import { Pulses } from "./pulses.ts";

/** What an agent is made of. */
export interface AgentParts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly coordinator: Coordinator;
  readonly host: Host;
  readonly launcher: Launcher;
  readonly store: SlotStore;
  readonly records: BootRecordFiles;
  readonly state: StateFile;
  readonly time: DeviceTime;
  readonly trust: Trust;
  readonly running: RunningBuild;
  readonly workBuild: WorkBuild;
  readonly superviseWith: (onSeen: (seen: WorkSeen) => void) => Supervisor;
  /** Throws StageError. */
  readonly stage: (offered: OfferedBuild, denied: readonly string[]) => Promise<StagedBuild>;
  /** Ends the process: the boot record has changed, or the machine cannot be relied on. */
  readonly exit: (why: "HAND_OVER" | "FAILED") => void;
  /** For an agent that was woken by a timer: called whenever it rests. */
  readonly onRest?: (machine: Machine) => void;
}

/** Phases in which every tenth of a second counts. */
const HURRIED: ReadonlySet<string> = new Set(["DRAINING", "DEPARTING", "TRIAL", "RETURNING"]);

/** The launcher hears from a living agent this often, in milliseconds. */
const ALIVE_MS = 2_000;

const DONE: Carried = {};

/** One agent, from its start to its exit. */
export class Agent {
  readonly #parts: AgentParts;
  readonly #loop: Loop;
  readonly #work: Supervisor;
  readonly #pulses: Pulses;
  #heart: NodeJS.Timeout | undefined;

  constructor(parts: AgentParts, machine: Machine) {
    const { clock, chance, log, settings } = parts;
    this.#parts = parts;
    this.#work = parts.superviseWith((seen) => {
      this.#pulses.consider(seen);
      this.#loop.dispatch({ kind: "WORK", work: seen.view });
    });
    const { pulseIntervalMs: intervalMs } = settings.wire;
    const send = (): Promise<void> => this.#pulse();
    this.#pulses = new Pulses({ clock, log, roll: chance.roll, intervalMs, send });
    this.#loop = new Loop(
      {
        clock,
        chance,
        log,
        tunables: settings.tunables,
        carryOut: (effect, now) => this.#carryOut(effect, now),
        onStep: (now) => this.#work.hurry(HURRIED.has(now.phase.name) || now.memory.telling !== undefined),
        ...(parts.onRest && { onRest: parts.onRest }),
        onDefect: (error) => {
          log.error({ err: error }, "a defect in the agent");
          parts.exit("FAILED");
        },
      },
      machine,
    );
  }

  /** Begins with what the first step wants done. */
  start({ effects }: Step<Machine>): void {
    const { launcher, coordinator, log } = this.#parts;
    launcher.tellUp();
    this.#heart = setInterval(() => launcher.tellAlive(), ALIVE_MS);
    this.#loop.start(effects);
    this.#work.run();
    coordinator.attend({
      nudged: () => this.#loop.dispatch({ kind: "NUDGED" }),
      braked: (engaged, reason, brakes) => {
        log.info({ engaged, reason }, engaged ? "brake on" : "brake off");
        this.#background(() => this.#hearBrakes(engaged, brakes));
      },
      opened: () => this.#pulses.force(),
    });
  }

  /** Ends everything but the workload. */
  close(): void {
    clearInterval(this.#heart);
    this.#loop.close();
    this.#work.close();
    this.#parts.coordinator.close();
  }

  async #carryOut(effect: Effect, machine: Machine): Promise<Carried> {
    const { log } = this.#parts;
    switch (effect.kind) {
      case "ASK": {
        // One file a wake: where new metadata gave way to the time before, it is the time's turn to wait.
        const wrote = effect.drained || this.#parts.trust.owed ? false : await this.#keepTime();
        return this.#inBackground(this.#ask(effect, machine, wrote));
      }
      case "PULL":
        return this.#inBackground(this.#pull(effect.target, machine));
      case "DRAIN_WORK":
        this.#work.drain(effect.deadlineMs);
        return DONE;
      case "RESTORE_WORK":
        this.#work.restore(effect.shards);
        return DONE;
      case "START_WORK": {
        // It is tried again; only a trial cannot wait for that, and what follows is carried out in any case.
        const failure = await this.#onWork(() => this.#work.ensure(this.#parts.workBuild));
        return failure === undefined ? DONE : { event: failure };
      }
      case "STOP_WORK": {
        const failure = await this.#onWork(() => this.#work.stop());
        return failure === undefined ? DONE : { failure };
      }
      case "PULSE":
        this.#pulses.force();
        return DONE;
      case "TELL_RETURNED":
        return this.#inBackground(this.#tellReturned(effect.permitId));
      case "TELL_OUTCOME":
        return this.#inBackground(this.#tellOutcome(effect));
      case "SAVE":
        return this.#save(effect.durable);
      case "RECORD":
        return this.#record(effect, machine);
      case "NOTE":
        log.warn({ phase: machine.phase.name }, effect.message);
        return DONE;
      case "START_NEXT_WORK":
        await this.#startNext(effect.target);
        return DONE;
      case "HAND_OVER":
        this.#parts.exit("HAND_OVER");
        return DONE;
    }
  }

  /** What takes long comes back as an event; the machine goes on meanwhile. */
  #inBackground(work: Promise<Event>): Carried {
    this.#background(async () => this.#loop.dispatch(await work));
    return DONE;
  }

  #background(act: () => Promise<void>): void {
    act().catch((error: unknown) => {
      this.#parts.log.error({ err: error }, "a defect in the agent");
      this.#parts.exit("FAILED");
    });
  }

  /** A breaker's brake ends what has not left yet; the end of a brake wakes whoever waits for it. */
  async #hearBrakes(engaged: boolean, brakes: readonly Uint8Array[]): Promise<void> {
    const { refusal, kept } = this.#parts.trust.hear(brakes);
    if (refusal !== undefined) this.#loop.dispatch({ kind: "FORBIDDEN", refusal });
    else if (!engaged && this.#loop.machine.memory.setback?.reason === "BRAKED")
      this.#loop.dispatch({ kind: "NUDGED" });
    await kept;
  }

  /** What runs, under the release counter that the council's list gives it. */
  #running(): RunningBuild {
    const { running, trust } = this.#parts;
    return { ...running, releaseCounter: trust.counterOf(running) };
  }

  async #ask(effect: Effect & { readonly kind: "ASK" }, machine: Machine, wrote: boolean): Promise<Event> {
    const { coordinator, host, trust, log, clock } = this.#parts;
    const running = this.#running();
    const { askId, stagedDigest, permitId, drained } = effect;
    try {
      // While the node is drained every moment counts, and a study takes some.
      const facts = drained ? await host.glance() : await host.study();
      const situation = situationOf(this.#work.seen, facts);
      const deniedDigests = machine.memory.denied;
      const { verdict, brakes, timestampVersion } = await coordinator.ask({
        askId,
        running,
        situation,
        stagedDigest,
        permitId,
        drained,
        deniedDigests,
        timestampVersion: trust.timestampVersion,
      });
      log.info({ decision: verdict.decision, message: verdict.message }, "verdict");
      const heardAtMs = clock.nowMs();
      const target = verdict.decision === "STAY" ? undefined : verdict.target;
      const heard = { brakes, timestampVersion, leaving: verdict.decision === "GO", wrote, ...(target && { target }) };
      const refusal = await trust.weigh(heard, { running, denied: deniedDigests });
      const present = lateBy(verdict, clock.nowMs() - heardAtMs);
      return { kind: "VERDICT", askId, verdict: present, ...(refusal && { refusal }) };
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      log.debug({ code: error.code, reason: error.reason }, `no verdict: ${error.message}`);
      return { kind: "ASK_FAILED", askId, message: error.message };
    }
  }

  async #pull(target: OfferedBuild, machine: Machine): Promise<Event> {
    const { stage, log, store } = this.#parts;
    try {
      const build = await stage(target, machine.memory.denied);
      log.info({ version: build.version, slot: build.slot, pullMs: build.pullMs }, "staged");
      return { kind: "PULLED", build };
    } catch (error) {
      if (!(error instanceof StageError)) throw error;
      log.warn({ code: error.code, digest: target.digest }, error.message);
      const { staged } = machine.memory;
      const stagedLost = staged !== undefined && (await store.contents(staged.slot))?.digest !== staged.digest;
      return { kind: "PULL_FAILED", digest: target.digest, reason: error.code, message: error.message, stagedLost };
    }
  }

  async #situation(): Promise<Situation> {
    return situationOf(this.#work.seen, await this.#parts.host.glance());
  }

  async #pulse(): Promise<void> {
    const { coordinator, running } = this.#parts;
    await coordinator.report({ kind: "pulse", running, situation: await this.#situation() });
  }

  async #tellReturned(permitId: string): Promise<Event> {
    const { coordinator, running } = this.#parts;
    try {
      const situation = await this.#situation();
      const state = await coordinator.report({ kind: "returned", permitId, running, situation });
      return { kind: "PROGRESS_TOLD", state };
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      return { kind: "PROGRESS_FAILED", message: error.message };
    }
  }

  async #tellOutcome({ outcome }: Effect & { readonly kind: "TELL_OUTCOME" }): Promise<Event> {
    const { coordinator, log } = this.#parts;
    const running = this.#running();
    try {
      await coordinator.report({ kind: "outcome", outcome, running, situation: await this.#situation() });
      log.info({ kind: outcome.kind, reason: outcome.reason, ...outcome.timings }, "outcome told");
      return { kind: "OUTCOME_TOLD" };
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      // Only what the coordinator calls malformed is never taken; all else may be a matter of sessions and time.
      return { kind: "OUTCOME_FAILED", permanent: error.reason === "FIELD_INVALID", message: error.message };
    }
  }

  async #save(durable: Durable): Promise<Carried> {
    return this.#onDisk("SAVE", () => this.#parts.state.write(durable, this.#parts.time.toKeep()));
  }

  /** At a wake, and where enough has passed: so that the next start knows how late it is. A full disk only costs that. Says whether it wrote. */
  async #keepTime(): Promise<boolean> {
    const { state, time, log } = this.#parts;
    const kept = time.toKeep();
    try {
      await state.keepTime(kept);
      return kept.due;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      log.warn({ err: error }, "the time could not be kept");
      return false;
    }
  }

  async #record({ change }: Effect & { readonly kind: "RECORD" }, machine: Machine): Promise<Carried> {
    const { records, running, launcher } = this.#parts;
    const failed = await this.#onDisk("RECORD", async () => {
      const present = (await records.read()) ?? { committed: { slot: running.slot, digest: running.digest } };
      await records.write(change(present));
    });
    if (failed.failure !== undefined) return failed;
    if (machine.phase.name === "COMMITTING") launcher.tellKept();
    return { event: { kind: "RECORDED" } };
  }

  /** The build was verified when it was staged, and the launcher verifies it again before it starts its agent. */
  async #startNext({ slot, digest }: Move["target"]): Promise<void> {
    const { store, log } = this.#parts;
    try {
      const documents = await store.documents(slot);
      if (documents === undefined || digestOf(documents.manifest) !== digest) return;
      await this.#work.startForNext(workBuildOf(parseManifest(documents.manifest)));
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof WorkError)) throw error;
      log.warn({ err: error }, "the next workload could not be started yet; the next agent will");
    }
  }

  async #onWork(act: () => Promise<void>): Promise<Event | undefined> {
    try {
      await act();
      return undefined;
    } catch (error) {
      if (!(error instanceof DiskError || error instanceof WorkError)) throw error;
      this.#parts.log.error({ err: error }, "the workload could not be brought to where it has to be");
      return { kind: "WORK_FAILED", message: error.message };
    }
  }

  async #onDisk(effect: "SAVE" | "RECORD", write: () => Promise<void>): Promise<Carried> {
    try {
      await write();
      return DONE;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#parts.log.error({ err: error, effect }, "the disk could not be written");
      return { failure: { kind: "DISK_FAILED", effect, message: error.message } };
    }
  }
}

/** What a permit gives is counted from when it was heard, however long it took to look at it. */
function lateBy(verdict: Verdict, lateMs: number): Verdict {
  if (verdict.decision !== "GO") return verdict;
  const expiresInMs = Math.max(0, verdict.permit.expiresInMs - lateMs);
  return { ...verdict, permit: { ...verdict.permit, expiresInMs } };
}
