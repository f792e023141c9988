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
