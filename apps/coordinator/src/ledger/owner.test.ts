import { type Change, type Ledger, POOL_DEFAULTS, createLedger, setBrake } from "@moult/policy";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Batch, type Store, type StoreChange, StoreError } from "../store/port.ts";
import { Owner, StoreUnavailable } from "./owner.ts";

const CONFIG = { pool: POOL_DEFAULTS, retry: { allowlistMs: 1, dialMs: 1, capacityMs: 1 } };
const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** What a store in these tests does with its nth batch. */
type Behaviour = "WRITES" | "WRITES LATER" | "FAILS" | "FAILS LATER";

/** A store that keeps the reasons of brakes, in order; that is all the ledger of these tests consists of. */
class Tape {
  readonly written: string[] = [];
  readonly batches: Batch[] = [];
  readonly #behaviours: readonly Behaviour[];

  constructor(behaviours: readonly Behaviour[]) {
    this.#behaviours = behaviours;
  }

  async commit(batch: Batch): Promise<void> {
    const behaviour = this.#behaviours[this.batches.length] ?? "WRITES";
    this.batches.push(batch);
    if (behaviour.endsWith("LATER")) await new Promise((resolve) => setImmediate(resolve));
    if (behaviour.startsWith("FAILS")) throw new StoreError("UNWRITABLE", "no");
    this.written.push(...reasonsOf(batch.changes));
  }
}

function reasonsOf(changes: readonly StoreChange[]): readonly string[] {
  return changes.flatMap((change) => (change.kind === "brake" ? [change.brake.reason] : []));
}

/** A move that leaves its mark both in memory and among the changes. */
function mark(
  name: string,
): (ledger: Ledger, now: number) => { answer: string; changes: readonly Change[]; effects: [] } {
  return (ledger, now) => {
    const engaged = !ledger.brake.engaged;
    const { changes } = setBrake(ledger, engaged, name, now);
    return { answer: name, changes, effects: [] };
  };
}

type CarryOut = ConstructorParameters<typeof Owner>[0]["carryOut"];

async function start(tape: Tape, carryOut: CarryOut = () => false): Promise<Owner> {
  const owner = new Owner({
    store: tape as unknown as Store,
    clock: { now: () => 1 },
    log: SILENT,
    load: async () => {
      const ledger = createLedger(CONFIG, 1);
      const reason = tape.written.at(-1) ?? "";
      ledger.brake = { engaged: tape.written.length % 2 === 1, reason, updatedAtMs: 1 };
      return ledger;
    },
    carryOut,
    reloadAfterMs: 1,
  });
  await owner.start();
  return owner;
}

test("what arrives together is written together and answered after it", async () => {
  const tape = new Tape(["WRITES LATER"]);
  const owner = await start(tape);
  const answers = ["a", "b", "c"].map(async (name) => {
    const answer = await owner.decide(mark(name));
    expect(tape.written).toContain(name);
    return answer;
  });
  expect(await Promise.all(answers)).toEqual(["a", "b", "c"]);
  expect(tape.batches).toHaveLength(1);
  expect(tape.written).toEqual(["a", "b", "c"]);
});

test("a batch holds at most 500 moves", async () => {
  const tape = new Tape([]);
  const owner = await start(tape);
  await Promise.all(Array.from({ length: 1201 }, (_, n) => owner.decide(mark(`${n}`))));
  expect(tape.batches.map((batch) => batch.changes.length)).toEqual([500, 500, 201]);
});

test("a batch holds at most 2,000 changes, or one move", async () => {
  const tape = new Tape([]);
  const owner = await start(tape);
  const many =
    (count: number): Parameters<Owner["decide"]>[0] =>
    (ledger, now) => {
      const changes = Array.from({ length: count }, () => mark("x")(ledger, now).changes).flat();
      return { answer: undefined, changes, effects: [] };
    };
  await Promise.all([900, 900, 900, 3_000, 10].map((count) => owner.decide(many(count))));
  expect(tape.batches.map(({ changes }) => changes.length)).toEqual([1_800, 900, 3_000, 10]);
});

test("an answer that rests on a change that is not written yet waits for it", async () => {
  const tape = new Tape(["WRITES LATER"]);
  const owner = await start(tape);
  const order: string[] = [];
  const change = owner.decide(mark("a")).then(() => order.push("change"));
  const look = owner
    .decide((ledger) => ({ answer: ledger.brake.reason, changes: [], effects: [] }))
    .then((seen) => order.push(`look ${seen}`));
  await Promise.all([change, look]);
  expect(order).toEqual(["change", "look a"]);
  expect(tape.written).toEqual(["a"]);
});

test("an answer that rests on a change that was refused is refused with it", async () => {
  const owner = await start(new Tape(["FAILS LATER"]));
  const change = owner.decide(mark("a"));
  const look = owner.decide(() => ({ answer: "seen", changes: [], effects: [] }));
  await expect(change).rejects.toBeInstanceOf(StoreUnavailable);
  await expect(look).rejects.toBeInstanceOf(StoreUnavailable);
  expect(() => owner.ledger).toThrow(StoreUnavailable);
});

test("routers are told after the change is durable and before the caller is answered", async () => {
  const told: string[] = [];
  const tape = new Tape(["WRITES LATER", "FAILS"]);
  // As a stream's message, it takes a few promises until it is sent.
  const send = async (nodeId: string): Promise<void> => {
    for (let step = 0; step < 20; step += 1) await Promise.resolve();
    told.push(nodeId);
  };
  const owner = await start(tape, (effects) => {
    for (const { nodeId } of effects) void send(nodeId);
    return effects.length > 0;
  });
  const leave = (nodeId: string) => (ledger: Ledger, now: number) => ({
    ...mark(nodeId)(ledger, now),
    effects: [{ kind: "member-changed" as const, nodeId }],
  });
  const answered = owner.decide(leave("n1")).then(() => [...told]);
  expect(told).toEqual([]);
  expect(await answered).toEqual(["n1"]);
  await expect(owner.decide(leave("n2"))).rejects.toBeInstanceOf(StoreUnavailable);
  expect(told).toEqual(["n1"]);
});

test("the next batch is on its way while routers are told of the one before, and answers keep their order", async () => {
  const order: string[] = [];
  const tape = new Tape(["WRITES LATER", "WRITES", "FAILS"]);
  const owner = await start(tape, (effects) => {
    for (const { nodeId } of effects) order.push(`told ${nodeId}`);
    setImmediate(() => order.push(`a turn later there are ${tape.batches.length} batches`));
    return effects.length > 0;
  });
  const leave = (nodeId: string) => (ledger: Ledger, now: number) => ({
    ...mark(nodeId)(ledger, now),
    effects: [{ kind: "member-changed" as const, nodeId }],
  });
  const say = (what: string) => (): void => {
    order.push(`${what} after ${tape.batches.length} batches`);
  };
  const first = owner.decide(leave("a")).then(say("a"));
  // It joins while the first batch is being written.
  const second = new Promise((resolve) => setImmediate(resolve)).then(() => owner.decide(mark("b")).then(say("b")));
  await Promise.all([first, second]);
  expect(order).toEqual(["told a", "a turn later there are 2 batches", "a after 2 batches", "b after 2 batches"]);
  await expect(owner.decide(leave("c"))).rejects.toBeInstanceOf(StoreUnavailable);
  expect(order).not.toContain("told c");
  await owner.settled();
});

test("whoever was written is answered so, before the batch after it is refused and the ledger thrown away", async () => {
  const order: string[] = [];
  const tape = new Tape(["WRITES LATER", "FAILS"]);
  const owner = await start(tape, () => true);
  const effects = [{ kind: "member-changed" as const, nodeId: "a" }];
  const first = owner
    .decide((ledger, now) => ({ ...mark("a")(ledger, now), effects }))
    .then((answer) => order.push(`${answer}, ${owner.isReady ? "with" : "without"} a ledger`));
  const second = new Promise((resolve) => setImmediate(resolve)).then(() => owner.decide(mark("b")));
  await expect(second.finally(() => order.push("b"))).rejects.toBeInstanceOf(StoreUnavailable);
  await first;
  expect(order).toEqual(["a, with a ledger", "b"]);
  expect(tape.written).toEqual(["a"]);
});

test("a row says what was decided, although the ledger went on before it was written", async () => {
  const tape = new Tape(["WRITES LATER"]);
  const owner = await start(tape);
  const counted = owner.decide((ledger) => ({
    answer: undefined,
    changes: [{ kind: "totals", demandByPool: new Map(), tally: ledger.tally }],
    effects: [],
  }));
  owner.ledger.tally.committed += 7;
  await counted;
  expect(tape.batches[0]?.changes[0]).toMatchObject({ kind: "totals", tally: { committed: 0 } });
});

test("an outcome is counted durably with itself", async () => {
  const tape = new Tape([]);
  const owner = await start(tape);
  await owner.decide((ledger) => {
    ledger.tally.committed += 1;
    const outcome = { kind: "COMMITTED" as const, reason: "NONE" as const, targetDigest: "", message: "", atMs: 1 };
    return { answer: undefined, changes: [{ kind: "outcome", nodeId: "n", poolId: "p", outcome }], effects: [] };
  });
  expect(tape.batches[0]?.changes.map((change) => change.kind)).toEqual(["outcome", "totals"]);
  expect(tape.batches[0]?.changes[1]).toMatchObject({ tally: { committed: 1 } });
});

test("a move that throws changes nothing and hurts no other", async () => {
  const tape = new Tape([]);
  const owner = await start(tape);
  const broken = owner.decide(() => {
    throw new RangeError("no");
  });
  const good = owner.decide(mark("a"));
  await expect(broken).rejects.toBeInstanceOf(RangeError);
  expect(await good).toBe("a");
  expect(tape.written).toEqual(["a"]);
});

/** What callers do: some moves at once, or a turn of the event loop. */
const calls = fc.array(fc.oneof(fc.constant("turn" as const), fc.integer({ min: 1, max: 4 })), { maxLength: 20 });
const behaviours = fc.array(fc.constantFrom<Behaviour>("WRITES", "WRITES LATER", "FAILS", "FAILS LATER"), {
  maxLength: 8,
});

test("answered exactly when written, in the order decided, and memory is what the store says", async () => {
  await fc.assert(
    fc.asyncProperty(calls, behaviours, async (steps, plan) => {
      const tape = new Tape(plan);
      const owner = await start(tape);
      const answered: string[] = [];
      const refused: string[] = [];
      const running: Promise<unknown>[] = [];
      let next = 0;
      for (const step of steps) {
        if (step === "turn") await new Promise((resolve) => setImmediate(resolve));
        else {
          for (let made = 0; made < step; made += 1) {
            next += 1;
            const name = `m${next}`;
            const call = owner.decide(mark(name)).then(
              () => answered.push(name),
              (error: unknown) => {
                expect(error).toBeInstanceOf(StoreUnavailable);
                refused.push(name);
              },
            );
            running.push(call);
          }
        }
      }
      await Promise.all(running);
      await owner.settled();
      expect(answered).toEqual(tape.written);
      expect(answered.length + refused.length).toBe(next);
      const asked = tape.batches.flatMap((batch) => reasonsOf(batch.changes));
      expect(asked).toEqual([...asked].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1))));
      owner.close();
    }),
    { numRuns: 200 },
  );
});

test("after a failure the ledger is loaded again, as often as it takes", async () => {
  const tape = new Tape(["WRITES", "FAILS"]);
  const owner = await start(tape);
  await owner.decide(mark("a"));
  await expect(owner.decide(mark("b"))).rejects.toBeInstanceOf(StoreUnavailable);
  const again = async (): Promise<string> => {
    for (;;) {
      try {
        return owner.ledger.brake.reason;
      } catch (error) {
        expect(error).toBeInstanceOf(StoreUnavailable);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  };
  expect(await again()).toBe("a");
  expect(await owner.decide(mark("c"))).toBe("c");
  expect(tape.written).toEqual(["a", "c"]);
});
