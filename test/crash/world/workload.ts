/**
 * The workload in memory, and what is on the disk for it: its parts, which must be whole whenever it is started, and the
 * record of which one runs. It goes on when agents end, and ends with the power.
 */
import {
  type Body,
  type Life,
  type WorkAnswer,
  type WorkBuild,
  deviceLayout,
  readWorkRecord,
  removeWorkRecord,
  writeWorkRecord,
} from "@moult/agent/inside";
import type { Disk } from "@moult/slots";
import { BUILDS } from "../builds.ts";

interface Run {
  readonly identity: string;
  readonly ended: PromiseWithResolvers<void>;
  draining: boolean;
}

/** What is needed to bring workloads to life. */
export interface WorkParts {
  readonly disk: Disk;
  readonly root: string;
  readonly bootId: string;
  /** Called with the folder of each workload that is started. */
  readonly onStart: (build: WorkBuild, folder: string) => void;
}

const REPORT = { capacityRps: 10, loadRps: 1, endpoint: "127.0.0.1:80" } as const;

/** The workload of one device during one boot. */
export class Workload {
  readonly #parts: WorkParts;
  #run: Run | undefined;

  constructor(parts: WorkParts) {
    this.#parts = parts;
  }

  /** Ends what runs that is not `identity`. */
  async clearOthers(identity: string): Promise<void> {
    if (this.#run !== undefined && this.#run.identity !== identity) await this.#end(this.#run);
  }

  bodyOf(build: WorkBuild, folder: string): Body {
    const { disk, root, bootId, onStart } = this.#parts;
    const runFolder = deviceLayout(root).run;
    return {
      start: async () => {
        onStart(build, folder);
        const run: Run = { identity: build.identity, ended: Promise.withResolvers<void>(), draining: false };
        this.#run = run;
        await writeWorkRecord(disk, runFolder, { identity: build.identity, bootId, pid: 2, startTicks: "1" });
        return this.#lifeOf(run);
      },
      adopt: async () => {
        const record = await readWorkRecord(disk, runFolder);
        const run = this.#run;
        const isIt = record?.identity === build.identity && record.bootId === bootId;
        return isIt && run?.identity === build.identity ? this.#lifeOf(run) : undefined;
      },
      speak: () => ({
        situation: async () => this.#answer(build),
        drain: async () => void (this.#run && (this.#run.draining = true)),
        restore: async () => void (this.#run && (this.#run.draining = false)),
        close() {},
      }),
    };
  }

  #lifeOf(run: Run): Life {
    return { ended: run.ended.promise, stop: () => this.#end(run) };
  }

  async #end(run: Run): Promise<void> {
    if (this.#run === run) this.#run = undefined;
    run.ended.resolve();
    await removeWorkRecord(this.#parts.disk, deviceLayout(this.#parts.root).run);
  }

  #answer(build: WorkBuild): WorkAnswer {
    const serve = build.parts.find(({ path }) => path === "work/serve")?.digest ?? "";
    const behaviour = BUILDS.find(({ parts }) => parts.has(serve))?.behaviour;
    const state =
      behaviour === "ill"
        ? "FAILED"
        : behaviour === "mute"
          ? "STARTING"
          : this.#run?.draining === true
            ? "DRAINING"
            : "SERVING";
    return { state, report: REPORT, inFlight: 0, startedTotal: 7n, shards: ["s1"], locked: false, message: "" };
  }
}
