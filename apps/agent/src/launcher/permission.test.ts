/** Node's permission model as the launcher switches it on, with a real runtime and an agent that tries what it may not. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeFolder } from "../testing/folders.ts";
import { permissionOptions, writableFolders } from "./permission.ts";
import { readLauncherSettings } from "./settings.ts";

/** Tries each path, and prints what came of it. */
const AGENT = `
import { readFileSync, writeFileSync, linkSync } from "node:fs";
const [, , tries] = process.argv;
const said = {};
for (const [name, [what, path, to]] of Object.entries(JSON.parse(tries))) {
  try {
    if (what === "read") readFileSync(path);
    if (what === "write") writeFileSync(path, "x");
    if (what === "link") linkSync(path, to);
    said[name] = "done";
  } catch (error) { said[name] = error.code; }
}
said.worker = await import("node:worker_threads").then(({ Worker }) => new Worker("1", { eval: true })).then(() => "done", (error) => error.code);
console.log(JSON.stringify(said));
`;

type Tries = Readonly<Record<string, readonly string[]>>;

describe("the permission model", () => {
  it("lets an agent at what it needs, and at nothing else", () => {
    const root = makeFolder();
    const device = join(root, "device");
    for (const folder of [...writableFolders(device), join(device, "factory"), join(device, "launcher")]) {
      mkdirSync(folder, { recursive: true });
    }
    const config = join(root, "device.yaml");
    writeFileSync(config, "device_dir: device\nca_file: ca.pem\n");
    for (const name of ["ca.pem", "device-key", "secret", "device/factory/agent.mjs"]) {
      writeFileSync(join(root, name), AGENT);
    }
    const settings = readLauncherSettings(config, "device_dir: device\nca_file: ca.pem\n", {});
    const allowed: Tries = {
      ownCode: ["read", join(device, "factory", "agent.mjs")],
      config: ["read", config],
      authority: ["read", join(root, "ca.pem")],
      proc: ["read", "/proc/stat"],
      state: ["write", join(device, "state", "agent")],
      part: ["write", join(device, "incoming", "part")],
      stage: ["link", join(device, "incoming", "part"), join(device, "slots", "part")],
    };
    const denied: Tries = {
      passwords: ["read", "/etc/passwd"],
      neighbour: ["read", join(root, "secret")],
      // Begins like the device's folder, and is another.
      namesake: ["read", join(root, "device-key")],
      factory: ["write", join(device, "factory", "agent.mjs")],
      launcher: ["write", join(device, "launcher", "launcher.mjs")],
      configuration: ["write", config],
      steal: ["link", join(device, "factory", "agent.mjs"), join(root, "stolen")],
    };
    const run = (options: readonly string[]): Record<string, string> => {
      const args = [...options, join(device, "factory", "agent.mjs"), JSON.stringify({ ...allowed, ...denied })];
      return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as Record<string, string>;
    };
    const said = run(permissionOptions(settings, config, [device, join(device, "factory")]));
    for (const name of Object.keys(allowed)) expect([name, said[name]]).toEqual([name, "done"]);
    for (const name of [...Object.keys(denied), "worker"]) {
      expect([name, said[name]]).toEqual([name, "ERR_ACCESS_DENIED"]);
    }
  });

  it("is what denies: without it the same attempts succeed", () => {
    const root = makeFolder();
    const script = join(root, "agent.mjs");
    writeFileSync(script, AGENT);
    const tries = JSON.stringify({ passwords: ["read", "/etc/passwd"], write: ["write", join(root, "x")] });
    expect(JSON.parse(execFileSync(process.execPath, [script, tries], { encoding: "utf8" }))).toMatchObject({
      passwords: "done",
      write: "done",
    });
  });
});
