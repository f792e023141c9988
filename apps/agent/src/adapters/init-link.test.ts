import { describe, expect, it } from "vitest";
import { initWishes } from "./init-link.ts";

describe("an init system's wishes", () => {
  it("are read from the environment, and are nobody's where a launcher stays", () => {
    const listening = { NOTIFY_SOCKET: "/run/n", WATCHDOG_USEC: "3000000", SECRET: "x" };
    expect(initWishes(listening)).toEqual({ pingEveryMs: 1_500, env: { NOTIFY_SOCKET: "/run/n" } });
    expect(initWishes({ NOTIFY_SOCKET: "/run/n", WATCHDOG_USEC: "no" })?.pingEveryMs).toBeUndefined();
    expect(initWishes({ WATCHDOG_USEC: "3000000" })).toBeUndefined();
    expect(initWishes({ ...listening, MOULT_LAUNCHER_FD: "3" })).toBeUndefined();
  });
});
