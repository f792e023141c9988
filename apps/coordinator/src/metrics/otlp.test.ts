import { rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeFolder, writeConfig } from "../testing/coordinator.ts";
import { CoordinatorProcess } from "../testing/process.ts";

/** What a stop may take on a machine that does much else; a collector that is not there adds two seconds. */
const STOP_MS = 15_000;

test("what the environment asks for is sent to a collector, which nobody waits for when it hangs", async () => {
  const folder = makeFolder();
  const got: { readonly url: string; readonly body: string }[] = [];
  // One that takes what comes, and never answers.
  const collector = createServer((request) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => got.push({ url: request.url ?? "", body }));
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const { port } = collector.address() as AddressInfo;
  const process = new CoordinatorProcess(["--config", writeConfig(folder)], {
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
  });
  try {
    await process.serves(join(folder, "state"));
    const toldAtMs = performance.now();
    // The last figures are sent when it stops.
    expect((await process.end("SIGTERM")).code).toBe(0);
    expect(performance.now() - toldAtMs).toBeLessThan(STOP_MS);
    const [sent] = got;
    expect(sent?.url).toBe("/v1/metrics");
    for (const word of [
      "moult.ready",
      "db.client.operation.duration",
      "moult-coordinator",
      "deployment.environment.name",
    ]) {
      expect(sent?.body).toContain(`"${word}"`);
    }
  } finally {
    await process.end("SIGKILL");
    collector.closeAllConnections();
    collector.close();
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
