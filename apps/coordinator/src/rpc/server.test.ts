import { readFileSync } from "node:fs";
import { connect } from "node:http2";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TestCoordinator } from "../testing/coordinator.ts";
import { until } from "../testing/wait.ts";

/** A gRPC frame around an empty message: not compressed, length 0. */
const EMPTY = Buffer.alloc(5);

test("a watcher that takes nothing of what is sent does not hold up the end", async () => {
  const home = await TestCoordinator.start();
  await home.device();
  const { viewerToken } = home.clients;
  const ca = readFileSync(join(home.config.state_dir, "tls", "ca.pem"));
  const session = connect(`https://${home.running.grpc}`, { ca, settings: { initialWindowSize: 0 } });
  session.on("error", () => undefined);
  const stream = session.request({
    ":method": "POST",
    ":path": "/moult.v1.MembershipService/Watch",
    "content-type": "application/grpc",
    te: "trailers",
    authorization: `Bearer ${viewerToken}`,
  });
  stream.on("error", () => undefined);
  stream.end(EMPTY);
  await new Promise((resolve) => stream.once("response", resolve));
  let stopped = false;
  const stopping = home.stop().then(() => (stopped = true));
  await until("the end", () => stopped || undefined);
  await stopping;
  expect(stopped).toBe(true);
  session.destroy();
});
