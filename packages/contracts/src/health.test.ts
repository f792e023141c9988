import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HealthCheckResponse_ServingStatus as ServingStatus } from "../gen/grpc/health/v1/health_pb.js";
import { type Client, createClient } from "./client.ts";
import { Health, type HealthSwitch, createHealth } from "./health.ts";
import { KINDS, type TestServer, startTestServer, until } from "./testing/server.ts";
import { AgentService } from "./v1.ts";

let health: HealthSwitch;
let served: TestServer;
let client: Client<typeof Health>;
describe.each(KINDS)("served by %s", (kind) => {
  beforeEach(async () => {
    health = createHealth([AgentService]);
    served = await startTestServer(
      (bind) =>
        bind(
          Health,
          health.implementation,
          () => undefined,
          () => undefined,
        ),
      kind,
    );
    client = createClient(Health, served.address, served.credentials);
  });
  afterEach(() => {
    client.close();
    served.stop();
  });

  async function check(service: string): Promise<string> {
    const answer = await client.check({ service }, { timeoutMs: 10_000 });
    return ServingStatus[answer.status];
  }

  test("it serves once it was told so, as a whole and for each of its services", async () => {
    expect(await check("")).toBe("NOT_SERVING");
    health.set(true);
    expect([await check(""), await check("moult.v1.AgentService")]).toEqual(["SERVING", "SERVING"]);
    health.set(false);
    expect(await check("")).toBe("NOT_SERVING");
  });

  test("a service that is not here is NOT_FOUND when asked for, SERVICE_UNKNOWN when watched", async () => {
    await expect(check("moult.v1.Nothing")).rejects.toMatchObject({ code: status.NOT_FOUND });
    const seen: string[] = [];
    const stream = client.watch({ service: "moult.v1.Nothing" });
    stream.on("data", (answer) => seen.push(ServingStatus[answer.status] ?? ""));
    await new Promise((resolve) => stream.on("end", resolve));
    expect(seen).toEqual(["SERVICE_UNKNOWN"]);
  });

  test("a watcher is told at once and of each change", async () => {
    const seen: string[] = [];
    const stream = client.watch({ service: "" });
    stream.on("error", () => undefined);
    stream.on("data", (answer) => seen.push(ServingStatus[answer.status] ?? ""));
    const hears = (count: number): Promise<true> => until(`answer ${count}`, () => seen.length >= count || undefined);
    await hears(1);
    health.set(true);
    await hears(2);
    health.set(false);
    await hears(3);
    expect(seen).toEqual(["NOT_SERVING", "SERVING", "NOT_SERVING"]);
    stream.cancel();
  });

  test("of a watcher that has gone nothing is left, although nothing changed", async () => {
    for (let n = 0; n < 3; n += 1) {
      const stream = client.watch({ service: "" });
      stream.on("error", () => undefined).on("data", () => undefined);
      await until("the watcher", () => health.waitingCount === 1 || undefined);
      stream.cancel();
      await until("its end", () => health.waitingCount === 0 || undefined);
    }
  });
});
