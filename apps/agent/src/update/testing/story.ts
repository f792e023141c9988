/** Tells a machine a story, event by event, with time under the test's hand. */
import type { BootRecord } from "@moult/slots";
import type { At, Tunables } from "../at.ts";
import { type Beginning, begin } from "../begin.ts";
import { type Durable, NOTHING_DURABLE, decodeDurable, encodeDurable } from "../durable.ts";
import type { Effect, Event, Verdict } from "../events.ts";
import type { Machine, OfferedBuild, Refusal, RunningBuild, StagedBuild, WorkView } from "../state.ts";
import { deadlineOf, step } from "../step.ts";

export const TUNABLES: Tunables = {
  wakeIntervalMs: 900_000,
  firstAskWithinMs: 900_000,
  nudgeJitterMs: 2_000,
  quietMs: 500,
  trialTimeoutMs: 60_000,
  unreachableSoakMs: 120_000,
  trialTries: 3,
  reconnectMinMs: 500,
  reconnectMaxMs: 30_000,
  failureBackoffMs: 60_000,
  failureBackoffMaxMs: 3_600_000,
};

/** A digest that is easy to tell from others. */
export function digest(letter: string): string {
  return letter.repeat(64);
}

export const RUNNING: RunningBuild = {
  slot: "a",
  digest: digest("a"),
  version: "1.0.0",
  releaseCounter: 1,
  workIdentity: "work one",
  healthTimeoutMs: 10_000,
  soakMs: 1_000,
};

export const STAGED: StagedBuild = {
  slot: "b",
  digest: digest("b"),
  version: "2.0.0",
  releaseCounter: 2,
  workIdentity: "work two",
  pullMs: 123,
};

export const OFFERED: OfferedBuild = {
  digest: STAGED.digest,
  version: STAGED.version,
  releaseCounter: 2,
  manifestBytes: 1_000,
  sources: ["https://mirror.example"],
};

/** A workload that serves and has nothing to do. */
export const SERVING: WorkView = {
  state: "SERVING",
  answering: true,
  run: 1,
  exits: 0,
  inFlight: 0,
  startedTotal: 100n,
  shards: ["s1", "s2"],
  locked: false,
  told: true,
  message: "",
};

export const DRAINED: WorkView = { ...SERVING, state: "DRAINING" };

/** What the coordinator says. */
export const STAY: Verdict = { decision: "STAY", retryAfterMs: 60_000, message: "not now" };
export const PREPARE: Verdict = { decision: "PREPARE", target: OFFERED, message: "pull" };

/** Leave in the given phase. */
export function goVerdict(phase: "DRAINING" | "AWAY" | "OTHER", target: OfferedBuild = OFFERED): Verdict {
  const permit = { permitId: "permit-1", phase, expiresInMs: 60_000, drainGraceMs: 20_000 };
  return { decision: "GO", target, permit, message: "go" };
}

/** A machine and everything it wanted done. */
export class Story {
  machine: Machine;
  nowMs: number;
  roll = 0.5;
  /** What the last event brought. */
  effects: readonly Effect[];
  /** What would be on the disk: the last SAVE, and the boot record. */
  durable: Durable;
  record: BootRecord;
  /** What the last change of the record was made to. */
  recordBefore: BootRecord;
  #ids = 0;

  constructor(from: Partial<Beginning> = {}, nowMs = 1_000_000) {
    this.nowMs = nowMs;
    this.durable = from.durable ?? NOTHING_DURABLE;
    const running = from.running ?? RUNNING;
    this.record = from.record ?? { committed: { slot: running.slot, digest: running.digest } };
    this.recordBefore = this.record;
    const beginning: Beginning = {
      running,
      bootId: "boot-1",
      trial: false,
      staged: undefined,
      ...from,
      durable: this.durable,
      record: this.record,
    };
    const first = begin(beginning, this.at());
    this.machine = first.machine;
    this.effects = first.effects;
    this.#carryOut();
  }

  /** Something happens. */
  tell(event: Event): this {
    const { machine, effects } = step(this.machine, event, this.at());
    this.machine = machine;
    this.effects = effects;
    this.#carryOut();
    return this;
  }

  /** Time passes; TICKs come when the machine wants them. */
  pass(ms: number): this {
    const untilMs = this.nowMs + ms;
    const all: Effect[] = [];
    for (let ticks = 0; ticks < 1_000; ticks += 1) {
      const dueMs = deadlineOf(this.machine);
      if (dueMs === undefined || dueMs > untilMs) {
        this.nowMs = untilMs;
        this.effects = all;
        return this;
      }
      this.nowMs = Math.max(this.nowMs, dueMs);
      this.tell({ kind: "TICK" });
      all.push(...this.effects);
    }
    throw new Error(`the machine ticks without end in ${this.phase}`);
  }

  /** The answer to the ask that is under way, and what gate 1 on the device says of it. */
  answer(verdict: Verdict, refusal?: Refusal): this {
    return this.tell({ kind: "VERDICT", askId: this.askId, verdict, ...(refusal && { refusal }) });
  }

  work(work: Partial<WorkView> = {}): this {
    return this.tell({ kind: "WORK", work: { ...SERVING, ...work } });
  }

  get phase(): string {
    return this.machine.phase.name;
  }

  get askId(): string {
    return "askId" in this.machine.phase ? this.machine.phase.askId : "";
  }

  kinds(): readonly string[] {
    return this.effects.map((effect) => effect.kind);
  }

  effect<K extends Effect["kind"]>(kind: K): Extract<Effect, { kind: K }> | undefined {
    return this.effects.find((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind);
  }

  /** As a later agent would read it. */
  stored(): Durable {
    return decodeDurable(encodeDurable(this.durable)) ?? NOTHING_DURABLE;
  }

  at(): At {
    this.#ids += 1;
    return { nowMs: this.nowMs, roll: this.roll, freshId: `id-${this.#ids}`, tunables: TUNABLES };
  }

  #carryOut(): void {
    for (const effect of this.effects) {
      if (effect.kind === "SAVE") this.durable = effect.durable;
      if (effect.kind !== "RECORD") continue;
      this.recordBefore = this.record;
      this.record = effect.change(this.record);
    }
  }
}

/** A device with a build staged, that has just been given leave and told its workload to drain. */
export function draining(from: Partial<Beginning> = {}): Story {
  const story = new Story({ staged: STAGED, ...from }).work().pass(900_000);
  return story.answer(goVerdict("DRAINING"));
}

/** The same, drained and waiting for the last word. */
export function departing(from: Partial<Beginning> = {}): Story {
  const story = draining(from).work(DRAINED).pass(500);
  return story.work(DRAINED);
}

/** The new agent on trial, on what the old one left on the disk. */
export function onTrial(old: Story, running: Partial<RunningBuild> = {}): Story {
  const { slot, digest: id, version, releaseCounter, workIdentity } = STAGED;
  const next = { ...RUNNING, slot, digest: id, version, releaseCounter, workIdentity, ...running };
  return new Story({ running: next, trial: true, durable: old.stored(), record: old.record }, old.nowMs + 200);
}
