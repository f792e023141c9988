import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { type Implementation, RelayedError, RpcError } from "@moult/contracts";
import { AgentService, AskRequestSchema, ErrorReason } from "@moult/contracts/v1";
import { expect, test } from "vitest";
import { Overloaded } from "../ledger/pressure.ts";
import { DIRECT } from "../replica/through.ts";
import type { Principal } from "../rpc/access.ts";
import { countedCalls } from "./counted-calls.ts";
import { Numbers } from "./numbers.ts";

const FULL = new RpcError(status.RESOURCE_EXHAUSTED, ErrorReason.OVERLOADED, "full");

test.for([
  ["by a bound of this one's own", FULL, 1],
  ["by its rank, which is counted where it is shed", new Overloaded("ASK", 1), 0],
  ["by the replica that decides, which counts it", new RelayedError(FULL.code, FULL.message, FULL.statusBytes), 0],
] as const)("what is refused for overload is counted once: %s", async ([, error, count]) => {
  const numbers = new Numbers();
  const counted = countedCalls(DIRECT, { numbers, system: "grpc", nowMs: () => 0, refusalOf: () => FULL });
  const refusing = new Proxy({}, { get: () => async () => Promise.reject(error) });
  const all = counted.messages(AgentService, refusing as Implementation<typeof AgentService, Principal>);
  await expect(all.ask(create(AskRequestSchema, {}), {} as never)).rejects.toBe(error);
  expect(numbers.overloadedInAll).toBe(count);
});

test.for(["by itself", "by an error", "by whoever reads it"])(
  "a stream is open from its first reading until it ends %s",
  async (how) => {
    const numbers = new Numbers();
    const counted = countedCalls(DIRECT, { numbers, system: "grpc", nowMs: () => 0, refusalOf: () => undefined });
    let isLeft = false;
    const attend = async function* (): AsyncGenerator {
      try {
        yield 1;
        if (how === "by an error") throw FULL;
      } finally {
        isLeft = true;
      }
    };
    const handlers = { attend } as unknown as Implementation<typeof AgentService, Principal>;
    const stream = counted.messages(AgentService, handlers).attend([] as never, {} as never);
    const streams = (): number => numbers.methods.reduce((sum, method) => sum + method.streams, 0);
    expect(streams()).toBe(0);
    const reader = stream[Symbol.asyncIterator]();
    expect(await reader.next()).toEqual({ done: false, value: 1 });
    expect(streams()).toBe(1);
    if (how === "by itself") expect((await reader.next()).done).toBe(true);
    if (how === "by an error") await expect(reader.next()).rejects.toBe(FULL);
    if (how === "by whoever reads it") await reader.return?.();
    expect([streams(), isLeft]).toEqual([0, true]);
    expect((await reader.next()).done).toBe(true);
    expect(streams()).toBe(0);
  },
);
