/**
 * The load process: reads one order from its standard input, says `count` and `counted` when it begins and ends to count,
 * and writes the answer. It stops by itself.
 */
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { AskResponseSchema, Decision, type Verdict } from "@moult/contracts/v1";
import { CallFailed, Caller } from "./caller.ts";
import { PATHS, Voice } from "./frames.ts";
import type { Answer, Order } from "./orders.ts";

/** Latencies in steps of 50 µs, up to 10 s: a histogram costs nothing while it counts. */
const STEP_MS = 0.05;
const STEPS = 200_000;

const RESOURCE_EXHAUSTED = 8;
/** What an overloaded coordinator tells those who ask, at the least. */
const COME_AGAIN_MS = 2_000;

/** Connections that are opened at once. */
const OPENING = 32;

class Count {
  readonly #steps = new Uint32Array(STEPS + 1);
  calls = 0;
  allCalls = 0;
  failed = 0;
  failure = "";
  pulses = 0;
  on = false;

  took(ms: number): void {
    this.allCalls += 1;
    if (!this.on) return;
    this.calls += 1;
    const at = Math.min(STEPS, Math.floor(ms / STEP_MS));
    this.#steps[at] = (this.#steps[at] ?? 0) + 1;
  }

  fails(error: unknown, always = false): void {
    if (!this.on && !always) return;
    this.failed += 1;
    if (this.failure === "") this.failure = error instanceof Error ? error.message : String(error);
  }

  quantileMs(share: number): number {
    let left = this.calls * share;
    for (const [step, count] of this.#steps.entries()) {
      left -= count;
      if (left <= 0) return (step + 1) * STEP_MS;
    }
    return 0;
  }
}

const order = JSON.parse(await text(process.stdin)) as Order;
const count = new Count();
const voices = order.members.map(({ nodeId, token }) => ({ token, voice: new Voice(nodeId, order.builds) }));
type Speaker = (typeof voices)[number];
const stop = new AbortController();
const goesOn = (): boolean => !stop.signal.aborted;

async function openAll(connections: number): Promise<readonly Caller[]> {
  const callers: Caller[] = [];
  for (let from = 0; from < connections; from += OPENING) {
    const more = Array.from({ length: Math.min(OPENING, connections - from) }, (_, n) => open(from + n));
    callers.push(...(await Promise.all(more)));
  }
  return callers;
}

function open(n: number): Promise<Caller> {
  return Caller.open(order.addresses[n % order.addresses.length] ?? "", order.ca);
}

/** Speakers of lane `lane` of `lanes`, one after the other, for ever: no node speaks in two lanes. */
function* turns(lane: number, lanes: number): Generator<Speaker, never> {
  const own = voices.filter((_, n) => n % lanes === lane);
  for (;;) yield* own;
}

async function timed(act: () => Promise<unknown>): Promise<void> {
  const beganMs = performance.now();
  try {
    await act();
    count.took(performance.now() - beganMs);
  } catch (error) {
    count.fails(error);
    // A server that refuses everything is not to be called in a closed loop; one that has too much says when to come again.
    await sleep(error instanceof CallFailed && error.grpcStatus === RESOURCE_EXHAUSTED ? COME_AGAIN_MS : 10);
  }
}

async function askLane(callers: readonly Caller[], lane: number): Promise<void> {
  const caller = callers[lane % callers.length];
  for (const { voice, token } of turns(lane, order.inFlight)) {
    if (!goesOn() || caller === undefined) return;
    const frame = voice.ask();
    await timed(() => caller.call(PATHS.ask, token, frame));
  }
}

async function freshLane(lane: number): Promise<void> {
  for (const { voice, token } of turns(lane, order.inFlight)) {
    if (!goesOn()) return;
    const frame = voice.ask();
    await timed(async () => {
      const caller = await open(lane);
      await caller.call(PATHS.ask, token, frame);
      caller.close();
    });
  }
}

async function asked(caller: Caller, token: string, frame: Buffer): Promise<Verdict | undefined> {
  return fromBinary(AskResponseSchema, await caller.call(PATHS.ask, token, frame)).verdict;
}

/** Permit, departure, return; one node a client. */
async function cycleLane(callers: readonly Caller[], lane: number): Promise<void> {
  const caller = callers[lane % callers.length];
  for (const { voice, token } of turns(lane, order.inFlight)) {
    if (!goesOn() || caller === undefined) return;
    await timed(async () => {
      const leave = await asked(caller, token, voice.ask());
      if (leave?.decision !== Decision.GO) throw new Error(`no leave: ${leave?.message}`);
      const permitId = leave.permit?.permitId ?? "";
      const away = await asked(caller, token, voice.ask({ permitId, drained: true }));
      if (away?.decision !== Decision.GO) throw new Error(`may not depart: ${away?.message}`);
      await caller.call(PATHS.report, token, voice.reverted(permitId));
    });
  }
}

/** Calls `act` at a rate until the end. What a late timer missed is made up for: the rate is offered whole, or it is no rate. */
async function paced(perS: number, act: () => void): Promise<void> {
  const beganMs = performance.now();
  let done = 0;
  while (goesOn()) {
    await sleep(10);
    const due = Math.floor(((performance.now() - beganMs) / 1000) * perS);
    for (; done < due; done += 1) act();
  }
}

/** Every connection holds its streams, whose nodes send pulses at their share of the rate. */
async function pulses(callers: readonly Caller[]): Promise<void> {
  const lines = callers.flatMap((caller) => Array.from({ length: order.streamsPerConnection ?? 1 }, () => caller));
  const streams = lines.map((caller, n) => {
    const speaker = voices[n % voices.length];
    if (speaker === undefined) throw new Error("a stream needs a node");
    const stream = caller.stream(PATHS.attend, speaker.token);
    // Where streams are what is measured, one that the server did not keep is no stream.
    if (order.what === "hold")
      stream.once("close", () => goesOn() && count.fails(new Error("a stream has ended"), true));
    stream.write(speaker.voice.pulse());
    return { stream, voice: speaker.voice };
  });
  let next = 0;
  await paced(order.pulsesPerS ?? 0, () => {
    const lane = streams[(next += 1) % streams.length];
    lane?.stream.write(lane.voice.pulse());
    if (count.on) count.pulses += 1;
  });
}

/** Asks at a rate, whatever the answers take. */
async function pacedAsks(callers: readonly Caller[]): Promise<void> {
  const speakers = turns(0, 1);
  let next = 0;
  await paced(order.asksPerS ?? 0, () => {
    const caller = callers[(next += 1) % callers.length];
    const { voice, token } = speakers.next().value;
    if (caller !== undefined) void timed(() => caller.call(PATHS.ask, token, voice.ask()));
  });
}

const callers = order.what === "ask-fresh" ? [] : await openAll(order.connections);
const lanes = Array.from({ length: order.inFlight }, (_, lane) => lane);
const work = ((): readonly Promise<void>[] => {
  switch (order.what) {
    case "ask":
      return lanes.map((lane) => askLane(callers, lane));
    case "ask-fresh":
      return lanes.map((lane) => freshLane(lane));
    case "permit-cycle":
      return lanes.map((lane) => cycleLane(callers, lane));
    case "pulse":
    case "hold":
      return [pulses(callers)];
    case "sustain": {
      const streams = callers.slice(0, callers.length >> 1);
      return [pulses(streams), pacedAsks(callers.slice(streams.length))];
    }
  }
})();
await sleep(order.warmS * 1000);
process.stdout.write("count\n");
count.on = true;
const beganMs = performance.now();
// Who waits for something else than time says when it is enough.
const enough = new AbortController();
process.once("SIGTERM", () => enough.abort());
await sleep(order.countS * 1000, undefined, { signal: enough.signal }).catch(() => undefined);
count.on = false;
const seconds = (performance.now() - beganMs) / 1000;
process.stdout.write("counted\n");
stop.abort();
await Promise.race([Promise.all(work), sleep(10_000)]);
const { calls, failed, failure } = count;
const answer: Answer = {
  calls,
  allCalls: count.allCalls,
  seconds,
  p50Ms: count.quantileMs(0.5),
  p99Ms: count.quantileMs(0.99),
  failed,
  failure,
  pulses: count.pulses,
};
process.stdout.write(`${JSON.stringify(answer)}\n`);
process.exit(0);
