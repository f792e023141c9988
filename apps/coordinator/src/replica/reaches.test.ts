import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";
import { until } from "../testing/wait.ts";
import { Forwarder } from "./forward.ts";
import { Hop } from "./hop.ts";

let home: TestCoordinator;
let forwarder: Forwarder;
afterEach(async () => {
  forwarder.close();
  await home.stop();
});

test("whether the one that decides can be reached is known without a call, before and after it goes away", async () => {
  home = await TestCoordinator.start();
  const address = home.running.grpc;
  const ca = readFileSync(join(home.config.state_dir, "tls", "ca.pem"), "utf8");
  let other: string | undefined;
  forwarder = new Forwarder(() => other, ca, new Hop(new Uint8Array(32)));
  expect(forwarder.reaches()).toBe(false);
  other = address;
  await until("it is reached", () => forwarder.reaches() || undefined);
  await home.down();
  await until("it is missed", () => !forwarder.reaches() || undefined);
});
