import { create } from "@bufbuild/protobuf";
import { type Server, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ErrorReason } from "../gen/moult/v1/errors_pb.js";
import {
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from "../gen/grpc/reflection/v1/reflection_pb.js";
import { createClient } from "./client.ts";
import { RpcError, readRpcError } from "./errors.ts";
import { ServerReflection } from "./reflection.ts";
import { bindService } from "./server.ts";
import type { Implementation } from "./service.ts";
import { type TestServer, startTestServer, until } from "./testing/server.ts";
import { MembershipService, WatchResponseSchema } from "./v1.ts";
import { DrainResponseSchema, RestoreResponseSchema, WorkService } from "./work.ts";

const CALL = { timeoutMs: 10_000 };

let served: TestServer | undefined;
let stopping: AbortController;
const defects: unknown[] = [];
beforeEach(() => {
  stopping = new AbortController();
  defects.length = 0;
});
afterEach(() => {
  served?.stop();
  served = undefined;
});

async function start(bind: (server: Server) => void): Promise<TestServer> {
  served = await startTestServer(bind);
  return served;
}

function note(error: unknown): RpcError | void {
  defects.push(error);
  if (error instanceof RangeError) return new RpcError(status.UNAVAILABLE, ErrorReason.OVERLOADED, "told");
  return undefined;
}

/** A workload whose calls do as they are told. */
function work(situation: () => Promise<never>): Implementation<typeof WorkService, string> {
  return {
    situation,
    async drain() {
      return create(DrainResponseSchema);
    },
    async restore() {
      return create(RestoreResponseSchema);
    },
  };
}

async function failureOf(error: unknown): Promise<{ code: unknown; details: unknown; reason: string }> {
  const failing = work(async () => {
    throw error;
  });
  const { address, credentials } = await start((server) =>
    bindService(server, WorkService, failing, () => "anyone", note),
  );
  const client = createClient(WorkService, address, credentials);
  try {
    await client.situation({}, CALL);
  } catch (failed) {
    const { code, details } = failed as { code: unknown; details: unknown };
    return { code, details, reason: readRpcError(failed).reason };
  } finally {
    client.close();
  }
  throw new Error("the call did not fail");
}

test("a handler's RpcError reaches the caller with its code, words and reason", async () => {
  const told = await failureOf(new RpcError(status.NOT_FOUND, ErrorReason.NODE_UNKNOWN, "no such node"));
  expect(told).toEqual({ code: status.NOT_FOUND, details: "no such node", reason: "NODE_UNKNOWN" });
  expect(defects).toEqual([]);
});

test("any other error reaches the caller without its text, and the server with it", async () => {
  const secret = new Error("the password is 1234");
  expect(await failureOf(secret)).toEqual({ code: status.INTERNAL, details: "internal error", reason: "UNSPECIFIED" });
  expect(defects).toEqual([secret]);
});

test("an error that the server knows reaches the caller as the server says", async () => {
  expect(await failureOf(new RangeError("x"))).toEqual({
    code: status.UNAVAILABLE,
    details: "told",
    reason: "OVERLOADED",
  });
});

test("a refusal by the interceptor keeps the handler from running, in calls and in streams", async () => {
  let ran = 0;
  const refuse = (): never => {
    throw new RpcError(status.PERMISSION_DENIED, ErrorReason.ACCESS_DENIED, "not you");
  };
  const { address, credentials } = await start((server) => {
    const situation = (): Promise<never> => {
      ran += 1;
      return Promise.reject(new Error("ran"));
    };
    bindService(server, WorkService, work(situation), refuse, note);
    const watch = (): AsyncIterable<never> => {
      ran += 1;
      return nothing();
    };
    bindService(server, MembershipService, { watch }, refuse, note);
  });
  const unary = createClient(WorkService, address, credentials);
  const streaming = createClient(MembershipService, address, credentials);
  await expect(unary.situation({}, CALL)).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
  const error = await new Promise((resolve) => streaming.watch({}).on("error", resolve));
  expect(error).toMatchObject({ code: status.PERMISSION_DENIED });
  expect(ran).toBe(0);
  unary.close();
  streaming.close();
});

test("an implementation that lacks a method is refused at the start", () => {
  const none = {} as Implementation<typeof MembershipService, undefined>;
  const server = { addService: () => undefined } as unknown as Server;
  expect(() => bindService(server, MembershipService, none, () => undefined, note)).toThrow(
    "no handler for moult.v1.MembershipService/Watch",
  );
});

async function* nothing(): AsyncGenerator<never> {
  yield* [];
}

/** A stream that yields once and then waits for its end; says whether it has come. */
function waiting(): { readonly implementation: Implementation<typeof MembershipService, undefined>; ended: boolean } {
  const state = {
    ended: false,
    implementation: {
      async *watch(_request: unknown, call: { readonly signal: AbortSignal }) {
        yield create(WatchResponseSchema, { snapshot: true });
        await new Promise<void>((resolve) => {
          if (call.signal.aborted) resolve();
          call.signal.addEventListener("abort", () => resolve(), { once: true });
        });
        state.ended = true;
      },
    } as Implementation<typeof MembershipService, undefined>,
  };
  return state;
}

test("a stream that the caller cancels ends for the handler too", async () => {
  const state = waiting();
  const { address, credentials } = await start((server) =>
    bindService(server, MembershipService, state.implementation, () => undefined, note),
  );
  const client = createClient(MembershipService, address, credentials);
  const stream = client.watch({});
  stream.on("error", () => undefined);
  await new Promise((resolve) => stream.once("data", resolve));
  stream.cancel();
  await until("the handler's end", () => state.ended || undefined);
  client.close();
});

test("a stream that is cancelled while the interceptor still thinks never reaches its handler", async () => {
  let thinks = false;
  let ran = false;
  let decide: () => void = () => undefined;
  const thinking = new Promise<undefined>((resolve) => {
    decide = () => resolve(undefined);
  });
  const { address, credentials, server } = await start((made) => {
    const watch = (): AsyncIterable<never> => {
      ran = true;
      return nothing();
    };
    const intercept = (): Promise<undefined> => {
      thinks = true;
      return thinking;
    };
    bindService(made, MembershipService, { watch }, intercept, note);
  });
  const client = createClient(MembershipService, address, credentials);
  const stream = client.watch({});
  stream.on("error", () => undefined);
  await until("the call arrives", () => thinks || undefined);
  stream.cancel();
  client.close();
  // A server that has shut down knows of no call any more.
  await new Promise((resolve) => server.tryShutdown(resolve));
  decide();
  await thinking;
  await new Promise((resolve) => setImmediate(resolve));
  expect(ran).toBe(false);
});

test("a server that stops ends its streams with UNAVAILABLE and STOPPING", async () => {
  const state = waiting();
  const { address, credentials } = await start((server) =>
    bindService(server, MembershipService, state.implementation, () => undefined, note, {
      stopping: stopping.signal,
    }),
  );
  const client = createClient(MembershipService, address, credentials);
  const stream = client.watch({});
  const failed = new Promise((resolve) => stream.on("error", resolve));
  await new Promise((resolve) => stream.once("data", resolve));
  stopping.abort();
  const error = await failed;
  expect(error).toMatchObject({ code: status.UNAVAILABLE });
  expect(readRpcError(error).reason).toBe("STOPPING");
  client.close();
});

test("in both directions: the answers and the status arrive although the caller has ended its half", async () => {
  const { address, credentials } = await start((server) =>
    bindService(
      server,
      ServerReflection,
      {
        async *serverReflectionInfo(requests) {
          let count = 0;
          for await (const { host } of requests) {
            count += 1;
            if (host === "bad") throw new RpcError(status.INVALID_ARGUMENT, ErrorReason.FIELD_INVALID, "bad");
          }
          yield create(ServerReflectionResponseSchema, { validHost: `${count}` });
        },
      },
      () => undefined,
      note,
    ),
  );
  const client = createClient(ServerReflection, address, credentials);
  const say = (...hosts: string[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const heard: string[] = [];
      const stream = client.serverReflectionInfo(CALL);
      stream.on("data", (answer) => heard.push(answer.validHost));
      stream.on("error", reject);
      stream.on("end", () => resolve(heard));
      for (const host of hosts) stream.write(create(ServerReflectionRequestSchema, { host }));
      stream.end();
    });
  expect(await say()).toEqual(["0"]);
  expect(await say("a", "b")).toEqual(["2"]);
  await expect(say("a", "bad", "c")).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  client.close();
});

test("a reader that is slow gets all of a long stream, in order", async () => {
  const count = 2000;
  const { address, credentials } = await start((server) =>
    bindService(
      server,
      MembershipService,
      {
        async *watch() {
          for (let n = 0; n < count; n += 1) {
            yield create(WatchResponseSchema, { members: [{ node: `nodes/${n}`, endpoint: "x".repeat(1000) }] });
          }
        },
      },
      () => undefined,
      note,
    ),
  );
  const client = createClient(MembershipService, address, credentials);
  const seen: string[] = [];
  for await (const { members } of client.watch({}) as AsyncIterable<{ members: { node: string }[] }>) {
    if (seen.length % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    seen.push(members[0]?.node ?? "");
  }
  expect(seen).toEqual(Array.from({ length: count }, (_, n) => `nodes/${n}`));
  client.close();
});

test("a call's signal cancels it: later, or at once where it was aborted before", async () => {
  const { address, credentials } = await start((server) =>
    bindService(
      server,
      WorkService,
      work(() => new Promise<never>(() => undefined)),
      () => "anyone",
      note,
    ),
  );
  const client = createClient(WorkService, address, credentials);
  const abort = new AbortController();
  const call = client.situation({}, { ...CALL, signal: abort.signal });
  abort.abort();
  await expect(call).rejects.toMatchObject({ code: status.CANCELLED });
  const late = client.situation({}, { ...CALL, signal: abort.signal });
  await expect(late).rejects.toMatchObject({ code: status.CANCELLED });
  await expect(client.situation({}, { timeoutMs: 20 })).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
  client.close();
});
