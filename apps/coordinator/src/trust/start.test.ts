/** What a start does with the root of the configuration and with the metadata in its store: real sockets, a real store. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { TestNetwork } from "@moult/trust/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { TestCoordinator, makeFolder, writeConfig } from "../testing/coordinator.ts";
import { forged } from "../testing/forge.ts";
import { NETWORK, buildOf, networkAt } from "../testing/network.ts";
import { CoordinatorProcess } from "../testing/process.ts";
import { until } from "../testing/wait.ts";
import { openCarried } from "./carried.ts";

let home: TestCoordinator;
beforeEach(async () => {
  home = await TestCoordinator.start();
  await home.release(buildOf("2.0.0", 2), "2.0.0");
});
afterEach(() => home.stop());

/** Starts anew with another root in the configuration. */
async function restartWith(root: Uint8Array): Promise<string> {
  await home.down();
  writeFileSync(home.config.root_file, root);
  try {
    await home.up();
    return "serves";
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

async function rootVersion(): Promise<number> {
  const { files } = await home.clients.metadata.getMetadataStatus({}, home.clients.viewer);
  return Number(files[0]?.version);
}

/** Changes the store behind the coordinator's back. */
async function meddle(sql: string, ...values: (Uint8Array | number | string)[]): Promise<string> {
  await home.down();
  const db = new DatabaseSync(home.storePath);
  db.prepare(sql).run(...values);
  db.close();
  return restartWith(home.network.flashedRoot);
}

test("a newer root is taken from the configuration if it is the next of the chain; an older one of the chain will do", async () => {
  const two = home.network.rotate({});
  expect(await restartWith(two)).toBe("serves");
  expect(await rootVersion()).toBe(2);
  expect(await restartWith(home.network.flashedRoot)).toBe("serves");
  expect(await rootVersion()).toBe(2);
  expect((await home.clients.http("GET", "/v1/metadata/2.root.json")).body).toEqual(Buffer.from(two));
});

test("a root that skips one, forks, or is of strangers or another network is refused with one sentence", async () => {
  const { network } = home;
  const two = network.rotate({});
  const three = network.rotate({});
  expect(await restartWith(three)).toMatch(
    /^StoreError: .*there is no root 2 between the published ones and root_file/,
  );
  const stranger = new TestNetwork({ network: NETWORK }).flashedRoot;
  expect(await restartWith(stranger)).toMatch(
    /^StoreError: .*root_file is another root 1 than the one that is published/,
  );
  const alone = forged(two, () => undefined, network.keys.root.slice(0, 1));
  expect(await restartWith(alone)).toMatch(/^(StoreError|ConfigError): .*root/);
  const other = new TestNetwork({ network: "other" }).flashedRoot;
  expect(await restartWith(other)).toMatch(/^ConfigError: root_file: .* is of network other, not of demo/);
  expect(await restartWith(Buffer.from("{}"))).toMatch(/^ConfigError: root_file: .* is no root: /);
  expect(await restartWith(two)).toBe("serves");
});

test("a store whose metadata were changed is refused", async () => {
  const stranger = new TestNetwork({ network: NETWORK });
  const [list = new Uint8Array(), , timestamp = new Uint8Array()] = stranger.allow();
  const swap = "UPDATE metadata_files SET file = ? WHERE role = ?";
  const refused = /^StoreError: the metadata in the store cannot be used: they do not verify: /;
  expect(await meddle(swap, timestamp, "timestamp")).toMatch(refused);
  expect(await meddle(swap, home.network.files.get("timestamp.json") ?? list, "timestamp")).toBe("serves");
  expect(await meddle(swap, list, "targets")).toMatch(refused);
  expect(await meddle(swap, home.network.targets ?? list, "targets")).toBe("serves");
  expect(await meddle("DELETE FROM metadata_files WHERE role = ?", "snapshot")).toMatch(refused);
});

test("a store of before 0.2 is taken over: its releases are offered again once the council has listed their builds", async () => {
  const files = [...home.network.publish()];
  await home.down();
  const db = new DatabaseSync(home.storePath);
  db.exec(
    "DROP TABLE metadata_files; DROP TABLE brake_statements; DROP TABLE events; UPDATE meta SET value = '1' WHERE key = 'additions'",
  );
  // As they were written then: with who signed, and nothing of a list.
  db.exec(`UPDATE releases SET release = json_set(json_remove(release, '$.builds[0].listed'),
    '$.builds[0].signedBy', json_array('ab'))`);
  db.close();
  await home.up();
  const shown = async (): Promise<unknown> => {
    const { release } = await home.clients.releases.getRelease({ name: "releases/2.0.0" }, home.clients.viewer);
    return release && [release.recalled, release.builds.map(({ listed }) => listed)];
  };
  expect(await shown()).toEqual([true, [false]]);
  await home.publish(files);
  expect(await shown()).toEqual([false, [true]]);
});

test("metadata that ran out while the coordinator was away does not stop it: it narrows by what it has", async () => {
  await home.down();
  home.putForward(3 * 86_400_000);
  await home.up();
  const { files, staleTime, builds } = await home.clients.metadata.getMetadataStatus({}, home.clients.viewer);
  expect([files.length, builds]).toEqual([4, 1]);
  expect(Number(staleTime?.seconds) * 1000).toBeLessThan(home.now());
  const told = "metadata has run out: devices refuse to move until it is renewed";
  await until("the log line", () => home.logged.some(({ message }) => message === told) || undefined);
});

test("a store that is refused ends the process with code 3, a root that is none with code 2", async () => {
  const folder = makeFolder();
  mkdirSync(join(folder, "a"));
  const first = new CoordinatorProcess(["--config", writeConfig(folder)]);
  await first.serves(join(folder, "state"));
  await first.end("SIGTERM");
  const forked = await new CoordinatorProcess(["--config", writeConfig(folder)]).ended;
  const missing = { root_file: join(folder, "a", "nowhere.json"), state_dir: join(folder, "b") };
  const none = await new CoordinatorProcess(["--config", writeConfig(join(folder, "a"), missing)]).ended;
  rmSync(folder, { recursive: true, force: true });
  const untrusted =
    "the metadata in the store cannot be used: root_file is another root 1 than the one that is published\n";
  expect([forked.code, forked.stderr]).toEqual([3, untrusted]);
  expect([none.code, none.stderr]).toEqual([
    2,
    expect.stringMatching(/^root_file: .*nowhere\.json cannot be read: .*\n$/),
  ]);
});

test("a chain of more roots than one refresh walks is walked to its end", async () => {
  const network = networkAt();
  const roots = [network.flashedRoot];
  while (roots.length < 260) roots.push(network.rotate({}));
  const metadata = roots.map((bytes, n) => ({ role: "root" as const, version: n + 1, bytes }));
  const { carried } = await openCarried({ rootFile: network.root, metadata, brakeStatements: [] }, Date.now());
  expect(carried.root.version).toBe(260);
});
