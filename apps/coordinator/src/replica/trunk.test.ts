import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { type Implementation, RelayedError, RpcError, readRpcError } from "@moult/contracts";
import { AgentService, AskRequestSchema, AskResponseSchema, ErrorReason } from "@moult/contracts/v1";
import { expect, test } from "vitest";
import type { Principal } from "../rpc/access.ts";
import { passedOn } from "./forward-errors.ts";
import { localMethod } from "./local-method.ts";
import { type AnswerFrame, TrunkWriter, readAnswered } from "./trunk-codec.ts";
import { CALLERS_MAX } from "./trunk-numbers.ts";
import { TrunkServer } from "./trunk-server.ts";
import { AHEAD_MAX } from "./trunk-stream.ts";

const ASK = "/moult.v1.AgentService/Ask";
const REQUEST = toBinary(AskRequestSchema, create(AskRequestSchema, { node: "nodes/n1" }));
const DEVICE = { authorization: "Bearer t", peer: "192.0.2.1:7", certificate: undefined };

interface Seen {
  readonly token: string;
  readonly peer: string;
}

/** A server whose Ask is `run`, and which notes whom it judges. */
function serverOf(run: () => Promise<object>, term: AbortSignal, seen: Seen[] = []): TrunkServer {
  const server = new TrunkServer({ speaks: () => true, term: () => term });
  server.judgedBy(
    (_, metadata, peer) => {
      seen.push({ token: String(metadata.get("authorization")), peer });
      return { kind: "anyone" };
    },
    () => undefined,
  );
  const implementation = { ask: run } as unknown as Implementation<typeof AgentService, Principal>;
  server.add(ASK, localMethod(AgentService, AgentService.method.ask, implementation));
  return server;
}

const LASTING = new AbortController().signal;

/** What comes back for these messages, by id. */
async function answersOf(server: TrunkServer, messages: readonly Uint8Array[]): Promise<Map<number, AnswerFrame>> {
  async function* requests(): AsyncGenerator<Uint8Array> {
    yield* messages;
  }
  const found = new Map<number, AnswerFrame>();
  for await (const bytes of server.hand(requests(), LASTING)) {
    for (const answer of readAnswered(bytes).answers) {
      expect(found.has(answer.id)).toBe(false);
      found.set(answer.id, answer);
    }
  }
  return found;
}

/** Hands calls to a server whose Ask is `run`; answers what came back, by id. */
function hand(
  count: number,
  run: () => Promise<object>,
  term: AbortSignal = LASTING,
): Promise<Map<number, AnswerFrame>> {
  const writer = new TrunkWriter();
  const messages: Uint8Array[] = [];
  for (let id = 0; id < count; id += 1) {
    const path = id === 1 ? "/moult.v1.FleetService/GetNode" : ASK;
    writer.call({ id, path, method: 0, callerNumber: 0, caller: DEVICE, request: REQUEST });
    if (id % 500 === 499 || id === count - 1) messages.push(writer.finish());
  }
  return answersOf(serverOf(run, term), messages);
}

test("every call is answered once, more of them than are worked on at a time; what is not known is refused by itself", async () => {
  const answers = await hand(12_000, async () => create(AskResponseSchema, {}));
  expect(answers.size).toBe(12_000);
  expect(answers.get(1)).toMatchObject({ code: status.UNIMPLEMENTED });
  expect([...answers.values()].filter(({ code }) => code !== 0)).toHaveLength(1);
  expect(fromBinary(AskResponseSchema, answers.get(2)?.body ?? new Uint8Array()).verdict).toBeUndefined();
});

test("a refusal arrives as it was, and a defect without its text", async () => {
  const more = { retryAfterMs: 250, violations: [{ field: "f", description: "d" }] };
  const refused = await hand(1, () =>
    Promise.reject(new RpcError(status.NOT_FOUND, ErrorReason.NODE_UNKNOWN, "nobody", more)),
  );
  const { code = 0, message = "", body = new Uint8Array() } = refused.get(0) ?? {};
  const error = new RelayedError(code, message, body);
  expect(error).toMatchObject({ code: status.NOT_FOUND, reason: ErrorReason.NODE_UNKNOWN, message: "nobody" });
  expect(readRpcError(error)).toEqual({ reason: "NODE_UNKNOWN", ...more });
  const broken = await hand(1, () => Promise.reject(new Error("secret")));
  expect(broken.get(0)).toMatchObject({ code: status.INTERNAL, message: "internal error" });
  const failed = Object.assign(new Error(""), { code: status.UNAVAILABLE, details: "", metadata: undefined as never });
  expect(passedOn(failed)).toMatchObject({ code: status.UNAVAILABLE, retryAfterMs: 1_000 });
});

test("an answer that no message has room for is refused by itself", async () => {
  const verdict = { askId: "a".repeat(4_000_000) };
  const answers = await hand(1, async () => create(AskResponseSchema, { verdict }));
  expect(answers.get(0)).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
});

test("ends where its replica stops deciding, whatever is still worked on", async () => {
  const term = new AbortController();
  const never = hand(3, () => new Promise(() => {}), term.signal);
  setImmediate(() => term.abort());
  await expect(never).rejects.toMatchObject({ code: status.UNAVAILABLE });
});

test("a number stands for whom it was introduced with last, on its own trunk; one that was not introduced is refused", async () => {
  const seen: Seen[] = [];
  const server = serverOf(async () => create(AskResponseSchema, {}), LASTING, seen);
  const writer = new TrunkWriter();
  const other = { ...DEVICE, authorization: "Bearer u" };
  const calls = [
    { path: ASK, method: 3, callerNumber: 7, caller: DEVICE },
    { path: "", method: 3, callerNumber: 7, caller: undefined },
    { path: "", method: 3, callerNumber: 7, caller: other },
    { path: "", method: 3, callerNumber: 7, caller: undefined },
    // Nobody has these.
    { path: "", method: 3, callerNumber: 8, caller: undefined },
    { path: "", method: 3, callerNumber: 0, caller: undefined },
    { path: "", method: 3, callerNumber: CALLERS_MAX + 1, caller: DEVICE },
    { path: "", method: 4, callerNumber: 7, caller: undefined },
    // For one call alone.
    { path: "", method: 3, callerNumber: 0, caller: DEVICE },
    { path: "", method: 3, callerNumber: 0, caller: undefined },
  ];
  for (const [id, call] of calls.entries()) writer.call({ id, request: REQUEST, ...call });
  const bytes = writer.finish();
  const answers = await answersOf(server, [bytes]);
  const codes = calls.map((_, id) => status[answers.get(id)?.code ?? status.UNKNOWN]);
  expect(codes.join(" ")).toBe(
    "OK OK OK OK UNAUTHENTICATED UNAUTHENTICATED UNAUTHENTICATED UNIMPLEMENTED OK UNAUTHENTICATED",
  );
  expect(seen.map(({ token }) => token.slice(-1)).join("")).toBe("ttuut");
  expect(new Set(seen.map((each) => each.peer))).toEqual(new Set([DEVICE.peer]));
  // What was said on one trunk says nothing on another.
  writer.call({ id: 0, path: ASK, method: 0, callerNumber: 7, caller: undefined, request: REQUEST });
  expect((await answersOf(server, [writer.finish()])).get(0)?.code).toBe(status.UNAUTHENTICATED);
});

test("an edge that sends more of a stream than was taken loses the stream, and no other", async () => {
  const server = serverOf(async () => create(AskResponseSchema, {}), LASTING);
  const path = "/moult.v1.AgentService/Attend";
  const deaf = {
    async *attend(_: unknown, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<never> {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      yield* [];
    },
  } as unknown as Implementation<typeof AgentService, Principal>;
  server.add(path, localMethod(AgentService, AgentService.method.attend, deaf));
  const writer = new TrunkWriter();
  for (const id of [1, 2]) {
    writer.call({ id, path, method: 0, callerNumber: 0, caller: DEVICE, request: new Uint8Array() });
    for (let n = 0; n < (id === 1 ? AHEAD_MAX + 2 : AHEAD_MAX); n += 1) writer.part({ id, message: new Uint8Array() });
  }
  writer.call({ id: 3, path: ASK, method: 0, callerNumber: 0, caller: DEVICE, request: REQUEST });
  const answers = await answersOf(server, [writer.finish()]);
  expect([...answers].map(([id, { code }]) => `${id} ${status[code]}`).toSorted()).toEqual([
    "1 RESOURCE_EXHAUSTED",
    "3 OK",
  ]);
});
