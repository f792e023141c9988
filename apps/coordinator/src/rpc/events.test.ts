import { DatabaseSync } from "node:sqlite";
import { EventKind } from "@moult/contracts/v1";
import { formatName } from "@moult/contracts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tokenIdOf, hashToken } from "../identity/enrollment.ts";
import { CALL_MS } from "../testing/clients.ts";
import { TestCoordinator } from "../testing/coordinator.ts";
import { buildOf } from "../testing/network.ts";
import { TestDevice, digestFor } from "../testing/device.ts";
import { refusedWith } from "../testing/refusal.ts";
import { listen } from "../testing/stream.ts";
import { until } from "../testing/wait.ts";

let home: TestCoordinator;
beforeEach(async () => {
  home = await TestCoordinator.start();
});
afterEach(() => home.stop());

/** The events so far, newest first, as `KIND subject`. */
async function events(kinds: readonly EventKind[] = []): Promise<readonly string[]> {
  const { fleet, viewer } = home.clients;
  const answer = await fleet.listEvents({ kinds: [...kinds], pageSize: 1000 }, viewer);
  return answer.events.map(({ kind, subject }) => `${EventKind[kind]} ${subject}`);
}

function idOf(device: TestDevice): string {
  return device.node.slice("nodes/".length);
}

test("a dial turned twice is watched as it is told, listed, logged and in the audit log, and outlives a restart", async () => {
  const stream = listen(home.clients.fleet.watchEvents({ kinds: [] }, { bearer: home.clients.viewerToken }));
  await stream.find("the beginning", (message) => message.event === undefined);
  await home.release(buildOf("2.0.0", 2), "2.0.0");
  const turn = { dial: { release: "releases/2.0.0", setting: { case: "nobody" as const, value: {} } } };
  await home.clients.rollout.setDial(turn, home.clients.operator);
  const { event } = await stream.find("the event", (message) => message.event !== undefined);
  expect(event).toMatchObject({ kind: EventKind.DIAL_TURNED_TWICE, subject: "2.0.0", count: 1, name: "events/1" });
  stream.cancel();
  expect(home.logged.some(({ level, facts }) => level === "warn" && "event" in facts)).toBe(true);
  await home.down();
  const db = new DatabaseSync(home.storePath, { readOnly: true });
  expect(db.prepare("SELECT pool_id, leaf FROM audit WHERE kind = 'event'").all()).toMatchObject([
    { pool_id: "*", leaf: expect.stringContaining("DIAL_TURNED_TWICE") },
  ]);
  db.close();
  await home.up();
  expect(await events()).toEqual(["DIAL_TURNED_TWICE 2.0.0"]);
  expect(await events([EventKind.CLONE])).toEqual([]);
});

test("asks from a build that was abandoned or never listed, and too many of them", async () => {
  const build = buildOf("2.0.0", 2);
  await home.release(build, "2.0.0");
  const [denier, foreign, stormy] = [await home.device(), await home.device(), await home.device()];
  const known = { runningDigest: build.digest, runningVersion: "2.0.0" };
  await denier.ask({ ...known, deniedDigests: [build.digest] });
  await foreign.ask({ runningDigest: digestFor("odd") });
  for (let nth = 0; nth < 25; nth += 1) await stormy.ask(known);
  expect(await events()).toEqual([
    `ASK_STORM ${idOf(stormy)}`,
    `UNKNOWN_DIGEST ${digestFor("odd")}`,
    `DENIED_DIGEST ${idOf(denier)}`,
  ]);
  home.putForward(61_000);
  const again = await until("the repeats are told", async () => {
    const answer = await home.clients.fleet.listEvents({ kinds: [EventKind.ASK_STORM] }, home.clients.viewer);
    return answer.events.length === 2 ? answer.events[0] : undefined;
  });
  expect(again.count).toBe(3);
});

test("two asks with one number, as of a machine that was copied while it ran", async () => {
  const device = await home.device();
  const { agent } = home.clients;
  const request = device.askRequest();
  await agent.ask(request, device.session);
  await agent.ask(request, device.session);
  expect(await events()).toEqual([]);
  await agent.ask({ ...request, askId: "another" }, device.session);
  expect(await events()).toEqual([`SEQUENCE_FORK ${idOf(device)}`]);
});

test("one key on two devices raises an event with the quarantine", async () => {
  const device = await home.device();
  const copy = new TestDevice(home.clients, device.key);
  await copy.openSession();
  await device.ask();
  await copy.ask();
  for (let turn = 0; turn < 2; turn += 1) {
    home.putForward(61_000);
    await device.ask();
    await copy.ask();
  }
  expect(await events([EventKind.CLONE])).toEqual([`CLONE ${idOf(device)}`]);
  const { node } = await home.clients.fleet.getNode({ name: device.node }, home.clients.viewer);
  expect(node?.quarantine?.message).toContain("two devices");
});

test("a burst of enrolments with one token, which ends when the token is used up", async () => {
  const token = await home.token("home", 62);
  const { agent } = home.clients;
  const enrol = async (): Promise<string> =>
    (
      await agent.enroll(
        { proof: await new TestDevice(home.clients).prove(), enrollmentToken: token },
        { timeoutMs: CALL_MS },
      )
    ).node;
  for (let nth = 0; nth < 62; nth += 1) await enrol();
  for (let nth = 0; nth < 11; nth += 1) expect(await refusedWith(enrol())).toBe("UNAUTHENTICATED TOKEN_USED_UP");
  expect(await events()).toEqual([
    "AUTHENTICATION_FAILURES 127.0.0.1",
    `ENROLMENT_BURST ${tokenIdOf(hashToken(token))}`,
  ]);
});

test("wrong credentials again and again; the address stands in no leaf, for the log is public", async () => {
  const { fleet } = home.clients;
  const guess = (bearer: string): Promise<string> => refusedWith(fleet.listPools({}, { bearer, timeoutMs: CALL_MS }));
  for (let nth = 0; nth < 11; nth += 1) expect(await guess(`guess-${nth}`)).toBe("UNAUTHENTICATED CREDENTIALS_MISSING");
  expect(await events()).toEqual(["AUTHENTICATION_FAILURES 127.0.0.1"]);
  await home.down();
  const db = new DatabaseSync(home.storePath, { readOnly: true });
  const leaves = db.prepare("SELECT leaf FROM audit WHERE kind = 'event'").all();
  db.close();
  expect(leaves.length).toBe(1);
  expect(String(leaves[0]?.["leaf"])).not.toContain("127.0.0.1");
  await home.up();
});

test("a page of events, and filters that are none", async () => {
  const { fleet, viewer } = home.clients;
  const unknown = fleet.listEvents({ kinds: [EventKind.UNSPECIFIED] }, viewer);
  expect(await refusedWith(unknown)).toBe("INVALID_ARGUMENT FIELD_INVALID");
  for (const word of ["a", "b", "c"]) await (await home.device()).ask({ askId: word });
  await home.release(buildOf("2.0.0", 2), "2.0.0");
  const [one, two] = [await home.device(), await home.device()];
  await one.ask({ runningDigest: digestFor("one") });
  await two.ask({ runningDigest: digestFor("two") });
  const first = await fleet.listEvents({ pageSize: 1 }, viewer);
  const second = await fleet.listEvents({ pageSize: 1, pageToken: first.nextPageToken }, viewer);
  expect([first, second].map(({ events: [event] }) => event?.subject)).toEqual([digestFor("two"), digestFor("one")]);
  expect(second.nextPageToken).toBe("");
  expect(second.events[0]?.node).toBe(formatName("nodes", idOf(one)));
});

test("metadata that runs out is an event, for whoever watches events and not logs", async () => {
  await home.publish(home.network.publish());
  home.putForward(19 * 3_600_000);
  await until("the event", async () => (await events()).includes("METADATA_RUNS_OUT timestamp") || undefined);
});
