import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { ConfigError, loadConfig } from "./config.ts";

const MINIMAL = {
  network: "demo",
  coordinators: ["coordinator.example:7443"],
  ca_file: "ca.pem",
};

function load(more: object = {}, env: Record<string, string> = {}): ReturnType<typeof loadConfig> {
  return loadConfig("/etc/moult/device.yaml", stringify({ ...MINIMAL, ...more }), env);
}

function problemsOf(more: object, env: Record<string, string> = {}): readonly string[] {
  try {
    load(more, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("the configuration", () => {
  it("needs little, and resolves paths from where it stands", () => {
    const { settings, unknownKeys } = load();
    expect(unknownKeys).toEqual([]);
    expect(settings.deviceDir).toBe(resolve("/etc/moult"));
    expect(settings.wire).toMatchObject({ caFile: "/etc/moult/ca.pem", attend: true, pulseIntervalMs: 60_000 });
    expect(settings.tunables).toMatchObject({ wakeIntervalMs: 900_000, firstAskWithinMs: 900_000, quietMs: 500 });
  });

  it("takes a root and mirrors, and goes on with the council of an older device, which means nothing any more", () => {
    const { settings, unknownKeys } = load({
      root_file: "root.json",
      mirrors: ["https://mirror.example/moult"],
      council: { threshold: 9, keys: ["of long ago"] },
    });
    expect(unknownKeys).toEqual([]);
    expect(settings).toMatchObject({ rootFile: "/etc/moult/root.json", mirrors: ["https://mirror.example/moult"] });
    expect(load().settings.rootFile).toBeUndefined();
    expect(load({}, { MOULT_ROOT_FILE: "/of/the/environment.json" }).settings.rootFile).toBe(
      "/of/the/environment.json",
    );
  });

  it("refuses text that is no YAML, and aliases that lead nowhere or unfold to far too much", () => {
    const level = (n: number): string => `l${n}: &l${n} [${`${n === 0 ? "x" : `*l${n - 1}`}, `.repeat(9)}]`;
    const laughs = Array.from({ length: 9 }, (_, n) => level(n));
    for (const text of ["network: [", "network: *nowhere", laughs.join("\n")]) {
      expect(() => loadConfig("/etc/moult/device.yaml", text, {}), text).toThrow(ConfigError);
    }
  });

  it("lets the environment win, key by key", () => {
    const { settings } = load(
      { wake_interval_ms: 5_000, model: "box" },
      {
        MOULT_WAKE_INTERVAL_MS: "7000",
        MOULT_MODEL: "12345",
        MOULT_COORDINATORS: '["a.example:1", "[::1]:2"]',
        MOULT_ATTEND: "false",
        MOULT_WORKLOAD: "{ env: { PORT: 80 } }",
        MOULT_SLOT: "a",
      },
    );
    expect(settings.tunables.wakeIntervalMs).toBe(7_000);
    expect(settings.wire).toMatchObject({ model: "12345", attend: false, coordinators: ["a.example:1", "[::1]:2"] });
    expect(settings.work.env).toEqual({ PORT: "80" });
  });

  it("names keys it does not know and goes on: they may be a later agent's", () => {
    expect(load({ colour: "green" }).unknownKeys).toEqual(["colour"]);
  });

  it.each([
    [{ network: "De mo" }, "`network` must be 1 to 63 of a-z, 0-9 and - (no - at an end)"],
    [{ coordinators: [] }, "`coordinators` must name at least one coordinator"],
    [{ coordinators: ["nowhere"] }, "`coordinators.0` must be `host:port`"],
    [{ wake_interval_ms: "soon" }, "`wake_interval_ms` must be a number of milliseconds"],
    [{ wake_interval_ms: 1 }, "`wake_interval_ms` must be at least 100 ms"],
    [{ pulse_interval_ms: 1e12 }, "`pulse_interval_ms` must be at most 86400000 ms"],
    [{ trial_tries: 0 }, "`trial_tries` must be at least 1"],
    [{ log_level: "loud" }, "`log_level` must be trace, debug, info, warn, error or silent"],
    [{ mirrors: ["http://mirror.example"] }, "`mirrors.0` must be an https URL"],
    [{ root_file: "" }, "`root_file` must be the path of a root of trust"],
    [{ labels: { "a b": "c" } }, "`labels.a b`"],
  ])("says in a sentence what is wrong with %j", (wrong, sentence) => {
    expect(problemsOf(wrong).join("\n")).toContain(sentence);
  });

  it("says which keys are missing", () => {
    const problems = problemsOf({ network: undefined, coordinators: undefined });
    expect(problems.join("\n")).toMatch(/`network` is missing/);
    expect(problems.join("\n")).toMatch(/`coordinators` is missing/);
  });

  it("refuses a folder whose path leaves no room for a socket", () => {
    expect(problemsOf({ device_dir: `/${"x".repeat(150)}` })[0]).toContain("sockets in it need a path of at most");
  });

  it("refuses what is no YAML, or no map", () => {
    for (const text of ["a: [", "just text", "- a"]) {
      expect(() => loadConfig("device.yaml", text, {})).toThrow(ConfigError);
    }
    expect(problemsOf({}, { MOULT_DOMAINS: "[" })[0]).toContain("MOULT_DOMAINS is not YAML");
  });
});
