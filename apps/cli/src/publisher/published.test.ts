import { headIn } from "@moult/trust/tuf";
import { TestNetwork } from "@moult/trust/testing";
import { expect, test } from "vitest";
import { openMemory } from "./memory.ts";
import { readPublished } from "./published.ts";

test("a publisher who was away for more roots than one refresh walks reaches the newest", async () => {
  const network = new TestNetwork();
  for (let version = 2; version <= 260; version += 1) network.rotate({});
  network.publish();
  const { root, targets } = await readPublished(network.source, openMemory(network.flashedRoot, undefined));
  expect(headIn(root).version).toBe(260);
  expect(targets).toEqual(network.targets);
});
