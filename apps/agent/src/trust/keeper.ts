/**
 * Keeps what the device believes: begins with what the disk holds, takes in what coordinators and mirrors bring, has it
 * verified, and keeps it. The shell around `gate.ts` and `refresh-rule.ts`, which decide; a failure of any kind leaves
 * what was believed before, and at worst nothing moves.
 */
import { DiskError } from "@moult/slots";
import {
  type KeptMetadata,
  type NetworkRoot,
  TufError,
  type TrustedNetwork,
  keptRoot,
  keptTimestampVersion,
  recallNetwork,
  refreshNetwork,
  rootIn,
  walkRoots,
} from "@moult/trust/tuf";
import type { KeptTrust, MetadataFile } from "../adapters/metadata-file.ts";
import type { Clock, Log } from "../ports.ts";
import type { Refusal, RunningBuild } from "../update/state.ts";
import { type DeviceFacts, type Judgement, counterOf, judgeBrakes, judgeListed, judgeMove } from "./gate.ts";
import type { Heard, Stand, Trust, TrustSource, TrustSources } from "./ports.ts";
import { type News, isStale, refreshReason } from "./refresh-rule.ts";
import { type Brake, type Times, type TrustView, brakesHolding, brakesToKeep, missingBrake } from "./view.ts";

/** What a keeper needs. */
export interface KeeperParts {
  readonly file: Pick<MetadataFile, "read" | "write">;
  /** The root that the device was flashed with; undefined where there is none. */
  readonly flashedRoot: Uint8Array | undefined;
  readonly sources: TrustSources;
  readonly device: DeviceFacts;
  /** T, milliseconds since 1970. */
  readonly nowMs: () => number;
  /** The slow T. */
  readonly slowMs: () => number;
  readonly clock: Pick<Clock, "nowMs">;
  readonly roll: () => number;
  readonly log: Log;
  /** Called with each root that is trusted: how far T may be moved, and whom to talk to. */
  readonly onRoot: (root: NetworkRoot) => void;
  /** Called with each time that the publisher signed. */
  readonly onSignedTime: (timeMs: number) => void;
  /** Called with each time that a root says it is, when that root was walked to; `version` is the root's. */
  readonly onRootTime: (time: { readonly version: number; readonly timeMs: number }) => void;
}

/** One source after the other may take this long together, in milliseconds; a device that is about to leave is drained. */
const REFRESH_MS_MAX = 300_000;
const LEAVING_REFRESH_MS_MAX = 20_000;

/** So often a walk over missed roots goes on with the same source: 4,096 rotations. */
const WALKS_MAX = 16;

/** The keeper. */
export class TrustKeeper implements Trust {
  readonly #parts: KeeperParts;
  #view: TrustView = { gap: "no root was flashed.", timestampVersion: 0, brakes: [] };
  #kept: KeptMetadata | undefined;
  /** What the disk holds, as far as it is known. */
  #written: KeptTrust | undefined;
  #roll: number;
  #owed = false;
  #versionOf: { readonly timestamp: Uint8Array; readonly version: number } | undefined;
  /** One change at a time: refreshes and brakes write the same file. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(parts: KeeperParts) {
    this.#parts = parts;
    this.#roll = parts.roll();
  }

  /** Begins with what is kept; with the flashed root where that is damaged, older, or of another line. */
  static async open(parts: KeeperParts): Promise<TrustKeeper> {
    const keeper = new TrustKeeper(parts);
    await keeper.#begin();
    return keeper;
  }

  get view(): TrustView {
    return this.#view;
  }

  get timestampVersion(): number {
    return this.#view.timestampVersion;
  }

  get owed(): boolean {
    return this.#owed;
  }

  /** Brakes that hold now. */
  get brakes(): readonly Brake[] {
    return brakesHolding(this.#view, this.#times());
  }

  /** SHA-256 of the public keys that servers must have; empty where the root names none. */
  get serverPins(): readonly string[] {
    const keys = this.#view.root?.serverKeys;
    return keys === undefined || keys.active.length === 0 ? [] : [...keys.active, ...keys.backup];
  }

  counterOf(running: RunningBuild): number {
    return counterOf(this.#view, running);
  }

  judge(digest: string, stand: Stand): Judgement {
    return judgeMove(this.#input(digest, stand));
  }

  /** Whether a build that was staged before may stay so; brakes and cohorts are looked at when it is to be moved to. */
  judgeStaged(digest: string, stand: Stand): Judgement {
    return judgeListed(this.#input(digest, stand));
  }

  async weigh(heard: Heard, stand: Stand): Promise<Refusal | undefined> {
    this.#takeBrakes(heard.brakes);
    const behind = await this.#oneByOne(() => this.#takeIn(heard));
    if (heard.target === undefined) return undefined;
    const judgement = this.judge(heard.target.digest, stand);
    if (!("refused" in judgement)) return undefined;
    const { reason, message } = judgement.refused;
    // The list that names the build may be the one that could not be had: nothing is said against the build.
    if (behind && reason === "NOT_APPROVED") {
      return { reason: "METADATA", message: `${message} Nothing newer could be had.` };
    }
    return { reason, message };
  }

  hear(brakes: readonly Uint8Array[]): { readonly refusal: Refusal | undefined; readonly kept: Promise<void> } {
    this.#takeBrakes(brakes);
    const refusal = judgeBrakes(this.#view, this.#times());
    // The word holds from now on; only the disk waits for its turn.
    return { refusal, kept: this.#oneByOne(() => this.#keep()) };
  }

  #input(digest: string, { running, denied }: Stand): Parameters<typeof judgeMove>[0] {
    return { view: this.#view, device: this.#parts.device, digest, running, denied, ...this.#times() };
  }

  #times(): Times {
    return { nowMs: this.#parts.nowMs(), slowMs: this.#parts.slowMs() };
  }

  #oneByOne<T>(act: () => Promise<T>): Promise<T> {
    const next = this.#last.then(act);
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #begin(): Promise<void> {
    const { file, flashedRoot, log } = this.#parts;
    const { kept, damaged } = await file.read();
    if (damaged) log.error({}, "the metadata that was kept cannot be read; the flashed root counts");
    const flashed = flashedRoot && this.#tryRoot(flashedRoot, "the flashed root cannot be used");
    const known = kept && this.#knownRoot(kept.metadata, flashed);
    if (kept !== undefined && known !== undefined) {
      this.#kept = kept.metadata;
      this.#written = kept;
    } else if (flashedRoot !== undefined && flashed !== undefined) {
      if (kept !== undefined) log.warn({}, "what was kept does not go on from the flashed root, and is dropped");
      this.#kept = { root: flashedRoot, targets: new Map() };
    } else {
      log.error({}, "there is no root to trust: this device will move to nothing");
    }
    // Statements are judged by the root that is trusted now, whichever root they were kept under.
    if (kept !== undefined) this.#view = { ...this.#view, brakes: kept.brakes };
    // A power cut may have kept the root and lost the time that came with it; one that was taken is not taken twice.
    if (known !== undefined && flashed !== undefined) this.#takeRootTimes(0);
    await this.#recall(known ?? flashed);
  }

  /**
   * The root that was kept, where each root from the flashed one to it is there and vouches for the next: who writes this disk
   * must not thereby say whom to trust. Without a flashed root that can be used, the file is all there is.
   */
  #knownRoot({ root, roots = [] }: KeptMetadata, flashed: NetworkRoot | undefined): NetworkRoot | undefined {
    const { flashedRoot, log } = this.#parts;
    if (flashed === undefined || flashedRoot === undefined) {
      return this.#tryRoot(root, "the root that was kept cannot be used");
    }
    try {
      const walk = roots.filter((bytes) => rootIn(bytes).version > flashed.version);
      const end = walk.at(-1) ?? flashedRoot;
      return Buffer.compare(end, root) === 0 ? walkRoots(flashedRoot, walk) : undefined;
    } catch (error) {
      if (!(error instanceof TufError)) throw error;
      log.error({ err: error }, "the roots that were kept do not follow from the flashed one");
      return undefined;
    }
  }

  #tryRoot(bytes: Uint8Array, otherwise: string): NetworkRoot | undefined {
    try {
      return keptRoot({ root: bytes, targets: new Map() });
    } catch (error) {
      if (!(error instanceof TufError)) throw error;
      this.#parts.log.error({ err: error }, otherwise);
      return undefined;
    }
  }

  /** Makes the view anew from what is kept. */
  async #recall(root: NetworkRoot | undefined): Promise<void> {
    const { nowMs, log } = this.#parts;
    if (this.#kept === undefined || root === undefined) return;
    this.#view = { ...this.#without(), root, gap: "none was fetched yet.", timestampVersion: this.#keptVersion() };
    this.#parts.onRoot(root);
    try {
      this.#believe(await recallNetwork(this.#kept, nowMs()));
    } catch (error) {
      if (!(error instanceof TufError)) throw error;
      this.#view = { ...this.#view, gap: error.message };
      log.debug({ code: error.code, role: error.role }, `no allowlist is kept that holds: ${error.message}`);
    }
  }

  #without(): TrustView {
    const { network: _network, root: _root, ...rest } = this.#view;
    return rest;
  }

  /** Verifying costs a slow box time, so the same file is verified for this once. */
  #keptVersion(): number {
    const timestamp = this.#kept?.timestamp;
    if (this.#kept === undefined || timestamp === undefined) return 0;
    if (this.#versionOf?.timestamp !== timestamp) {
      this.#versionOf = { timestamp, version: versionIn(this.#kept) };
    }
    return this.#versionOf.version;
  }

  #believe(network: TrustedNetwork): void {
    const { log, onRoot, onSignedTime } = this.#parts;
    for (const { role, error } of network.discarded) log.debug({ role, err: error }, "a kept file was of no use");
    this.#view = { ...this.#view, root: network.root, network, gap: "", timestampVersion: this.#keptVersion() };
    onRoot(network.root);
    onSignedTime(network.signedTimeMs);
  }

  /** Answers whether a refresh that was due came to nothing. */
  async #takeIn(heard: Heard): Promise<boolean> {
    const { nowMs, clock } = this.#parts;
    const news: News = {
      timestampVersion: heard.timestampVersion,
      leaving: heard.leaving,
      ...(heard.target && { digest: heard.target.digest }),
    };
    const limit = AbortSignal.timeout(heard.leaving ? LEAVING_REFRESH_MS_MAX : REFRESH_MS_MAX);
    const reason = refreshReason(this.#view, news, { nowMs: nowMs(), clockMs: clock.nowMs(), roll: this.#roll });
    // What can wait gives way to another write of the same wake, once.
    const wait = reason === "ROUTINE" && heard.wrote && !this.#owed;
    this.#owed = wait;
    let heardFrom: string | undefined;
    if (reason !== undefined && !wait) {
      heardFrom = await this.#refresh(heard, limit);
      // A breaker that only a newer root names is heard now.
      this.#takeBrakes(heard.brakes);
    }
    const misses = missingBrake(this.#view) !== undefined;
    if (heard.target !== undefined && (heard.leaving || misses)) await this.#askForBrakes(heard, heardFrom, limit);
    await this.#keep();
    return reason !== undefined && !wait && heardFrom === undefined;
  }

  /** One source after the other, until one has the newest of what holds. Answers which. */
  async #refresh({ target }: Heard, limit: AbortSignal): Promise<string | undefined> {
    const { sources, nowMs, clock, log, roll } = this.#parts;
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, limit]);
    try {
      for (const source of sources.open(target?.sources ?? [], signal)) {
        if (limit.aborted) return undefined;
        const done = await this.#refreshFrom(source);
        source.close();
        if (!done) continue;
        this.#view = { ...this.#view, checkedAtMs: clock.nowMs() };
        this.#roll = roll();
        return source.name;
      }
      if (isStale(this.#view, nowMs())) log.warn({}, `no allowlist that holds could be had: ${this.#view.gap}`);
      return undefined;
    } finally {
      ended.abort();
    }
  }

  /**
   * Asks everybody else for brakes, all at once and for as long as `limit` lets: a coordinator that was taken over must hide
   * a brake from every mirror too. Who does not answer is no reason to stay; what the publisher names is.
   */
  async #askForBrakes({ target }: Heard, heardFrom: string | undefined, limit: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, limit]);
    const others = [...this.#parts.sources.open(target?.sources ?? [], signal)].filter(
      ({ name }) => name !== heardFrom,
    );
    const ask = async (source: TrustSource): Promise<void> => {
      this.#takeBrakes(await this.#brakesOf(source));
      source.close();
    };
    try {
      await Promise.race([Promise.all(others.map(ask)), whenAborted(limit)]);
    } finally {
      ended.abort();
    }
  }

  /** Whether what the source has was verified and holds. What was verified until a failure is kept. */
  async #refreshFrom(source: TrustSource): Promise<boolean> {
    const { nowMs, log } = this.#parts;
    const before = this.#kept;
    if (before === undefined) return false;
    const store = {
      load: async () => this.#kept ?? before,
      save: async (kept: KeptMetadata) => void (this.#kept = kept),
    };
    for (let walk = 1; ; walk += 1) {
      const walked = this.#kept?.roots?.length ?? 0;
      try {
        const network = await refreshNetwork({ source, store }, nowMs());
        this.#takeRootTimes(walked);
        this.#believe(network);
        this.#takeBrakes(await this.#brakesOf(source));
        return true;
      } catch (error) {
        if (!(error instanceof TufError)) throw error;
        // With the time that a root brought, what seemed to have ended may not have.
        const again = this.#takeRootTimes(walked) || error.code === "ROOTS_TOO_MANY";
        if (again && walk < WALKS_MAX) continue;
        log.info({ source: source.name, code: error.code, role: error.role, err: error.cause }, error.message);
        if (this.#kept !== before) await this.#recall(keptRoot(this.#kept ?? before));
        return false;
      }
    }
  }

  /** Takes the times in the roots that were walked to after the first `walked` ones. Answers whether there were any. */
  #takeRootTimes(walked: number): boolean {
    const times = (this.#kept?.roots ?? []).slice(walked).flatMap((bytes) => {
      const { version, timeMs } = rootIn(bytes);
      return timeMs === undefined ? [] : [{ version, timeMs }];
    });
    for (const time of times) this.#parts.onRootTime(time);
    return times.length > 0;
  }

  /** A source that has the metadata and no brakes is good enough: brakes come with every verdict too. */
  async #brakesOf(source: TrustSource): Promise<readonly Uint8Array[]> {
    try {
      return await source.brakes();
    } catch (error) {
      this.#parts.log.info({ source: source.name, err: error }, "a source has no brakes that can be read");
      return [];
    }
  }

  #takeBrakes(heard: readonly Uint8Array[]): void {
    const { log } = this.#parts;
    const before = this.brakes.map(({ digest }) => digest);
    this.#view = { ...this.#view, brakes: brakesToKeep(this.#view, heard, this.#times()) };
    for (const brake of this.brakes) {
      if (!before.includes(brake.digest)) log.warn({ digest: brake.digest, reason: brake.reason }, "a brake holds");
    }
  }

  /** Writes what is new, if anything is. A disk that refuses costs memory over a restart, and is tried again. */
  async #keep(): Promise<void> {
    const { file, log } = this.#parts;
    const [metadata, { brakes }] = [this.#kept, this.#view];
    const written = this.#written;
    if (metadata === undefined) return;
    if (written === undefined && metadata.timestamp === undefined && brakes.length === 0 && !this.#walked) return;
    if (written !== undefined && written.metadata === metadata && written.brakes === brakes) return;
    try {
      await file.write({ metadata, brakes });
      this.#written = { metadata, brakes };
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      log.warn({ err: error }, "what was verified could not be kept");
    }
  }

  /** Whether the root is another than the flashed one. */
  get #walked(): boolean {
    return this.#kept?.root !== this.#parts.flashedRoot;
  }
}

/** Resolves once the signal is aborted; a source may be slower to notice. */
function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function versionIn(kept: KeptMetadata): number {
  try {
    return keptTimestampVersion(kept);
  } catch (error) {
    if (!(error instanceof TufError)) throw error;
    return 0;
  }
}
