import { describe, expect, it } from "vitest";
import { afterEnd } from "./after-end.ts";
import { lastEnd } from "./last-end.ts";

const NOTE = { startId: "s", trial: true, startedMs: 1_000, crashes: 0 };
const LIFE = { startId: "s", wasUp: true, kept: false };

describe("the end of an agent that nobody watched", () => {
  it("is told by what the agent wrote down, and never by what another start did", () => {
    expect(lastEnd(NOTE, { ...LIFE, code: 75 }, 2_000, 9_000)).toMatchObject({
      code: 75,
      wasUp: true,
      lastedMs: 1_000,
    });
    expect(lastEnd(NOTE, { ...LIFE, startId: "before" }, 2_000, 9_000)).toMatchObject({ wasUp: false, kept: false });
    expect(lastEnd(NOTE, undefined, 2_000, 9_000).how).toBe("it did not come up");
    expect(lastEnd(NOTE, LIFE, 2_000, 9_000).how).toBe("it came up and was killed");
  });

  it("of a trial that took far too long is a trial that was not decided", () => {
    expect(afterEnd(lastEnd(NOTE, LIFE, 10_000, 9_000), 0).failure?.reason).toBe("TRIAL_TIMEOUT");
    expect(afterEnd(lastEnd(NOTE, LIFE, 9_999, 9_000), 0).failure?.reason).toBe("AGENT_DID_NOT_START");
    expect(afterEnd(lastEnd(NOTE, { ...LIFE, kept: true }, 99_999, 9_000), 0).failure).toBeUndefined();
  });
});
