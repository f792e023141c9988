/**
 * One refresh as a sequence of files: each is read, judged and verified before it changes what is trusted, in the order of
 * TUF's client workflow (specification 5.3 to 5.6). Synchronous and pure but for what it remembers; T comes from the
 * caller, bytes too. A file that is refused leaves everything as it was.
 */
import { TufError } from "../errors.ts";
import { type Kind, type MetadataDocument, readDocument } from "../form/document.ts";
import { type ListedKey, type RoleKeys, identitiesOf, readKeys, readRole, requireQuorum } from "../form/keys.ts";
import { type MetaEntry, metaEntry, requireMeant } from "../form/meta.ts";
import { Reader } from "../form/reader.ts";
import { type RootForm, type TopRole, readRootForm } from "../form/root.ts";
import { isJsonObject } from "../form/strict-json.ts";
import type { Dialect } from "./dialect.ts";
import { Library } from "./library.ts";

/** Which file of which version is wanted. */
export interface Wanted extends MetaEntry {
  /** The most bytes it may have: the dialect's bound, or what its parent names where that is less. */
  readonly bytesMax: number;
}

/** What is trusted, and what comes next. */
export class Session {
  readonly dialect: Dialect;
  readonly #nowMs: number;
  readonly #library: Library;
  readonly #network: string | undefined;
  #root: MetadataDocument;
  #form: RootForm;
  #timestamp: MetadataDocument | undefined;
  #snapshot: MetadataDocument | undefined;
  readonly #targets = new Map<string, MetadataDocument>();

  /** Begins with a root that is trusted already; it may be expired, as a newer one may follow. Throws TufError. */
  constructor(rootBytes: Uint8Array, nowMs: number, dialect: Dialect) {
    this.dialect = dialect;
    this.#nowMs = nowMs;
    const root = this.#read(rootBytes, "root", "root");
    this.#network = dialect.judge(root);
    this.#form = readRootForm(root, dialect.schemes);
    requireQuorum(root, this.#form.roles.root, this.#form.keys, "this root");
    this.#library = new Library(root, nowMs);
    this.#root = root;
  }

  get root(): MetadataDocument {
    return this.#root;
  }

  get consistentSnapshot(): boolean {
    return this.#form.consistentSnapshot;
  }

  get timestamp(): MetadataDocument | undefined {
    return this.#timestamp;
  }

  get snapshot(): MetadataDocument | undefined {
    return this.#snapshot;
  }

  /** The verified file of `targets`, or of a delegated role. */
  targets(role = "targets"): MetadataDocument | undefined {
    return this.#targets.get(role);
  }

  /** Takes the next root: signed by the quorum of the old one and by its own. Throws TufError. */
  acceptRoot(bytes: Uint8Array): { readonly keysRemoved: ReadonlySet<TopRole> } {
    const next = this.#judged(this.#read(bytes, "root", "root"));
    const form = readRootForm(next, this.dialect.schemes);
    requireQuorum(next, this.#form.roles.root, this.#form.keys, "the root before it");
    requireQuorum(next, form.roles.root, form.keys, "itself");
    // In doubles 2^53 + 1 is 2^53; what is compared here are safe integers.
    if (next.version !== this.#root.version + 1) {
      throw new TufError("ROOT_NOT_NEXT", "root", `version ${next.version} does not follow ${this.#root.version}`);
    }
    this.#library.updateRoot(next);
    const before = this.#form;
    this.#root = next;
    this.#form = form;
    return { keysRemoved: removed(before, form) };
  }

  /** Ends the walk over roots: the last one must not be expired. Throws TufError EXPIRED. */
  requireCurrentRoot(): void {
    this.#requireCurrent(this.#root);
  }

  /** Takes a timestamp. Answers whether it is newer than the one before. Throws TufError. */
  acceptTimestamp(bytes: Uint8Array): boolean {
    const timestamp = this.#topRole(bytes, "timestamp");
    if (metaEntry(timestamp, "snapshot.json") === undefined) {
      new Reader("timestamp").fail("signed.meta", "does not name the snapshot");
    }
    const newer = this.#library.updateTimestamp(timestamp);
    if (newer) this.#timestamp = timestamp;
    return newer;
  }

  /**
   * Looks at a timestamp that was kept: still good, or expired and a measure for the next one only. Throws TufError where
   * it is of no use at all.
   */
  recallTimestamp(bytes: Uint8Array): void {
    try {
      this.acceptTimestamp(bytes);
    } catch (error) {
      if (!(error instanceof TufError) || error.code !== "EXPIRED") throw error;
      this.#timestamp = this.#topRole(bytes, "timestamp");
    }
  }

  /** Which snapshot the timestamp names. Throws TufError EXPIRED where the newest timestamp there is has run out. */
  wantedSnapshot(): Wanted {
    if (this.#timestamp === undefined) throw new TufError("NOT_FOUND", "timestamp", "there is none");
    this.#requireCurrent(this.#timestamp);
    return this.#wanted(this.#timestamp, "snapshot.json", "snapshot");
  }

  /** Takes the snapshot that the timestamp names. Throws TufError. */
  acceptSnapshot(bytes: Uint8Array, { kept }: { readonly kept: boolean }): void {
    const wanted = this.wantedSnapshot();
    const snapshot = this.#topRole(bytes, "snapshot");
    // One that was kept may be an older one: it is refused by the library, but only after it became the measure.
    if (!kept) requireMeant(snapshot, wanted);
    this.#library.updateSnapshot(snapshot, kept);
    this.#snapshot = snapshot;
  }

  /** Which file of `role` the snapshot names. Throws TufError NOT_FOUND. */
  wantedTargets(role = "targets"): Wanted {
    if (this.#snapshot === undefined) throw new TufError("NOT_FOUND", "snapshot", "there is none");
    return this.#wanted(this.#snapshot, `${role}.json`, "targets", role);
  }

  /** Takes the file of `targets`, or of a role that `parent` delegates to. Throws TufError. */
  acceptTargets(bytes: Uint8Array, role = "targets", parent = "root"): void {
    const wanted = this.wantedTargets(role);
    const targets = this.#judged(this.#read(bytes, "targets", role));
    const { keys, roleKeys } = this.#delegation(role, parent);
    requireQuorum(targets, roleKeys, keys, role);
    requireMeant(targets, wanted);
    this.#library.updateTargets(targets, parent);
    this.#targets.set(role, targets);
  }

  /** The version below which no list is taken, by one that was kept; 0 where it binds nothing. Its expiry does not matter. */
  boundBy(keptBytes: Uint8Array, role: string): number {
    if (this.dialect.listBinds !== true || role !== "targets") return 0;
    try {
      const kept = this.#judged(this.#read(keptBytes, "targets", role));
      requireQuorum(kept, this.#form.roles.targets, this.#form.keys, role);
      return kept.version;
    } catch (error) {
      if (!(error instanceof TufError)) throw error;
      return 0;
    }
  }

  #read(bytes: Uint8Array, kind: Kind, role: string): MetadataDocument {
    return readDocument(bytes, { role, kind, bytesMax: this.dialect.bytesMax[kind], json: this.dialect.json });
  }

  #judged(document: MetadataDocument): MetadataDocument {
    const network = this.dialect.judge(document);
    if (network !== this.#network) {
      throw new TufError("OTHER_NETWORK", document.role, `it is of ${network}, and this is ${this.#network}`);
    }
    return document;
  }

  #topRole(bytes: Uint8Array, kind: "timestamp" | "snapshot"): MetadataDocument {
    const document = this.#judged(this.#read(bytes, kind, kind));
    requireQuorum(document, this.#form.roles[kind], this.#form.keys, kind);
    return document;
  }

  #requireCurrent(document: MetadataDocument): void {
    if (document.expiresMs > this.#nowMs) return;
    const when = new Date(document.expiresMs).toISOString();
    throw new TufError("EXPIRED", document.role, `it expired at ${when}`);
  }

  #wanted(parent: MetadataDocument, fileName: string, kind: Kind, role: string = kind): Wanted {
    const entry = metaEntry(parent, fileName);
    if (entry === undefined) throw new TufError("NOT_FOUND", role, `${parent.role} does not name it`);
    const bound = this.dialect.bytesMax[kind];
    return { ...entry, bytesMax: Math.min(entry.lengthBytes ?? bound, bound) };
  }

  #delegation(role: string, parent: string): { keys: ReadonlyMap<string, ListedKey>; roleKeys: RoleKeys } {
    if (parent === "root") return { keys: this.#form.keys, roleKeys: this.#form.roles.targets };
    return readDelegation(this.#targets.get(parent), role, this.dialect);
  }
}

/** Roles of which a key is no longer there: it was lost or taken, so what it signed is no measure any more. */
function removed(before: RootForm, after: RootForm): ReadonlySet<TopRole> {
  const roles = (["timestamp", "snapshot", "targets"] as const).filter(
    (name) => !identitiesOf(before.roles[name], before.keys).isSubsetOf(identitiesOf(after.roles[name], after.keys)),
  );
  return new Set(roles);
}

/** Plain TUF only; Moult's allowlist has no delegations. Hashed bins share one role. */
function readDelegation(parent: MetadataDocument | undefined, role: string, dialect: Dialect) {
  if (parent === undefined) throw new TufError("NOT_FOUND", role, "its delegator is not there");
  const reader = new Reader(parent.role);
  const fields = reader.object(parent.signed["delegations"], "signed.delegations", {
    required: ["keys"],
    others: true,
  });
  const named = Array.isArray(fields["roles"])
    ? fields["roles"].find((item) => isJsonObject(item) && item["name"] === role)
    : fields["succinct_roles"];
  return {
    keys: readKeys(fields["keys"], "signed.delegations.keys", reader, dialect.schemes),
    roleKeys: readRole(named, "signed.delegations.roles", reader),
  };
}
