import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createClient, secureChannel } from "@moult/contracts";
import { AgentService } from "@moult/contracts/v1";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";
import { refused } from "../testing/refusal.ts";

let named: TestCoordinator;
let stranger: TestCoordinator;
beforeAll(async () => {
  named = await TestCoordinator.start({ config: { tls_names: ["localhost"] } });
  stranger = await TestCoordinator.start();
});
afterAll(async () => {
  await named.stop();
  await stranger.stop();
});

/** A call to `host` at a coordinator's port, trusting the authority of `authority`. */
async function call(host: string, at: TestCoordinator, authority: TestCoordinator): Promise<number> {
  const address = `${host}:${at.running.grpc.split(":").at(-1)}`;
  const ca = readFileSync(join(authority.config.state_dir, "tls", "ca.pem"));
  const channel = secureChannel(address, ca);
  const client = createClient(AgentService, address, channel.credentials, channel.options);
  try {
    return (await client.getChallenge({}, { timeoutMs: 5000 })).challenge.length;
  } finally {
    client.close();
  }
}

test("a coordinator is reached by any name or address that its certificate is for", async () => {
  expect(await call("127.0.0.1", stranger, stranger)).toBeGreaterThan(0);
  expect(await call("localhost", stranger, stranger)).toBeGreaterThan(0);
  expect(await call("localhost", named, named)).toBeGreaterThan(0);
});

test("an address that the certificate is not for is refused, and so is another authority", async () => {
  const wrongName = await refused(call("127.0.0.1", named, named));
  expect(wrongName.code).toBe("UNAVAILABLE");
  expect(wrongName.message).toContain("127.0.0.1");
  expect((await refused(call("localhost", named, stranger))).code).toBe("UNAVAILABLE");
  expect((await refused(call("127.0.0.1", stranger, named))).code).toBe("UNAVAILABLE");
});
