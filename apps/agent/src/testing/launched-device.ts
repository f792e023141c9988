/** A device whose agents are a few lines of shell, under a launcher that is a real process. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BootRecord, BootRecordFiles, type SlotName, SlotStore } from "@moult/slots";
import { digestOf } from "@moult/trust";
import { onTestFinished } from "vitest";
import { systemChance } from "../adapters/clock.ts";
import { nodeDisk } from "../adapters/node-disk.ts";
import { makeFolder } from "./folders.ts";
import { until } from "./until.ts";

const LAUNCHER = join(import.meta.dirname, "..", "launcher", "main.ts");

/** Runs an agent that is a shell script, and leaves Node's options out. The launcher's pipe is its file descriptor 3. */
export const SHELL_RUNTIME = `#!/bin/sh\nwhile :; do case "$1" in --config) break ;; --*) shift ;; *) break ;; esac; done\nexec /bin/sh "$@"\n`;

/** An agent: comes up and lives until the launcher says stop or is gone. */
export const GOOD_AGENT = `echo up >&3; read -r word <&3; echo "$word" > "$DIR/last-word"; exit 0\n`;

/** One device. */
export class LaunchedDevice {
  readonly root: string = makeFolder();
  readonly store: SlotStore = new SlotStore(nodeDisk, this.root, systemChance.freshId);
  readonly records: BootRecordFiles = new BootRecordFiles(nodeDisk, join(this.root, "state"));
  readonly configFile: string = join(this.root, "device.yaml");
  settings: Record<string, unknown> = {};

  /** Puts a build with this agent into a slot. Every start is noted in the file `starts`. */
  async put(slot: SlotName, script: string): Promise<string> {
    await this.store.prepare();
    const agent = `DIR=${this.root}; echo "$MOULT_SLOT $MOULT_TRIAL" >> "$DIR/starts"; ${script}`;
    const manifest = new TextEncoder().encode(`${slot} ${script}`);
    const parts = [];
    for (const [path, text, executable] of [
      ["runtime", SHELL_RUNTIME, true],
      ["agent", agent, false],
    ] as const) {
      const bytes = new TextEncoder().encode(text);
      const part = { path, digest: digestOf(bytes), lengthBytes: bytes.length, executable };
      parts.push(part);
      if ((await this.store.presentParts()).has(part.digest)) continue;
      const writer = await this.store.receivePart(part);
      await writer.write(bytes);
      await writer.finish();
    }
    const contents = { digest: digestOf(manifest), runtime: "runtime", agent: "agent", parts };
    await this.store.assemble(slot, contents, { manifest, signed: manifest });
    return contents.digest;
  }

  launch(...words: readonly string[]): ChildProcess {
    writeFileSync(this.configFile, JSON.stringify({ ...this.settings, network: "ignored", device_dir: "." }));
    const child = spawn(process.execPath, [LAUNCHER, ...words, "--config", this.configFile], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    onTestFinished(async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      await until("the launcher's end", () => child.exitCode !== null || child.signalCode !== null);
    });
    return child;
  }

  get starts(): readonly string[] {
    const file = join(this.root, "starts");
    return existsSync(file)
      ? readFileSync(file, "utf8")
          .trim()
          .split("\n")
          .filter((line) => line !== "")
      : [];
  }

  started(count: number): Promise<true> {
    return until(`start ${count}`, () => this.starts.length >= count);
  }

  record(): Promise<BootRecord> {
    return until("a boot record", () => this.records.read());
  }
}
