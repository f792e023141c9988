/**
 * One device from power-on to power-off: the launcher's loop and the agents it starts, put together from the real pieces as
 * `launcher/main.ts` and `main.ts` do it, on a disk, a clock, a network and a workload of the test's own.
 */
import {
  Agent,
  type Boot,
  type BootParts,
  DeviceTime,
  type Clock,
  EXIT_FAILED,
  EXIT_HAND_OVER,
  type Log,
  MetadataFile,
  type ReportInput,
  Supervisor,
  TrustKeeper,
  type TrustSource,
  type WorkBuild,
  afterEnd,
  begin,
  chooseBoot,
  deviceLayout,
  openIdentity,
  stageBuild,
  survey,
  workBuildOf,
} from "@moult/agent/inside";
import {
  type BootInput,
  type BootRecordFiles,
  type CheckDepth,
  type Disk,
  SlotStore,
  makeFoldersDurably,
  slotLayout,
} from "@moult/slots";
import { TIME_RULES_DEFAULT } from "@moult/trust";
import { TRUST, buildOf } from "../builds.ts";
import { type Ledger, WatchedRecords, WatchedState } from "../promises.ts";
import { type Fleet, createCoordinator } from "./coordinator.ts";
import { createMirrors } from "./mirror.ts";
import { ROOT, SETTINGS } from "./settings.ts";
import type { VirtualClock } from "./virtual-clock.ts";
import { Workload } from "./workload.ts";

/** Pieces of a device that a mutant may exchange. */
export interface Pieces {
  /** What stands between the code and its disk. */
  readonly disk: (disk: Disk) => Disk;
  readonly store: (disk: Disk, randomName: () => string) => SlotStore;
  readonly choose: (parts: BootParts, failure: BootInput["failure"], depth: CheckDepth) => Promise<Boot | undefined>;
  readonly state: (disk: Disk, path: string, ledger: Ledger) => WatchedState;
}

/** The pieces as they are. */
export const REAL_PIECES: Pieces = {
  disk: (disk) => disk,
  store: (disk, randomName) => new SlotStore(disk, ROOT, randomName),
  choose: chooseBoot,
  state: (disk, path, ledger) => new WatchedState(disk, path, ledger),
};

/** What a device is given at power-on. */
export interface DeviceParts {
  readonly disk: Disk;
  readonly clock: VirtualClock;
  /** Another one after each power-on. */
  readonly bootId: string;
  readonly ledger: Ledger;
  readonly pieces: Pieces;
  readonly wanted: Fleet["wanted"];
  /** Called with the folder of each workload that is started. */
  readonly onWork: (build: WorkBuild, folder: string) => void;
}

/** Where metadata comes from: a coordinator in memory, always the same. */
const METADATA: TrustSource = {
  name: "memory",
  fetch: (file) => TRUST.source.fetch(file, Number.MAX_SAFE_INTEGER),
  brakes: async () => [],
  close() {},
};

/** Without a whole slot the launcher looks again after this, in milliseconds. */
const NOTHING_WHOLE_MS = 10_000;

/** What starting a process takes at least, in milliseconds. */
const PROCESS_MS = 50;

/** The device. */
export class Device {
  /** What went wrong that must never go wrong. */
  readonly defects: string[] = [];
  /** Manifests and parts that were asked for. */
  readonly pulled: string[] = [];
  /** Slots that were started, by digest. */
  readonly starts: string[] = [];
  readonly records: BootRecordFiles;
  readonly state: WatchedState;
  readonly #parts: DeviceParts;
  readonly #disk: Disk;
  readonly #work: Workload;
  #agent: Agent | undefined;
  #isOff = false;
  #names = 0;

  constructor(parts: DeviceParts) {
    this.#parts = parts;
    this.#disk = parts.pieces.disk(parts.disk);
    this.records = new WatchedRecords(this.#disk, slotLayout(ROOT).state, parts.ledger);
    this.state = parts.pieces.state(this.#disk, deviceLayout(ROOT).stateFile, parts.ledger);
    const { bootId, onWork: onStart } = parts;
    this.#work = new Workload({ disk: this.#disk, root: ROOT, bootId, onStart });
  }

  /** Switches it on. Nothing it does from then on is waited for; `defects` says what failed. */
  powerOn(): void {
    this.#launch().catch((error: unknown) => this.#defect("the launcher failed", error));
  }

  /** Ends it as a power cut does: nothing is told to anybody. */
  powerOff(): void {
    this.#isOff = true;
    this.#agent?.close();
  }

  /** As `launcher/main.ts`. */
  async #launch(): Promise<void> {
    const { clock, pieces } = this.#parts;
    await makeFoldersDurably(this.#disk, slotLayout(ROOT).state);
    await makeFoldersDurably(this.#disk, deviceLayout(ROOT).run);
    let failure: BootInput["failure"];
    let crashes = 0;
    let depth: CheckDepth = "lengths";
    while (!this.#isOff) {
      const say = (): void => undefined;
      const boot = await pieces.choose(
        { disk: this.#disk, deviceDir: ROOT, records: this.records, say },
        failure,
        depth,
      );
      if (boot === undefined) {
        await clock.wait(NOTHING_WHOLE_MS);
        continue;
      }
      this.starts.push(boot.decision.digest);
      const next = afterEnd(await this.#runAgent(boot), crashes);
      ({ failure, crashes } = { failure: next.failure, crashes: next.crashes });
      depth = next.checkDigests ? "digests" : "lengths";
      // Starting a process takes time; without it a device that goes round in circles would do so in no time at all.
      await clock.wait(next.waitMs + PROCESS_MS);
    }
  }

  async #runAgent(boot: Boot): Promise<Parameters<typeof afterEnd>[0]> {
    const { clock } = this.#parts;
    const { trial } = boot.decision;
    const beganMs = clock.nowMs();
    let wasUp = false;
    let kept = false;
    const launcher = { tellUp: () => void (wasUp = true), tellAlive() {}, tellKept: () => void (kept = true) };
    const code =
      buildOf(boot.decision.digest)?.behaviour === "crashes" ? EXIT_FAILED : await this.#agentOf(boot, launcher);
    const how = `it ended with code ${code}`;
    return { trial, wasUp, kept, code, lastedMs: clock.nowMs() - beganMs, how, overdue: false };
  }

  /** As `main.ts`; gives the exit code. */
  async #agentOf({ decision }: Boot, launcher: ConstructorParameters<typeof Agent>[0]["launcher"]): Promise<number> {
    const { clock, bootId, ledger, pieces, wanted } = this.#parts;
    const disk = this.#disk;
    const layout = deviceLayout(ROOT);
    const chance = { roll: () => 0.5, freshId: () => `${bootId}-${(this.#names += 1)}` };
    const store = pieces.store(disk, chance.freshId);
    await store.prepare([layout.work]);
    await store.sweep("ALL");
    await makeFoldersDurably(disk, layout.run);
    const { slot, trial } = decision;
    const { records } = this;
    const state = pieces.state(disk, layout.stateFile, ledger);
    const { durable, damaged } = await state.read();
    if (damaged) this.#defect("the agent's state could not be read", undefined);
    // Its clock stands still: a disk that differs only in the time is no further state.
    const rules = { ...TIME_RULES_DEFAULT, boundMs: Number.MAX_SAFE_INTEGER };
    const { buildTimeMs } = SETTINGS;
    const time = new DeviceTime({
      clock: { nowMs: () => 0 },
      bootId,
      rules,
      kept: durable.time,
      keptSlow: durable.slowTime,
      buildTimeMs,
    });
    const log = this.#log();
    const device = { node: "n1", network: SETTINGS.network, platform: { os: process.platform, arch: process.arch } };
    const trust = await TrustKeeper.open({
      file: new MetadataFile(disk, layout.metadataFile),
      flashedRoot: TRUST.flashedRoot,
      sources: { open: () => [METADATA] },
      device,
      nowMs: () => time.nowMs(),
      slowMs: () => time.slowMs(),
      clock,
      roll: chance.roll,
      log,
      onRoot: ({ expiresMs }) => time.setBound(expiresMs),
      onSignedTime: (timeMs) => time.take({ kind: "SIGNED", timeMs }),
      onRootTime: ({ version, timeMs }) => time.take({ kind: "ROOT_RESET", counter: version, timeMs }),
    });
    const found = await survey({ store, records, durable, bootId, slot, trial, trust });
    const { identity } = await openIdentity(disk, layout.identityFile);
    ledger.promise({ identity: Buffer.from(identity.publicKey).toString("hex") });
    const first = begin(found.beginning, {
      nowMs: clock.nowMs(),
      roll: chance.roll(),
      freshId: chance.freshId(),
      tunables: SETTINGS.tunables,
    });
    const { running } = found.beginning;
    const ended = Promise.withResolvers<number>();
    const agent = new Agent(
      {
        settings: SETTINGS,
        clock,
        chance,
        log,
        coordinator: createCoordinator({ wanted, onReport: (report) => this.#hear(report) }),
        host: { glance: async () => ({}), study: async () => ({}) },
        launcher,
        time,
        trust,
        store,
        records,
        state,
        running,
        workBuild: workBuildOf(found.manifest),
        superviseWith: (onSeen) => this.#supervise(store, log, onSeen),
        stage: (offered, denied) =>
          stageBuild(offered, {
            store,
            freeBytes: () => disk.freeBytes(ROOT),
            device,
            running,
            judge: (digest) => trust.judge(digest, { running, denied }),
            tools: {
              fetcher: createMirrors((path) => void this.pulled.push(path)),
              clock,
              chance,
              log,
              limits: SETTINGS.pull,
              signal: new AbortController().signal,
            },
          }),
        exit: (why) => ended.resolve(why === "HAND_OVER" ? EXIT_HAND_OVER : EXIT_FAILED),
      },
      first.machine,
    );
    this.#agent = agent;
    if (!this.#isOff) agent.start(first);
    const code = await ended.promise;
    agent.close();
    return code;
  }

  #hear(report: ReportInput): void {
    if (report.kind !== "outcome" || report.outcome.kind !== "COMMITTED") return;
    this.#parts.ledger.toldKept(report.outcome.targetDigest);
  }

  #supervise(store: SlotStore, log: Log, onSeen: ConstructorParameters<typeof Supervisor>[0]["onSeen"]): Supervisor {
    const { clock } = this.#parts;
    return new Supervisor({
      disk: this.#disk,
      store,
      workFolder: deviceLayout(ROOT).work,
      bodyOf: (build, folder) => this.#work.bodyOf(build, folder),
      clearOthers: (identity) => this.#work.clearOthers(identity),
      settings: SETTINGS.work,
      clock: clock satisfies Clock,
      log,
      onSeen,
    });
  }

  #log(): Log {
    const failed = (facts: object, message: string): void =>
      this.#defect(message, "err" in facts ? facts.err : undefined);
    return { debug() {}, info() {}, warn() {}, error: failed };
  }

  #defect(what: string, error: unknown): void {
    if (this.#isOff) return;
    this.defects.push(error instanceof Error ? `${what}: ${error.stack ?? error.message}` : what);
  }
}
