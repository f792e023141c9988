/** Operators' calls as JSON over HTTPS: the same handlers, the same denials, the same details. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";

let coordinator: TestCoordinator;

beforeAll(async () => {
  coordinator = await TestCoordinator.start();
});
afterAll(() => coordinator.stop());

async function post(
  method: string,
  body: string,
  token?: string,
): Promise<{ readonly status: number | undefined; readonly body: unknown }> {
  const ca = readFileSync(join(coordinator.config.state_dir, "tls/ca.pem"));
  const headers = {
    "content-type": "application/json",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  };
  const call = request(`${coordinator.running.json}/${method}`, { method: "POST", ca, headers });
  call.end(body);
  const [response] = (await once(call, "response")) as [IncomingMessage];
  const text = Buffer.concat(await response.toArray()).toString();
  return { status: response.statusCode, body: text.startsWith("{") ? JSON.parse(text) : undefined };
}

test("an operator's call is answered in JSON", async () => {
  await coordinator.device();
  const { status, body } = await post("moult.v1.FleetService/ListPools", "{}", coordinator.clients.operatorToken);
  expect(status).toBe(200);
  expect(body).toMatchObject({ pools: [{ name: "pools/home", nodes: 1 }] });
});

test("a refusal carries the code and the details of gRPC", async () => {
  const call = await post(
    "moult.v1.FleetService/GetNode",
    '{"name":"nodes/nobody"}',
    coordinator.clients.operatorToken,
  );
  expect(call.status).toBe(404);
  expect(call.body).toMatchObject({ code: "not_found", details: [{ debug: { reason: "NODE_UNKNOWN" } }] });
});

test("without credentials every call is denied, and devices' calls are not served at all", async () => {
  const denied = await post("moult.v1.RolloutService/EngageBrake", '{"reason":"x"}');
  expect(denied.status).toBe(401);
  const device = await post("moult.v1.AgentService/GetChallenge", "{}");
  expect(device.status).toBe(404);
});
