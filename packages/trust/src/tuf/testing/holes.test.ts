/** What stock tuf-js leaves open and a verdict on a refresh does not show. Each beside what the wrapper does. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { ExpiredMetadataError } from "tuf-js/dist/error.js";
import { refreshNetwork } from "../client/trusted-network.ts";
import { changedTargets, named, serveSnapshot, serveTargets, serveTimestamp, part } from "./attack.ts";
import { idOf, listed, seal, signedOf, text } from "./forge.ts";
import { Stock } from "./stock.ts";
import { KEYS, T, build, livelyWorld } from "./world.ts";

test("a target whose name every object knows is found on every list", async () => {
  const world = livelyWorld();
  using stock = new Stock(world);
  const updater = await stock.refresh();
  expect(await updater.getTargetInfo("constructor")).toBeTypeOf("function");
  const { allowlist } = await refreshNetwork(world, T);
  expect(allowlist.builds.get("constructor")).toBeUndefined();
});

test("a target without hashes fits any bytes of its length", async () => {
  const world = livelyWorld();
  const { digest, lengthBytes } = build("one");
  serveTargets(
    world,
    changedTargets(world, (s) => void (part(s, "targets", digest)["hashes"] = {})),
  );
  using stock = new Stock(world);
  const target = await (await stock.refresh()).getTargetInfo(digest);
  await expect(target?.verify(Readable.from([Buffer.alloc(lengthBytes)]))).resolves.toBeUndefined();
  await expect(refreshNetwork(world, T)).rejects.toMatchObject({ code: "FORM_INVALID" });
});

test("a signed length stands above the bound that was configured", async () => {
  const world = livelyWorld();
  const length = 1_000_000_000;
  serveTimestamp(
    world,
    (s) => void (s["meta"] = { "snapshot.json": { ...named(world.file("snapshot.json")), length } }),
  );
  using stock = new Stock(world);
  await expect(stock.refresh()).rejects.toThrow();
  expect(stock.asked.find((ask) => ask.name === "1.snapshot.json")?.bytesMax).toBe(length);
  await expect(refreshNetwork(world, T)).rejects.toMatchObject({ code: "MIXED" });
  expect(world.asked.find((ask) => ask.role === "snapshot")?.bytesMax).toBe(16_384);
});

test("why a refresh failed is told in words only, and a freeze looks like any other failure", async () => {
  const world = livelyWorld();
  serveSnapshot(world, (s) => void (s["expires"] = "2020-01-01T00:00:00Z"));
  using stock = new Stock(world);
  const error: unknown = await stock.refresh().catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(Error);
  expect(error).not.toBeInstanceOf(ExpiredMetadataError);
  expect((error as Error).cause).toBeUndefined();
  await expect(refreshNetwork(world, T)).rejects.toMatchObject({ code: "EXPIRED", role: "snapshot" });
});

test("a delegated role's name leads out of the folder of metadata", async () => {
  const world = livelyWorld();
  const role = { name: "../other/list", keyids: [idOf(KEYS.stranger)], threshold: 1, terminating: true, paths: ["*"] };
  const keys = { [idOf(KEYS.stranger)]: listed(KEYS.stranger) };
  const delegating = changedTargets(world, (s) => void (s["delegations"] = { keys, roles: [role] }));
  const targets = { ...(signedOf(world.file("targets.json"))["targets"] as object), secret: { length: 1, hashes: {} } };
  const delegated = seal({ ...signedOf(world.file("targets.json")), version: 1, targets }, [KEYS.stranger]);
  world.serve("targets", delegating);
  serveSnapshot(world, (s) => {
    s["meta"] = { "targets.json": named(delegating), "../other/list.json": named(delegated) };
  });
  using stock = new Stock(world);
  // The file stands beside the folder, where another program put it; the mirror does not have it at all.
  mkdirSync(join(stock.folder, "metadata"));
  mkdirSync(join(stock.folder, "other"));
  writeFileSync(join(stock.folder, "metadata", "root.json"), world.flashedRoot);
  writeFileSync(join(stock.folder, "other", "list.json"), delegated);
  const updater = await stock.refresh("metadata");
  expect(await updater.getTargetInfo("secret")).toMatchObject({ length: 1 });
  await expect(refreshNetwork(world, T)).rejects.toMatchObject({ code: "FORM_INVALID" });
});

test("a root.json that was cut off leaves stock tuf-js without any root; the wrapper's port replaces all or nothing", async () => {
  const world = livelyWorld();
  using stock = new Stock(world);
  writeFileSync(join(stock.folder, "root.json"), text("{"));
  await expect(stock.refresh()).rejects.toBeInstanceOf(SyntaxError);
  expect(world.saves).toBe(0);
  await refreshNetwork(world, T);
  expect(world.saves).toBe(1);
});
