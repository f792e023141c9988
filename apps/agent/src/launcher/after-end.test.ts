import { describe, expect, it } from "vitest";
import { EXIT_HAND_OVER } from "../exit-codes.ts";
import { type AgentEnd, afterEnd } from "./after-end.ts";
import { readLauncherSettings } from "./settings.ts";

const END: AgentEnd = {
  trial: false,
  wasUp: true,
  kept: false,
  code: 1,
  lastedMs: 60_000,
  how: "it ended with code 1",
  overdue: false,
};

describe("after an agent's end", () => {
  it("goes on at once after a hand-over, a trial's failure, or a long life", () => {
    expect(afterEnd({ ...END, code: EXIT_HAND_OVER, lastedMs: 1 }, 5)).toMatchObject({ waitMs: 0, crashes: 0 });
    expect(afterEnd({ ...END, trial: true, lastedMs: 1 }, 0)).toMatchObject({
      waitMs: 0,
      failure: { reason: "AGENT_DID_NOT_START" },
    });
    expect(afterEnd({ ...END, trial: true, overdue: true }, 0).failure?.reason).toBe("TRIAL_TIMEOUT");
    expect(afterEnd(END, 7)).toMatchObject({ waitMs: 0, crashes: 1 });
  });

  it("does not hold it against the build when an agent ends after its commit", () => {
    expect(afterEnd({ ...END, trial: true, kept: true }, 0).failure).toBeUndefined();
  });

  it("waits longer after each crash soon after a start, and looks at the disk now and then", () => {
    let crashes = 0;
    const waits: number[] = [];
    const checks: boolean[] = [];
    for (let times = 0; times < 12; times += 1) {
      const next = afterEnd({ ...END, wasUp: false, lastedMs: 50 }, crashes);
      ({ crashes } = next);
      waits.push(next.waitMs);
      checks.push(next.checkDigests);
    }
    expect(waits.slice(0, 4)).toEqual([0, 200, 400, 800]);
    expect(Math.max(...waits)).toBe(30_000);
    expect(checks.slice(0, 6)).toEqual([false, false, true, false, false, true]);
  });
});

describe("the launcher's settings", () => {
  it("come from the device's configuration and the environment", () => {
    const settings = readLauncherSettings(
      "/etc/m/device.yaml",
      "device_dir: ../d\nup_timeout_ms: 5\nunreachable_soak_ms: 9\nnew: {a: [1]}\n",
      {
        MOULT_HEARTBEAT_TIMEOUT_MS: "6",
      },
    );
    expect(settings).toMatchObject({
      deviceDir: "/etc/d",
      upTimeoutMs: 5,
      heartbeatTimeoutMs: 6,
      trialTimeoutMs: 180_000,
    });
  });

  it("work without, and whatever stands there", () => {
    for (const text of ["", "a: [", "- 1", "device_dir: 7\nup_timeout_ms: never\n"]) {
      expect(readLauncherSettings("/d/device.yaml", text, {})).toMatchObject({ deviceDir: "/d", upTimeoutMs: 30_000 });
    }
  });
});
