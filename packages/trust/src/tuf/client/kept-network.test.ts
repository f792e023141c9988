import { expect, it } from "vitest";
import { TestNetwork } from "../../testing/network.ts";
import { jsonBytes, GOOD_MANIFEST } from "../../fixtures.ts";
import { keptRoot, keptTimestampVersion, recallNetwork } from "./kept-network.ts";
import type { KeptMetadata } from "./ports.ts";
import { refreshNetwork } from "./trusted-network.ts";

const HOUR_MS = 3_600_000;
const T = Date.parse("2031-05-01T00:00:00Z");

async function kept(network: TestNetwork): Promise<KeptMetadata> {
  let files: KeptMetadata = { root: network.flashedRoot, targets: new Map() };
  const store = {
    load: async () => files,
    save: async (next: KeptMetadata) => {
      files = next;
    },
  };
  await refreshNetwork({ source: network.source, store }, T);
  return files;
}

it("knows after a start what it knew before, until it runs out", async () => {
  const network = new TestNetwork({ nowMs: () => T });
  const entry = network.entry(jsonBytes(GOOD_MANIFEST));
  network.allow(entry);
  const files = await kept(network);
  const recalled = await recallNetwork(files, T + HOUR_MS);
  expect(recalled.allowlist.builds.get(entry.digest)?.version).toBe(GOOD_MANIFEST.version);
  expect(keptTimestampVersion(files)).toBe(1);
  await expect(recallNetwork(files, T + 25 * HOUR_MS)).rejects.toMatchObject({ code: "EXPIRED" });
  expect(keptRoot(files).network).toBe("demo");
});

it("knows nothing but the root on a device that was just flashed", async () => {
  const network = new TestNetwork({ nowMs: () => T });
  const files = { root: network.flashedRoot, targets: new Map() };
  expect(keptTimestampVersion(files)).toBe(0);
  await expect(recallNetwork(files, T)).rejects.toMatchObject({ code: "NOT_FOUND" });
});
