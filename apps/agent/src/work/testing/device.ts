/** Supervisors in tests: workloads that are real processes, under one agent after another. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SlotStore } from "@moult/slots";
import { digestOf } from "@moult/trust";
import { onTestFinished } from "vitest";
import { readBootId } from "../../adapters/boot-id.ts";
import { monotonicClock, systemChance } from "../../adapters/clock.ts";
import { nodeDisk } from "../../adapters/node-disk.ts";
import { clearOthers, createBody } from "../../adapters/work/body.ts";
import { endOtherWork, findWork } from "../../adapters/work/find.ts";
import type { UnitPremises } from "../../adapters/work/unit-body.ts";
import type { WorkSeen } from "../../situation.ts";
import { makeFolder } from "../../testing/folders.ts";
import { silentLog } from "../../testing/silent-log.ts";
import { until } from "../../testing/until.ts";
import type { WorkView } from "../../update/state.ts";
import type { WorkBuild } from "../build.ts";
import { Supervisor } from "../supervisor.ts";

const PROGRAM = join(import.meta.dirname, "..", "..", "testing", "work-program", "main.ts");
/** Rules that no test of a supervisor looks at. */
export const TRIAL: { readonly health_timeout_ms: number; readonly soak_ms: number } = {
  health_timeout_ms: 1,
  soak_ms: 0,
};

/** A device on a real disk. */
export class Device {
  readonly root: string = makeFolder();
  readonly control: string = join(this.root, "control");
  readonly store: SlotStore = new SlotStore(nodeDisk, this.root, systemChance.freshId);
  readonly runFolder: string = join(this.root, "run");
  readonly socketPath: string = join(this.runFolder, "work.sock");

  async prepare(): Promise<this> {
    await this.store.prepare();
    mkdirSync(this.runFolder);
    mkdirSync(join(this.root, "work"));
    this.say({});
    onTestFinished(async () => endOtherWork(await this.premises(), undefined, 0));
    return this;
  }

  async premises(): Promise<UnitPremises> {
    const { root: deviceDir, runFolder, socketPath } = this;
    const bootId = await readBootId();
    return { disk: nodeDisk, runFolder, socketPath, bootId, deviceDir, clock: monotonicClock, stopGraceMs: 300 };
  }

  /** What the workload will say. */
  say(said: object): void {
    writeFileSync(this.control, JSON.stringify(said));
  }

  get calls(): readonly string[] {
    const file = `${this.control}.calls`;
    return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  }

  /** A workload of one script, which is its only part. */
  async build(identity: string, script: string, workload: WorkBuild["workload"]): Promise<WorkBuild> {
    const path = workload.kind === "hooks" ? "hooks/start" : "work";
    const bytes = new TextEncoder().encode(script);
    const part = { path, digest: digestOf(bytes), lengthBytes: bytes.length, executable: true };
    const writer = await this.store.receivePart(part);
    await writer.write(bytes);
    await writer.finish();
    return { identity, workload, parts: [part] };
  }

  program(identity: string): Promise<WorkBuild> {
    const script = `#!/bin/sh\n# ${identity}\nexec ${process.execPath} ${PROGRAM}\n`;
    return this.build(identity, script, { kind: "work-service", command: ["{slot}/work"], ...TRIAL });
  }

  /** An agent's supervisor. */
  async agent(env: Record<string, string> = {}, runner: "child" | "unit" = "child"): Promise<Agent> {
    const premises = await this.premises();
    const views: WorkView[] = [];
    const { stopGraceMs } = premises;
    const settings = {
      runner,
      env: { CONTROL: this.control, ...env },
      pollIntervalMs: 50,
      pollFastMs: 20,
      stopGraceMs,
    };
    const supervisor = new Supervisor({
      disk: nodeDisk,
      store: this.store,
      workFolder: join(this.root, "work"),
      bodyOf: (build, folder) => createBody(build, folder, premises, settings),
      clearOthers: (identity) => clearOthers(premises, runner, identity),
      settings,
      clock: monotonicClock,
      log: silentLog,
      onSeen: ({ view }: WorkSeen) => void views.push(view),
    });
    supervisor.run();
    onTestFinished(() => supervisor.close());
    return { supervisor, views, pid: async () => (await findWork(premises))[0]?.process.pid };
  }
}

/** One agent's supervisor, and every view it gave. */
export interface Agent {
  readonly supervisor: Supervisor;
  readonly views: WorkView[];
  readonly pid: () => Promise<number | undefined>;
}

/** Waits until the workload serves. */
export function serving({ supervisor }: Agent): Promise<WorkView> {
  return until("a workload that serves", () => {
    const { view } = supervisor.seen;
    return view.state === "SERVING" && view.answering && view;
  });
}
