import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials, status } from "@grpc/grpc-js";
import { RpcError } from "@moult/contracts";
import {
  AskResponseSchema,
  type AttendRequest,
  AttendRequestSchema,
  type AttendResponse,
  AttendResponseSchema,
  ErrorReason,
} from "@moult/contracts/v1";
import { afterEach, expect, test } from "vitest";
import { Attending } from "../ledger/attending.ts";
import { Topic } from "../ledger/topics.ts";
import { until } from "../testing/wait.ts";
import { Hop } from "./hop.ts";
import { CALLER, type SeatParts, type TrunkPair, callOf, trunkPair } from "./testing/trunk-pair.ts";
import { TrunkClient } from "./trunk-client.ts";

const ATTEND = "/moult.v1.AgentService/Attend";
const ASK = "/moult.v1.AgentService/Ask";

let pair: TrunkPair | undefined;
afterEach(() => {
  pair?.stop();
  pair = undefined;
});

async function start(parts: SeatParts): Promise<TrunkPair> {
  pair = await trunkPair(parts);
  return pair;
}

function nudge(release: string): AttendResponse {
  return create(AttendResponseSchema, { message: { case: "nudge", value: { release } } });
}

function pulse(sequence: number): Uint8Array {
  const report = { node: "nodes/n1", sequence: BigInt(sequence), report: { case: "pulse" as const, value: {} } };
  return toBinary(AttendRequestSchema, create(AttendRequestSchema, { message: { case: "report", value: report } }));
}

/** A device's end of a stream: what it says, and what it was told. */
class Attendant {
  readonly told: string[] = [];
  readonly leaving = new AbortController();
  end: { readonly error?: unknown } | undefined;
  #reading = Promise.withResolvers<void>();

  constructor(trunk: TrunkPair["trunk"], requests: AsyncIterable<Uint8Array>, isSlow = false) {
    if (!isSlow) this.#reading.resolve();
    void this.#run(trunk.stream(ATTEND, requests, callOf("Bearer t", this.leaving.signal), CALLER));
  }

  reads(): void {
    this.#reading.resolve();
  }

  async #run(messages: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const bytes of messages) {
        const { message } = fromBinary(AttendResponseSchema, bytes);
        if (message.case === "nudge") this.told.push(message.value.release);
        await this.#reading.promise;
      }
      this.end = {};
    } catch (error) {
      this.end = { error };
    }
  }
}

/** What says something, and then nothing until the stream ends. */
async function* saying(...messages: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* messages;
  await new Promise(() => {});
}

/** A seat that keeps presence and notices as the coordinator does, with the same parts. */
function presence(): {
  readonly seat: SeatParts;
  readonly notices: Topic<AttendResponse>;
  readonly heard: bigint[];
  readonly streams: () => number;
} {
  const notices = new Topic<AttendResponse>();
  const attending = new Attending();
  const heard: bigint[] = [];
  let streams = 0;
  const seat: SeatParts = {
    agent: {
      async *attend(requests, call) {
        const mailbox = notices.subscribe(call.signal, "n1");
        const upward = (async (messages: AsyncIterable<AttendRequest>) => {
          for await (const { message } of messages) if (message.case === "report") heard.push(message.value.sequence);
          mailbox.end();
        })(requests);
        upward.catch(() => undefined);
        attending.began("n1");
        streams += 1;
        try {
          for await (const all of mailbox) yield* all;
        } finally {
          attending.ended("n1", 0);
          streams -= 1;
        }
      },
    },
  };
  return { seat, notices, heard, streams: () => streams };
}

test("a stream carries pulses up in order and notices down, and presence ends with the device", async () => {
  const { seat, notices, heard, streams } = presence();
  const { trunk } = await start(seat);
  const device = new Attendant(trunk, saying(...Array.from({ length: 50 }, (_, n) => pulse(n))));
  await until("it is there", () => streams() === 1 || undefined);
  await until("all is heard", () => heard.length === 50 || undefined);
  expect(heard).toEqual(heard.toSorted((a, b) => Number(a - b)));
  notices.send("nudge", nudge("r1"));
  await until("it is told", () => device.told.length === 1 || undefined);
  device.leaving.abort();
  await until("it is gone", () => streams() === 0 || undefined);
  expect(device.end).toEqual({});
});

test("half-closing ends it as at the seat itself: well", async () => {
  const { seat, streams } = presence();
  const { trunk } = await start(seat);
  async function* once(): AsyncGenerator<Uint8Array> {
    yield pulse(1);
  }
  const device = new Attendant(trunk, once());
  await until("it has ended", () => device.end);
  expect(device.end).toEqual({});
  expect(streams()).toBe(0);
});

test("all of a trunk's streams end with the trunk, on both sides", async () => {
  const { seat, streams } = presence();
  const { trunk, die } = await start(seat);
  const devices = Array.from({ length: 300 }, () => new Attendant(trunk, saying(pulse(1))));
  await until("all are there", () => streams() === 300 || undefined);
  die();
  await until("none is there", () => streams() === 0 || undefined);
  await until("all know", () => devices.every(({ end }) => end !== undefined) || undefined);
  for (const { end } of devices) expect(end?.error).toMatchObject({ code: status.UNAVAILABLE, retryAfterMs: 1_000 });
});

test("and with the seat's term, after what was said last", async () => {
  const { seat, notices, streams } = presence();
  const { trunk, rise } = await start(seat);
  const device = new Attendant(trunk, saying(pulse(1)));
  await until("it is there", () => streams() === 1 || undefined);
  notices.send("drain", nudge("last"));
  // As the seat does: a turn of the event loop, in which notices go out.
  await new Promise((resolve) => setImmediate(resolve));
  rise();
  await until("it knows", () => device.end);
  expect(device.told).toEqual(["last"]);
  expect(device.end?.error).toMatchObject({ code: status.UNAVAILABLE });
  expect(streams()).toBe(0);
});

test("a device that reads nothing is ahead by a few notices, the rest coalesce at the seat, and the last arrives", async () => {
  const { seat, notices, streams } = presence();
  const { trunk } = await start(seat);
  const slow = new Attendant(trunk, saying(), true);
  const quick = new Attendant(trunk, saying());
  await until("both are there", () => streams() === 2 || undefined);
  for (let n = 1; n <= 200; n += 1) {
    notices.send("nudge", nudge(`r${n}`));
    await until("the quick one is told", () => quick.told.at(-1) === `r${n}` || undefined);
  }
  expect(quick.told).toHaveLength(200);
  slow.reads();
  await until("the last arrives", () => slow.told.at(-1) === "r200" || undefined);
  expect(slow.told.length).toBeLessThanOrEqual(10);
});

test("a device that says more than the seat takes is not read further", async () => {
  let taken = 0;
  const going = Promise.withResolvers<void>();
  const { trunk } = await start({
    agent: {
      async *attend(requests) {
        yield* [];
        await going.promise;
        for await (const request of requests) if (request.message.case === "report") taken += 1;
        yield nudge("all is taken");
      },
    },
  });
  let said = 0;
  async function* flood(): AsyncGenerator<Uint8Array> {
    for (; said < 1_000; said += 1) yield pulse(said);
  }
  const device = new Attendant(trunk, flood());
  // What an ordinary call takes there and back is more than enough for what is not held back.
  for (let n = 0; n < 5; n += 1) await trunk.call(ASK, pulse(1), callOf("Bearer t"), CALLER).catch(() => undefined);
  expect(said).toBeLessThanOrEqual(5);
  going.resolve();
  await until("all is taken", () => device.end);
  expect(taken).toBe(1_000);
});

test("the seat judges each call anew: whose session has ended is refused under the number that it had", async () => {
  let isGood = true;
  let judged = 0;
  const { trunk } = await start({
    agent: { ...presence().seat.agent, ask: async () => create(AskResponseSchema, {}) },
    check: (_, metadata) => {
      expect(metadata.get("authorization")).toBe("Bearer t");
      judged += 1;
      if (isGood) return { kind: "device", nodeId: "n1" };
      throw new RpcError(status.UNAUTHENTICATED, ErrorReason.SESSION_EXPIRED, "over");
    },
  });
  const ask = (): Promise<Uint8Array> => trunk.call(ASK, new Uint8Array(), callOf("Bearer t"), CALLER);
  await ask();
  await ask();
  isGood = false;
  await expect(ask()).rejects.toMatchObject({ code: status.UNAUTHENTICATED, reason: ErrorReason.SESSION_EXPIRED });
  const device = new Attendant(trunk, saying());
  await until("it is refused", () => device.end);
  expect(device.end?.error).toMatchObject({ code: status.UNAUTHENTICATED });
  expect(judged).toBe(4);
});

test("more streams than may be are refused, and so is what is too long for a device", async () => {
  const { seat, streams } = presence();
  const { trunk } = await start({ ...seat, limits: { streamsMax: 2 } });
  const devices = [1, 2, 3].map(() => new Attendant(trunk, saying()));
  const refused = await until("one is refused", () => devices.find(({ end }) => end !== undefined));
  expect(refused.end?.error).toMatchObject({ code: status.RESOURCE_EXHAUSTED, reason: ErrorReason.OVERLOADED });
  await until("two are there", () => streams() === 2 || undefined);
  const long = new Uint8Array(1_048_577);
  const calling = trunk.call(ASK, long, callOf("Bearer t"), CALLER);
  await expect(calling).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  devices[0]?.leaving.abort();
  await until("one has gone", () => streams() === 1 || undefined);
  const babbler = new Attendant(trunk, saying(long));
  await until("it is refused", () => babbler.end);
  expect(babbler.end?.error).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  await until("it is gone at the seat too", () => streams() === 1 || undefined);
  expect(trunk.hasEnded).toBe(false);
});

test("where the seat takes nothing, only so many bytes wait for it; the rest is refused", async () => {
  const silent = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const client = new Client(`127.0.0.1:${(silent.address() as AddressInfo).port}`, credentials.createInsecure());
  const trunk = new TrunkClient(client, new Hop(Buffer.alloc(32)), { unwrittenBytesMax: 200_000 });
  try {
    let taken = 0;
    let refusal: unknown;
    const request = new Uint8Array(10_000);
    await until("one is refused", () => {
      // Each in a message of its own.
      trunk.call(ASK, request, callOf("Bearer t"), CALLER).catch((error: unknown) => (refusal ??= error));
      taken += 1;
      return refusal;
    });
    expect(refusal).toMatchObject({ code: status.RESOURCE_EXHAUSTED, reason: ErrorReason.OVERLOADED });
    // The client itself keeps the first MiB of a stream, to try again with.
    expect(taken).toBeLessThan(150);
    const device = new Attendant(trunk, saying(request));
    await until("and so is its message", () => device.end);
    expect(device.end?.error).toMatchObject({ reason: ErrorReason.OVERLOADED });
  } finally {
    trunk.close();
    client.close();
    silent.close();
  }
});
