/** Whatever happens in whatever order: what must hold at all times. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeDurable, durableOf, encodeDurable } from "./durable.ts";
import type { Effect, Event, Verdict } from "./events.ts";
import type { Refusal, Machine, PhaseName, WorkView } from "./state.ts";
import { TRANSITIONS, deadlineOf, step } from "./step.ts";
import {
  DRAINED,
  PREPARE,
  RUNNING,
  SERVING,
  STAGED,
  Story,
  TUNABLES,
  digest,
  onTrial,
  departing,
  goVerdict,
} from "./testing/story.ts";

const letters = fc.constantFrom("b", "c", "d");
const target = letters.map((letter) => ({
  digest: digest(letter),
  version: letter,
  releaseCounter: 2,
  manifestBytes: 1,
  sources: [],
}));
const permit = fc.record({
  permitId: fc.constantFrom("permit-1", "permit-2"),
  phase: fc.constantFrom("DRAINING" as const, "AWAY" as const, "OTHER" as const),
  expiresInMs: fc.constantFrom(0, 1_000, 60_000),
  drainGraceMs: fc.constantFrom(0, 500, 20_000),
});
const message = fc.constant("");
const verdict: fc.Arbitrary<Verdict> = fc.oneof(
  fc.constantFrom(PREPARE, goVerdict("DRAINING"), goVerdict("AWAY"), goVerdict("AWAY")),
  fc.record({ decision: fc.constant("STAY" as const), retryAfterMs: fc.nat(4_000_000_000), message }),
  fc.record({ decision: fc.constant("PREPARE" as const), target, message }),
  fc.record({ decision: fc.constant("GO" as const), target, permit, message }),
);
const anyWork: fc.Arbitrary<WorkView> = fc.record({
  state: fc.constantFrom("NONE", "STARTING", "SERVING", "DRAINING", "STOPPED", "FAILED"),
  answering: fc.boolean(),
  run: fc.integer({ min: 1, max: 3 }),
  exits: fc.nat(4),
  inFlight: fc.constantFrom(0, 0, 0, 3),
  startedTotal: fc.constantFrom(0n, 0n, 5n),
  shards: fc.subarray(["s1", "s2"]),
  locked: fc.constantFrom(false, false, true),
  told: fc.constantFrom(true, true, false),
  message,
});

/** Often what it should be, so that stories get far. */
const work = fc.oneof(anyWork, fc.constantFrom(SERVING, SERVING, DRAINED));

/** An event as a function of the machine: answers mostly fit the question that is open. */
interface Happening {
  /** Time that passes before; or until the machine's deadline. */
  readonly pass: number | "DUE";
  readonly of: (machine: Machine) => Event;
}

/** Mostly gate 1 on the device lets pass what it is asked about. */
const refusal = fc.option(
  fc.record({
    reason: fc.constantFrom<Refusal["reason"]>("METADATA", "BRAKED", "OUTSIDE_COHORT", "NOT_APPROVED", "UNSUITABLE"),
    message: fc.constant(""),
  }),
  { nil: undefined, freq: 4 },
);

const fits = fc.constantFrom(true, true, true, false);
const happening: fc.Arbitrary<Happening> = fc.record({
  pass: fc.constantFrom<Happening["pass"]>(0, 10, 600, 5_000, 100_000, "DUE", "DUE", "DUE"),
  of: fc.oneof(
    { weight: 3, arbitrary: fc.constant<Happening["of"]>(() => ({ kind: "TICK" })) },
    fc.constant<Happening["of"]>(() => ({ kind: "NUDGED" })),
    fc.tuple(verdict, fits, refusal).map(([said, fit, refused]): Happening["of"] => (machine) => ({
      kind: "VERDICT",
      askId: fit && "askId" in machine.phase ? machine.phase.askId : "stale",
      verdict: said,
      ...(refused && { refusal: refused }),
    })),
    fits.map((fit): Happening["of"] => (machine) => ({
      kind: "ASK_FAILED",
      askId: fit && "askId" in machine.phase ? machine.phase.askId : "stale",
      message: "",
    })),
    letters.map((letter): Happening["of"] => () => ({ kind: "PULLED", build: { ...STAGED, digest: digest(letter) } })),
    fc.tuple(letters, fc.boolean()).map(([letter, stagedLost]): Happening["of"] => () => ({
      kind: "PULL_FAILED",
      digest: digest(letter),
      reason: "PULL",
      message: "",
      stagedLost,
    })),
    work.map((view): Happening["of"] => () => ({ kind: "WORK", work: view })),
    fc
      .constantFrom("SERVING" as const, "SERVING" as const, "RETURNED" as const, "AWAY" as const, "OTHER" as const)
      .map((state): Happening["of"] => () => ({ kind: "PROGRESS_TOLD", state })),
    fc.constant<Happening["of"]>(() => ({ kind: "PROGRESS_FAILED", message: "" })),
    fc.constant<Happening["of"]>(() => ({ kind: "OUTCOME_TOLD" })),
    fc.boolean().map((permanent): Happening["of"] => () => ({ kind: "OUTCOME_FAILED", permanent, message: "" })),
    fc.constant<Happening["of"]>(() => ({ kind: "FORBIDDEN", refusal: { reason: "BRAKED", message: "" } })),
    fc.constant<Happening["of"]>(() => ({ kind: "RECORDED" })),
    fc.constant<Happening["of"]>(() => ({ kind: "WORK_FAILED", message: "" })),
    fc.constantFrom("SAVE" as const, "RECORD" as const).map((effect): Happening["of"] => () => ({
      kind: "DISK_FAILED",
      effect,
      message: "",
    })),
  ),
});

const start = fc.constantFrom(
  () => new Story(),
  () => new Story({ staged: STAGED, durable: { denied: [digest("d")] } }),
  () => new Story({ staged: { ...STAGED, workIdentity: RUNNING.workIdentity } }),
  () => departing(),
  () => onTrial(departing().answer(goVerdict("AWAY"))),
  () =>
    onTrial(departing().answer(goVerdict("AWAY")))
      .work()
      .pass(1_000),
);

/** Runs the happenings and shows each step to `look`. */
function run(
  story: Story,
  happenings: readonly Happening[],
  look: (before: Machine, event: Event, after: Machine, effects: readonly Effect[]) => void,
): Machine {
  let { machine, nowMs } = story;
  for (const [index, { pass, of }] of happenings.entries()) {
    nowMs = pass === "DUE" ? Math.max(nowMs, deadlineOf(machine) ?? nowMs) : nowMs + pass;
    const event = of(machine);
    const at = { nowMs, roll: (nowMs % 97) / 97, freshId: `ask-${index}`, tunables: TUNABLES };
    const stepped = step(machine, event, at);
    look(machine, event, stepped.machine, stepped.effects);
    machine = stepped.machine;
    // A hand-over ends the agent; the story goes on with the next one elsewhere.
    if (stepped.effects.some(({ kind }) => kind === "HAND_OVER")) break;
  }
  return machine;
}

const stories = fc.tuple(start, fc.array(happening, { minLength: 20, maxLength: 60 }));

describe("in any order of events", () => {
  it("stops a workload only on the last word AWAY for this very permit, or when it gives up a trial", () => {
    fc.assert(
      fc.property(stories, ([from, happenings]) => {
        run(from(), happenings, (before, event, after, effects) => {
          if (!effects.some(({ kind }) => kind === "STOP_WORK")) return;
          if (after.phase.name === "REVERTING") return;
          if (before.phase.name !== "DEPARTING" || event.kind !== "VERDICT")
            throw new Error(`stopped by ${event.kind}`);
          expect(event.askId).toBe(before.phase.askId);
          expect(event.refusal).toBeUndefined();
          if (event.verdict.decision !== "GO") throw new Error("stopped without a GO");
          expect(event.verdict.permit.phase).toBe("AWAY");
          expect(event.verdict.permit.permitId).toBe(before.phase.move.permitId);
          expect(event.verdict.target.digest).toBe(before.phase.move.target.digest);
        });
      }),
      { numRuns: 1_000 },
    );
  });

  it("begins nothing that gate 1 on the device refuses, and denies no build for it", () => {
    fc.assert(
      fc.property(stories, ([from, happenings]) => {
        run(from(), happenings, (before, event, after, effects) => {
          const refused = event.kind === "FORBIDDEN" || (event.kind === "VERDICT" && event.refusal !== undefined);
          if (!refused) return;
          const begun = effects.filter(({ kind }) => ["PULL", "DRAIN_WORK", "STOP_WORK", "RECORD"].includes(kind));
          expect(begun).toEqual([]);
          expect(after.memory.denied).toEqual(before.memory.denied);
          expect(["PULLING", "SWAPPING"]).not.toContain(after.phase.name === before.phase.name ? "" : after.phase.name);
        });
      }),
      { numRuns: 1_000 },
    );
  });

  it("never pulls or moves to a digest that was denied, and never forgets one", () => {
    fc.assert(
      fc.property(stories, ([from, happenings]) => {
        run(from(), happenings, (before, _, after, effects) => {
          const { denied } = before.memory;
          for (const effect of effects) {
            if (effect.kind === "PULL") expect(denied).not.toContain(effect.target.digest);
            if (effect.kind === "SAVE") expect(effect.durable.denied).toEqual(expect.arrayContaining([...denied]));
          }
          if (after.phase.name === "SWAPPING") expect(denied).not.toContain(after.phase.move.target.digest);
        });
      }),
      { numRuns: 1_000 },
    );
  });

  /** Every phase that was entered while only transitions of the table were taken. */
  function phasesEntered(parameters: fc.Parameters<unknown>): ReadonlySet<string> {
    const entered = new Set<string>();
    const property = fc.property(stories, ([from, happenings]) => {
      run(from(), happenings, (before, event, after) => {
        const rows = TRANSITIONS[before.phase.name] as Partial<Record<string, { readonly to: readonly PhaseName[] }>>;
        const allowed = rows[event.kind]?.to ?? [before.phase.name];
        expect(allowed).toContain(after.phase.name);
        entered.add(before.phase.name).add(after.phase.name);
      });
    });
    fc.assert(property, parameters as never);
    return entered;
  }

  it("takes only the transitions that its table shows", () => {
    phasesEntered({ numRuns: 1_000 });
    // A property that never gets anywhere proves nothing; which stories get far must not be left to chance.
    const entered = phasesEntered({ numRuns: 1_000, seed: 1 });
    expect([...entered].sort()).toEqual(Object.keys(TRANSITIONS).sort());
  });

  it("writes down what was running before it asks a workload to drain", () => {
    fc.assert(
      fc.property(stories, ([from, happenings]) => {
        run(from(), happenings, (_, __, ___, effects) => {
          const kinds = effects.map(({ kind }) => kind);
          const drain = kinds.indexOf("DRAIN_WORK");
          if (drain >= 0) expect(kinds.indexOf("SAVE")).toBeLessThan(drain);
          const record = kinds.indexOf("RECORD");
          const stop = kinds.indexOf("STOP_WORK");
          if (record >= 0 && stop >= 0) expect(kinds.at(-1)).toBe("HAND_OVER");
        });
      }),
      { numRuns: 500 },
    );
  });

  it("always has a way on: a deadline, or an answer that is sure to come", () => {
    fc.assert(
      fc.property(stories, ([from, happenings]) => {
        const story = from();
        story.machine = run(story, happenings, () => undefined);
        const waitsForAnswer =
          ["PULLING", "SWAPPING", "COMMITTING", "REVERTING"].includes(story.phase) ||
          (story.machine.phase.name === "ASKING" && story.machine.phase.retryAtMs === undefined) ||
          story.machine.memory.telling?.tellAtMs === undefined;
        if (!waitsForAnswer) expect(deadlineOf(story.machine)).toBeDefined();
        // TICKs alone come to an end within a day; `pass` throws where they do not.
        story.pass(86_400_000);
      }),
      { numRuns: 500 },
    );
  });

  it("survives being written down and read again", () => {
    fc.assert(
      fc.property(stories, ([from, happenings]) => {
        run(from(), happenings, (_, __, after) => {
          const durable = durableOf(after);
          expect(decodeDurable(encodeDurable(durable))).toEqual(durable);
        });
      }),
      { numRuns: 300 },
    );
  });
});

describe("the state file", () => {
  it("reads anything without throwing, and keeps what makes sense", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const read = decodeDurable(encodeDurable(value as never));
        if (read !== undefined) expect(Array.isArray(read.denied)).toBe(true);
      }),
    );
    fc.assert(fc.property(fc.uint8Array(), (bytes) => decodeDurable(bytes) === undefined));
    const partly = { denied: ["no digest", digest("a")], move: { permitId: 3 }, outcome: "?", later: { key: true } };
    expect(decodeDurable(encodeDurable(partly as never))).toEqual({ denied: [digest("a")] });
  });
});
