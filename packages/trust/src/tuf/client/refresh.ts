/**
 * A refresh: walks from what was kept to what is newest, file by file, and keeps what was verified, also when the walk
 * ends early: a root or a timestamp that was seen must not be forgotten because the next file is missing.
 */
import { TufError } from "../errors.ts";
import { type Dialect, MOULT } from "./dialect.ts";
import type { FileName, KeptMetadata, MetadataSource, MetadataStore } from "./ports.ts";
import { Session } from "./session.ts";

/** What a refresh needs. */
export interface RefreshPorts {
  readonly source: MetadataSource;
  readonly store: MetadataStore;
}

/** A kept file that was of no use any more, and why: a rotation, or a damaged disk. Worth a line in the log. */
export interface Discarded {
  readonly role: string;
  readonly error: TufError;
}

/** What a refresh came to. */
export interface Refreshed {
  readonly session: Session;
  readonly discarded: readonly Discarded[];
}

/** A refresh that goes on: the session, and what will be kept. */
export class Refresh {
  readonly session: Session;
  readonly discarded: Discarded[] = [];
  readonly #ports: RefreshPorts;
  readonly #before: KeptMetadata;
  #kept: KeptMetadata;

  private constructor(ports: RefreshPorts, kept: KeptMetadata, nowMs: number, dialect: Dialect) {
    this.#ports = ports;
    this.#before = kept;
    this.#kept = kept;
    this.session = new Session(kept.root, nowMs, dialect);
  }

  /** Begins with what was kept. Throws TufError; STORE_FAILED where it cannot be loaded. */
  static async begin(ports: RefreshPorts, nowMs: number, dialect: Dialect): Promise<Refresh> {
    const kept = await ports.store.load().catch((error: unknown) => {
      throw new TufError("STORE_FAILED", "root", "what was kept cannot be loaded", error);
    });
    return new Refresh(ports, kept, nowMs, dialect);
  }

  /** The four roles in their order. Throws TufError. */
  async topRoles(): Promise<void> {
    await this.#roots();
    await this.#timestamp();
    await this.#snapshot();
    await this.targets("targets", "root");
  }

  /** Keeps what was verified, if anything is new; `reason` is why the walk ended early. Throws TufError STORE_FAILED. */
  async keep(reason?: unknown): Promise<void> {
    if (this.#kept === this.#before) return;
    await this.#ports.store.save(this.#kept).catch((error: unknown) => {
      const cause = reason === undefined ? error : new AggregateError([error, reason]);
      throw new TufError("STORE_FAILED", "root", "what was verified cannot be kept", cause);
    });
  }

  /** The file of `targets`, or of a role that `parent` delegates to. Throws TufError. */
  async targets(role: string, parent: string): Promise<void> {
    const { version, bytesMax } = this.session.wantedTargets(role);
    const keptBytes = this.#kept.targets.get(role);
    if (keptBytes !== undefined && this.#useful(role, () => this.session.acceptTargets(keptBytes, role, parent)))
      return;
    // A list that the council drove up is forgotten by taking so many of its signers' keys from the root that its quorum is gone.
    const bound = keptBytes === undefined ? 0 : this.session.boundBy(keptBytes, role);
    if (version < bound) {
      throw new TufError("ROLLED_BACK", role, `version ${version} is named, and version ${bound} was seen`);
    }
    const bytes = await this.#fetchWanted(role, version, bytesMax);
    this.session.acceptTargets(bytes, role, parent);
    this.#kept = { ...this.#kept, targets: new Map(this.#kept.targets).set(role, bytes) };
  }

  async #roots(): Promise<void> {
    const { rootsMax, bytesMax } = this.session.dialect;
    for (let walked = 0; ; walked += 1) {
      const version = this.session.root.version + 1;
      // A root at the largest version has no successor; only its own quorum could have brought it there, step by step.
      const bytes = Number.isSafeInteger(version)
        ? await this.#fetch({ role: "root", version }, bytesMax.root)
        : undefined;
      if (bytes === undefined) break;
      if (walked === rootsMax) throw new TufError("ROOTS_TOO_MANY", "root", `more than ${rootsMax} new roots at once`);
      const { keysRemoved } = this.session.acceptRoot(bytes);
      // Specification 5.3.11: versions that a lost key has driven up must not bind its successor.
      const forget = keysRemoved.has("timestamp") || keysRemoved.has("snapshot");
      const { timestamp, snapshot, targets } = this.#kept;
      const roots = [...(this.#kept.roots ?? []), bytes];
      this.#kept = { root: bytes, roots, targets, ...(forget ? {} : present({ timestamp, snapshot })) };
    }
    this.session.requireCurrentRoot();
  }

  async #timestamp(): Promise<void> {
    const { timestamp } = this.#kept;
    if (timestamp !== undefined) this.#useful("timestamp", () => this.session.recallTimestamp(timestamp));
    const bytes = await this.#fetch({ role: "timestamp" }, this.session.dialect.bytesMax.timestamp);
    if (bytes === undefined) throw new TufError("NOT_FOUND", "timestamp", "the source has none");
    if (this.session.acceptTimestamp(bytes)) this.#kept = { ...this.#kept, timestamp: bytes };
  }

  async #snapshot(): Promise<void> {
    const { version, bytesMax } = this.session.wantedSnapshot();
    const { snapshot } = this.#kept;
    if (
      snapshot !== undefined &&
      this.#useful("snapshot", () => this.session.acceptSnapshot(snapshot, { kept: true }))
    ) {
      return;
    }
    const bytes = await this.#fetchWanted("snapshot", version, bytesMax);
    this.session.acceptSnapshot(bytes, { kept: false });
    this.#kept = { ...this.#kept, snapshot: bytes };
  }

  async #fetchWanted(role: string, version: number, bytesMax: number): Promise<Uint8Array> {
    const file = this.session.consistentSnapshot ? { role, version } : { role };
    const bytes = await this.#fetch(file, bytesMax);
    if (bytes === undefined) throw new TufError("NOT_FOUND", role, `the source has no version ${version}`);
    return bytes;
  }

  async #fetch(file: FileName, bytesMax: number): Promise<Uint8Array | undefined> {
    const bytes = await this.#ports.source.fetch(file, bytesMax).catch((error: unknown) => {
      if (error instanceof TufError) throw error;
      throw new TufError("SOURCE_FAILED", file.role, "the source failed", error);
    });
    if (bytes !== undefined && bytes.length > bytesMax) {
      throw new TufError("TOO_LARGE", file.role, `the source gave ${bytes.length} bytes; ${bytesMax} were asked for`);
    }
    return bytes;
  }

  /** Whether a kept file is of use now. One that is not is fetched again; why is remembered for the log. */
  #useful(role: string, accept: () => void): boolean {
    try {
      accept();
      return true;
    } catch (error) {
      if (!(error instanceof TufError)) throw error;
      this.discarded.push({ role, error });
      return false;
    }
  }
}

/**
 * Refreshes the four roles at time T (`nowMs`, milliseconds since 1970). Everything in the answer was verified. Throws
 * TufError; what had been verified until then is kept nevertheless, and is never older than before.
 */
export async function refresh(ports: RefreshPorts, nowMs: number, dialect: Dialect = MOULT): Promise<Refreshed> {
  const walk = await Refresh.begin(ports, nowMs, dialect);
  try {
    await walk.topRoles();
  } catch (error) {
    await walk.keep(error);
    throw error;
  }
  await walk.keep();
  return { session: walk.session, discarded: walk.discarded };
}

/** Without the keys whose value is undefined. */
function present(files: { timestamp: Uint8Array | undefined; snapshot: Uint8Array | undefined }) {
  return {
    ...(files.timestamp === undefined ? {} : { timestamp: files.timestamp }),
    ...(files.snapshot === undefined ? {} : { snapshot: files.snapshot }),
  };
}
