import { TIME_RULES_DEFAULT } from "@moult/trust";
import { describe, expect, it } from "vitest";
import { join } from "node:path";
import { StateFile } from "../adapters/state-file.ts";
import { nodeDisk } from "../adapters/node-disk.ts";
import { makeFolder } from "../testing/folders.ts";
import { NOTHING_DURABLE } from "../update/durable.ts";
import { DeviceTime } from "./device-time.ts";

const BUILT_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const rules = { ...TIME_RULES_DEFAULT, boundMs: Date.UTC(2046, 0, 1) };

function make(kept?: ConstructorParameters<typeof DeviceTime>[0]["kept"], bootId = "boot-1") {
  const clock = { ms: 1_000 };
  const time = new DeviceTime({ clock: { nowMs: () => clock.ms }, bootId, rules, kept, buildTimeMs: BUILT_MS });
  return { clock, time };
}

describe("the device's time", () => {
  it("is kept beside the machine's state: at first, after a signed step, and once an hour", async () => {
    let writes = 0;
    const disk = { ...nodeDisk, rename: (from: string, to: string) => ((writes += 1), nodeDisk.rename(from, to)) };
    const path = join(makeFolder(), "agent");
    const file = new StateFile(disk, path);
    const { clock, time } = make();
    const wake = (): Promise<void> => file.write(NOTHING_DURABLE, time.toKeep());
    await wake();
    expect(writes).toBe(1);
    clock.ms += HOUR_MS - 1;
    await wake();
    expect(writes).toBe(1);
    clock.ms += 1;
    await wake();
    expect(writes).toBe(2);
    time.take({ kind: "SIGNED", timeMs: BUILT_MS + 2 * HOUR_MS });
    await wake();
    await wake();
    expect(writes).toBe(3);
    // What is written for another reason takes the time along.
    clock.ms += HOUR_MS / 2;
    await file.write({ denied: ["d".repeat(64)] }, time.toKeep());
    clock.ms += HOUR_MS - 1;
    await file.write({ denied: ["d".repeat(64)] }, time.toKeep());
    expect(writes).toBe(4);

    const { durable } = await new StateFile(nodeDisk, path).read();
    expect(durable.time?.floorMs).toBe(BUILT_MS + 2 * HOUR_MS + HOUR_MS / 2);
    expect(durable.denied).toHaveLength(1);
  });

  it("goes on from what was kept, in this boot and in the next", () => {
    const { clock, time } = make();
    clock.ms += HOUR_MS;
    const { floor } = time.toKeep();
    // The clock of `make` begins anew, and a monotonic clock that runs back counts for nothing.
    expect(make(floor).time.nowMs()).toBe(BUILT_MS + HOUR_MS);
    const again = make(floor, "boot-2");
    expect(again.time.nowMs()).toBe(BUILT_MS + HOUR_MS);
    again.clock.ms += 5;
    expect(again.time.nowMs()).toBe(BUILT_MS + HOUR_MS + 5);
  });
});
