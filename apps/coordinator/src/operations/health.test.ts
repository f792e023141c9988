import { createClient, secureChannel } from "@moult/contracts";
import { Health, ServingStatus } from "@moult/contracts/health";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { StoreError, type Store } from "../store/port.ts";
import { TestCoordinator } from "../testing/coordinator.ts";
import { listen } from "../testing/stream.ts";
import { until } from "../testing/wait.ts";

const { SERVING, NOT_SERVING } = ServingStatus;
const SERVICES = ["", "moult.v1.AgentService", "moult.v1.FleetService"];

let home: TestCoordinator;
afterEach(() => home.stop());

function healthOf(at: TestCoordinator): ReturnType<typeof createClient<typeof Health>> {
  const ca = readFileSync(join(at.config.state_dir, "tls", "ca.pem"));
  const { credentials, options } = secureChannel(at.running.grpc, ca);
  return createClient(Health, at.running.grpc, credentials, options);
}

async function readyz(): Promise<string> {
  const answer = await fetch(`${home.running.metrics}/readyz`);
  return `${answer.status} ${(await answer.text()).trim()}`;
}

test("while the store is down it is not ready, though alive; and it is again when the store is back", async () => {
  let down = false;
  const around = (store: Store): Store => {
    const gate = <T>(run: () => Promise<T>): Promise<T> =>
      down ? Promise.reject(new StoreError("UNWRITABLE", "the disk is gone")) : run();
    return { ...store, commit: (batch) => gate(() => store.commit(batch)), load: () => gate(() => store.load()) };
  };
  home = await TestCoordinator.start({ around, config: { metrics: { port: 0 } } });
  const health = healthOf(home);
  const states = async (): Promise<readonly ServingStatus[]> =>
    Promise.all(SERVICES.map(async (service) => (await health.check({ service }, { timeoutMs: 10_000 })).status));
  expect(await states()).toEqual([SERVING, SERVING, SERVING]);
  const watch = listen(health.watch({ service: "" }));
  down = true;
  await home.token().catch(() => undefined);
  await watch.find("the word that it does not serve", ({ status }) => status === NOT_SERVING);
  expect(await states()).toEqual([NOT_SERVING, NOT_SERVING, NOT_SERVING]);
  expect(await readyz()).toBe("503 the store cannot be used");
  expect((await fetch(`${home.running.metrics}/healthz`)).status).toBe(200);
  down = false;
  await until("the store's return", async () => ((await readyz()).startsWith("200") ? true : undefined));
  await until("the word of it", async () => ((await states()).every((state) => state === SERVING) ? true : undefined));
  watch.cancel();
  health.close();
});

test("its status says how it stands, and how far its log is", async () => {
  home = await TestCoordinator.start();
  await home.device();
  const { fleet, viewer } = home.clients;
  const { coordinator, sequencer } = await until("a signed log", async () => {
    const status = await fleet.getStatus({}, viewer);
    return status.sequencer?.signedTime !== undefined && status.sequencer.signedSize > 0n ? status : undefined;
  });
  expect(coordinator).toMatchObject({ version: "0.0.0", ready: true, message: "it decides", overloadRefused: 0n });
  expect(coordinator?.connections).toBeGreaterThan(0n);
  const seconds = (time: { readonly seconds: bigint } | undefined): number => Number(time?.seconds ?? 0n);
  expect(Math.abs(seconds(coordinator?.startTime) - Date.now() / 1_000)).toBeLessThan(60);
  expect(seconds(coordinator?.certificateExpireTime)).toBeGreaterThan(Date.now() / 1_000);
  expect(Math.abs(seconds(sequencer?.signedTime) - Date.now() / 1_000)).toBeLessThan(60);
  expect(sequencer?.witnessedTime).toBeUndefined();
});

test("who is told to stop says so first, and serves on while it is being noticed", async () => {
  home = await TestCoordinator.start({ config: { metrics: { port: 0 }, stop_notice_ms: 2_000 } });
  const health = healthOf(home);
  const watch = listen(health.watch({ service: "" }));
  await watch.find("that it serves", ({ status }) => status === SERVING);
  const { fleet, viewer } = home.clients;
  const stopped = home.running.stop();
  await watch.find("that it does not", ({ status }) => status === NOT_SERVING);
  expect(await readyz()).toBe("503 it is stopping");
  expect((await fleet.listPools({}, viewer)).pools).toEqual([]);
  await stopped;
  health.close();
});
