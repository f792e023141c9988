import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { RpcError, readRpcError } from "@moult/contracts";
import { type HandedAnswer, HandedCallSchema } from "@moult/contracts/replica";
import { AgentService, AskRequestSchema, AskResponseSchema, ErrorReason } from "@moult/contracts/v1";
import { expect, test } from "vitest";
import { passedOn } from "./forward-errors.ts";
import { TrunkServer } from "./trunk-server.ts";

const ASK = "/moult.v1.AgentService/Ask";

/** Hands calls to a server whose Ask is `run`; answers what came back, by id. */
async function hand(
  count: number,
  run: () => Promise<object>,
  term: AbortSignal = new AbortController().signal,
): Promise<Map<bigint, HandedAnswer>> {
  const server = new TrunkServer({ speaks: () => true, term: () => term });
  server.judgedBy(
    () => ({ kind: "anyone" }),
    () => undefined,
  );
  server.add(AgentService, AgentService.method.ask, run);
  const request = toBinary(AskRequestSchema, create(AskRequestSchema, { node: "nodes/n1" }));
  const calls = Array.from({ length: count }, (_, n) =>
    create(HandedCallSchema, { id: BigInt(n), path: n === 1 ? "/moult.v1.FleetService/GetNode" : ASK, request }),
  );
  async function* requests(): AsyncGenerator<{ readonly calls: typeof calls }> {
    for (let first = 0; first < calls.length; first += 500) yield { calls: calls.slice(first, first + 500) };
  }
  const call = { principal: undefined, metadata: undefined as never, peer: "", signal: new AbortController().signal };
  const found = new Map<bigint, HandedAnswer>();
  for await (const { answers } of server.implementation.hand(requests() as never, call)) {
    for (const answer of answers) found.set(answer.id, answer);
  }
  return found;
}

test("every call is answered once, more of them than are worked on at a time; what is not known is refused by itself", async () => {
  const answers = await hand(12_000, async () => create(AskResponseSchema, {}));
  expect(answers.size).toBe(12_000);
  expect(answers.get(1n)).toMatchObject({ code: status.UNIMPLEMENTED });
  expect([...answers.values()].filter(({ code }) => code !== 0)).toHaveLength(1);
  expect(fromBinary(AskResponseSchema, answers.get(2n)?.body ?? new Uint8Array()).verdict).toBeUndefined();
});

test("a refusal arrives as it was, and a defect without its text", async () => {
  const more = { retryAfterMs: 250, violations: [{ field: "f", description: "d" }] };
  const refused = await hand(1, () =>
    Promise.reject(new RpcError(status.NOT_FOUND, ErrorReason.NODE_UNKNOWN, "nobody", more)),
  );
  const { code = 0, message = "", body = new Uint8Array() } = refused.get(0n) ?? {};
  const error = passedOn(code, message, body);
  expect(error).toMatchObject({ code: status.NOT_FOUND, reason: ErrorReason.NODE_UNKNOWN, message: "nobody" });
  expect(readRpcError(error)).toEqual({ reason: "NODE_UNKNOWN", ...more });
  const broken = await hand(1, () => Promise.reject(new Error("secret")));
  expect(broken.get(0n)).toMatchObject({ code: status.INTERNAL, message: "internal error" });
  expect(passedOn(14, "", new Uint8Array())).toMatchObject({ code: status.UNAVAILABLE, retryAfterMs: 1_000 });
});

test("ends where its replica stops deciding, whatever is still worked on", async () => {
  const term = new AbortController();
  const never = hand(3, () => new Promise(() => {}), term.signal);
  setImmediate(() => term.abort());
  await expect(never).rejects.toMatchObject({ code: status.UNAVAILABLE });
});
