import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const UNIT = join(import.meta.dirname, "..", "..", "systemd", "moult-coordinator.service");
const ANALYZE = "/usr/bin/systemd-analyze";
/** `systemd-analyze security`: 10 is exposed, 0 is not. */
const EXPOSURE_MAX = 2.5;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "moult-unit-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

if (!existsSync(ANALYZE))
  process.stderr.write("systemd-analyze is not installed: the unit file is not checked by it\n");

test.runIf(existsSync(ANALYZE))("systemd understands every line of the unit", () => {
  // Programs that are not installed here are no fault of the unit's.
  const text = readFileSync(UNIT, "utf8").replace(/^ExecStart=\S+/m, "ExecStart=/bin/true");
  const path = join(folder, "moult-coordinator.service");
  writeFileSync(path, text);
  const { status, stderr } = spawnSync(ANALYZE, ["verify", "--man=no", path], { encoding: "utf8" });
  expect([status, stderr.split("\n").filter((line) => line.includes("moult-coordinator"))]).toEqual([0, []]);
});

test.runIf(existsSync(ANALYZE))("the unit leaves little exposed", () => {
  const report = execFileSync(ANALYZE, ["security", "--offline=true", "--no-pager", UNIT], { encoding: "utf8" });
  const exposure = Number(/Overall exposure level[^:]*: ([0-9.]+)/.exec(report)?.[1]);
  expect(exposure, report).toBeLessThanOrEqual(EXPOSURE_MAX);
});

test("what the unit promises is what the coordinator does", () => {
  const text = readFileSync(UNIT, "utf8");
  for (const line of ["Type=notify", "ExecReload=/bin/kill -HUP $MAINPID", "Restart=always", "KillSignal=SIGTERM"]) {
    expect(text).toContain(`\n${line}\n`);
  }
  // The default of grpc.connections_max and what else is open has to fit.
  expect(Number(/^LimitNOFILE=(\d+)$/m.exec(text)?.[1])).toBeGreaterThan(262_144 * 1.5);
  // Each mapping may end as two, and Linux lets a process have 65,530 where nobody says otherwise.
  expect(Number(/^Environment=MALLOC_MMAP_MAX_=(\d+)$/m.exec(text)?.[1])).toBeLessThan(65_530 / 2);
});
