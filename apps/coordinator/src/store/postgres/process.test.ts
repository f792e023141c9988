import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { makeFolder, writeConfig } from "../../testing/coordinator.ts";
import { TestDevice } from "../../testing/device.ts";
import { networkAt } from "../../testing/network.ts";
import { signedOverride } from "../../testing/override.ts";
import { CoordinatorProcess } from "../../testing/process.ts";
import { refusalOf } from "../../testing/refusal.ts";
import { until } from "../../testing/wait.ts";
import { POSTGRES_MISSING, PostgresServer, postgresBinaries } from "../testing/postgres-server.ts";

/** Fewer than the hundred calls at once that a connection may make. */
const WRITERS = 40;

const isMissing = postgresBinaries() === undefined;
if (isMissing) test.skip(POSTGRES_MISSING, () => expect.unreachable());

describe.skipIf(isMissing)("a coordinator on PostgreSQL", () => {
  let server: PostgresServer;
  let folder: string;
  const network = networkAt();
  const started: CoordinatorProcess[] = [];
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.remove());
  beforeEach(() => {
    folder = makeFolder();
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((process) => process.end("SIGKILL")));
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (url: string, state = "state"): CoordinatorProcess => {
    const config = writeConfig(folder, { state_dir: join(folder, state) }, network);
    const process = new CoordinatorProcess(["--config", config], { MOULT_STORE: url });
    started.push(process);
    return process;
  };

  test("serves, is killed, and the next one has everything that was answered; a third is refused", async () => {
    const url = await server.database();
    const first = start(url);
    const { fleet, rollout, operator } = await first.serves(join(folder, "state"));
    const { enrollmentToken } = await fleet.createEnrollmentToken(
      { pool: "pools/home", uses: 4, ttlS: 3600 },
      operator,
    );
    const device = new TestDevice(first.clients);
    await device.enrol(enrollmentToken);
    await device.openSession();
    await device.ask();
    await rollout.engageBrake({ reason: "smoke" }, operator);
    await first.end("SIGKILL");

    const second = start(url);
    const again = await second.serves(join(folder, "state"));
    expect((await again.fleet.getNode({ name: device.node }, again.viewer)).node?.name).toBe(device.node);
    expect((await again.rollout.getBrake({}, again.operator)).brake).toMatchObject({ engaged: true, reason: "smoke" });
    device.clients = again;
    await device.ask();
    const third = await start(url, "elsewhere").ended;
    expect(third.code).toBe(3);
    expect(third.stderr).toMatch(/^the store at postgres:\/\/.* cannot be opened: another coordinator holds it\n$/);
    const { code, stdout } = await second.end("SIGTERM");
    expect(code).toBe(0);
    expect(stdout).toContain("a failover can lose acknowledged grants");
  });

  test("outlives its server: it refuses while that is down, and goes on when it is back", async () => {
    const url = await server.database();
    const process = start(url);
    const { rollout, fleet, operator } = await process.serves(join(folder, "state"));
    await fleet.createEnrollmentToken({ pool: "pools/home", uses: 4, ttlS: 3600 }, operator);
    const override = { pool: "pools/home", reason: "drill", deficitMaxRps: 1 };
    const answered: string[] = [];
    const write = async (): Promise<boolean> => {
      try {
        const made = await rollout.createOverride(signedOverride(override, 3600), operator);
        answered.push(made.override?.name ?? "");
        return true;
      } catch (error) {
        expect(refusalOf(error)).toMatchObject({ code: "UNAVAILABLE", reason: "STORE_UNAVAILABLE" });
        return false;
      }
    };
    // Each goes on until it is refused, so that calls are on their way whenever the server ends.
    const writeOn = async (): Promise<void> => {
      while (await write());
    };
    const load = Promise.all(Array.from({ length: WRITERS }, writeOn));
    await until("a few answers", () => answered.length >= 20 || undefined);
    await server.down("SIGQUIT");
    await load;
    expect(await write()).toBe(false);
    await server.up();
    await until("it goes on", async () => ((await write()) ? true : undefined));
    const { overrides } = await rollout.listOverrides({}, operator);
    const kept = new Set(overrides.map(({ name }) => name));
    expect(answered.filter((name) => !kept.has(name))).toEqual([]);
  });
});
