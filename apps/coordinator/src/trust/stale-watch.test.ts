import { TestNetwork } from "@moult/trust/testing";
import { beforeEach, expect, test } from "vitest";
import type { MetadataFile } from "../store/port.ts";
import { type Carried, openCarried } from "./carried.ts";
import { judgePublication } from "./publication.ts";
import { StaleWatch } from "./stale-watch.ts";

const T = Date.parse("2031-05-01T00:00:00Z");
const HOUR_MS = 3_600_000;

let network: TestNetwork;
let carried: Carried;
let said: string[];
let seen: string[];
let watch: StaleWatch;
let nowMs: number;
beforeEach(async () => {
  nowMs = T;
  network = new TestNetwork({ nowMs: () => nowMs });
  const metadata: readonly MetadataFile[] = [];
  const opened = await openCarried({ rootFile: network.flashedRoot, metadata, brakeStatements: [] }, T);
  carried = (await judgePublication(opened.carried, network.publish(), T)).next;
  said = [];
  seen = [];
  const tell = (level: string) => (facts: object) => void said.push(`${level} ${(facts as { role: string }).role}`);
  watch = new StaleWatch({ info: tell("info"), warn: tell("warn"), error: tell("error") }, ({ role }) =>
    seen.push(role),
  );
});

/** What is said between two moments, looked at every minute. */
function saidUntil(untilMs: number): readonly string[] {
  said.length = 0;
  for (; nowMs < untilMs; nowMs += 60_000) watch.look(carried, nowMs);
  return [...said];
}

test("six hours before the timestamp runs out it is said, once an hour, and louder when it has; an event is made of each once", () => {
  expect(saidUntil(T + 18 * HOUR_MS)).toEqual([]);
  expect(saidUntil(T + 19 * HOUR_MS)).toEqual(["warn timestamp"]);
  expect(saidUntil(T + 24 * HOUR_MS)).toEqual(Array.from({ length: 5 }, () => "warn timestamp"));
  expect(seen).toEqual(["timestamp"]);
  expect(saidUntil(T + 24 * HOUR_MS + 60_000)).toEqual(["error timestamp"]);
  saidUntil(T + 40 * HOUR_MS);
  expect(seen).toEqual(["timestamp", "timestamp"]);
});

test("a fresh timestamp ends it; the council's list is spoken of two weeks before its end", async () => {
  saidUntil(T + 20 * HOUR_MS);
  carried = (await judgePublication(carried, network.publish(), nowMs)).next;
  expect(saidUntil(nowMs + 17 * HOUR_MS)).toEqual([]);
  nowMs = T + 77 * 24 * HOUR_MS;
  carried = (await judgePublication(carried, network.publish(), nowMs)).next;
  expect(saidUntil(nowMs + 60_000)).toEqual(["warn targets"]);
  expect(seen).toEqual(["timestamp", "targets"]);
});
