/**
 * Files that a publisher hands in: verified together with what is published, as a device would, and taken whole or not at
 * all. What is refused changes nothing. Every file must come to something: one that nothing names was a mistake, and who
 * made it must hear of it.
 */
import { TufError, headIn } from "@moult/trust/tuf";
import type { MetadataFile, StoreChange } from "../store/port.ts";
import { type Carried, carriedAfter, judgesOf, sameBytes } from "./carried.ts";
import { type Walked, walk } from "./walk.ts";

/** A publisher's clock may be ahead by this much. */
const CLOCK_AHEAD_MS = 3_600_000;

interface FileHead {
  readonly role: MetadataFile["role"];
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly expiresMs: number;
}

interface Offered extends FileHead {
  readonly bytes: Uint8Array;
}

/** What becomes of files that were taken. */
export interface Publication {
  readonly next: Carried;
  /** Empty where all of it was published before. */
  readonly changes: readonly StoreChange[];
}

/** Files that verify, and that this coordinator does not carry all the same. */
export class NotCarried extends Error {
  override readonly name = "NotCarried";
}

/** Files that do not follow what is published; `cause` is the TufError. Others might, so it is not the files that are wrong. */
export class DoesNotFollow extends Error {
  override readonly name = "DoesNotFollow";
}

/**
 * Judges files against what is carried. `tlsPin` is what a root must pin if it pins any server; undefined where there is no
 * server. Throws TufError where the files are wrong by themselves, DoesNotFollow, NotCarried.
 */
export async function judgePublication(
  carried: Carried,
  files: readonly Uint8Array[],
  now: number,
  tlsPin?: string,
): Promise<Publication> {
  const offered = readOffered(carried, files);
  const walked = await walkOffered(carried, offered);
  const fresh = freshFiles(carried, walked, offered);
  for (const file of offered) requireUsed(file, carried, walked, fresh);
  for (const file of fresh) requireCurrent(file, walked, now);
  if (fresh.some(({ role }) => role === "timestamp")) requireIssued(walked, now);
  if (tlsPin !== undefined && fresh.some(({ role }) => role === "root")) requirePinned(walked, tlsPin);
  if (fresh.length === 0) return { next: carried, changes: [] };
  const added = carried.files.adding(fresh.map(({ role, version, bytes }) => ({ role, version, bytes })));
  const brakes = carried.brakes.judgedBy(judgesOf(walked), now);
  return { next: carriedAfter(walked, added.files, brakes), changes: added.changes };
}

function readOffered(carried: Carried, files: readonly Uint8Array[]): readonly Offered[] {
  const offered: Offered[] = [];
  for (const bytes of files) {
    const file = { ...(knownHead(carried, bytes) ?? readHead(bytes)), bytes };
    const other = offered.find(
      ({ role, version }) => role === file.role && (role !== "root" || version === file.version),
    );
    if (other === undefined) offered.push(file);
    else if (!sameBytes(other.bytes, bytes)) throw new TufError("MIXED", file.role, "there are two different ones");
  }
  return offered;
}

function readHead(bytes: Uint8Array): FileHead {
  const { kind: role, version, expiresMs } = headIn(bytes);
  return { role, version, expiresMs };
}

/** A list that stays is handed in again with each fresh timestamp; it is long, and need not be read to be known. */
function knownHead({ files, heads }: Carried, bytes: Uint8Array): FileHead | undefined {
  const known = heads.find(({ role }) => sameBytes(files.newest(role)?.bytes ?? new Uint8Array(), bytes));
  return known && { role: known.role, version: known.version, expiresMs: known.expiresAtMs };
}

async function walkOffered({ files }: Carried, offered: readonly Offered[]): Promise<Walked> {
  const newest = (role: MetadataFile["role"]): Uint8Array | undefined => files.newest(role)?.bytes;
  const [root, timestamp, snapshot, targets] = [
    newest("root"),
    newest("timestamp"),
    newest("snapshot"),
    newest("targets"),
  ];
  if (root === undefined) throw new Error("a coordinator without a root");
  const kept = {
    root,
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(snapshot === undefined ? {} : { snapshot }),
    targets: new Map(targets === undefined ? [] : [["targets", targets]]),
  };
  const offers = (role: string, version: number | undefined): Uint8Array | undefined =>
    offered.find((file) => file.role === role && (version === undefined || file.version === version))?.bytes;
  try {
    return await walk(kept, {
      fetch: async ({ role, version }) => {
        if (role === "timestamp") return offers(role, undefined) ?? timestamp;
        if (role === "root" || version === undefined) return offers(role, version);
        return offers(role, version) ?? files.get(role === "snapshot" ? "snapshot" : "targets", version)?.bytes;
      },
    });
  } catch (error) {
    if (!(error instanceof TufError)) throw error;
    // A file that was not handed in is not wrong: what was handed in does not go with it.
    const isOffered = offered.some(({ role }) => role === error.role);
    const follows = isOffered && !["ROLLED_BACK", "ROOT_NOT_NEXT", "NOT_FOUND"].includes(error.code);
    throw follows ? error : doesNotFollow(error, isOffered);
  }
}

/** What the walk took that is not published yet: roots in order, then the list, what names it, and what names that. */
function freshFiles(carried: Carried, { kept, root }: Walked, offered: readonly Offered[]): readonly Offered[] {
  const taken = (role: MetadataFile["role"]): Uint8Array | undefined =>
    role === "targets" ? kept.targets.get("targets") : role === "root" ? undefined : kept[role];
  const roots = offered
    .filter(({ role, version }) => role === "root" && version > carried.root.version && version <= root.version)
    .sort((a, b) => a.version - b.version);
  const others = (["targets", "snapshot", "timestamp"] as const).flatMap((role) => {
    const bytes = taken(role);
    const known = carried.files.newest(role)?.bytes;
    if (bytes === undefined || (known !== undefined && sameBytes(known, bytes))) return [];
    return offered.filter((file) => file.role === role && sameBytes(file.bytes, bytes));
  });
  return [...roots, ...others];
}

/** Every file was published before, or is now. */
function requireUsed(file: Offered, { files }: Carried, { root }: Walked, fresh: readonly Offered[]): void {
  if (fresh.includes(file)) return;
  const { role, version, bytes } = file;
  const known = role === "root" ? files.get(role, version) : files.newest(role);
  if (known !== undefined && sameBytes(known.bytes, bytes)) return;
  if (role === "root") {
    const why =
      version > root.version
        ? `version ${version} does not follow ${root.version}`
        : `version ${version} is published already, and not these bytes`;
    throw doesNotFollow(new TufError("ROOT_NOT_NEXT", role, why), true);
  }
  const newest = known?.version ?? 0;
  if (version > newest) {
    throw new TufError("MIXED", role, `version ${version} is not the one that goes with the other files`);
  }
  const why = version < newest ? `version ${newest} is published` : `version ${version} is published, of other bytes`;
  throw doesNotFollow(new TufError("ROLLED_BACK", role, why), true);
}

/** Roots on the way may have expired; the newest, and all else that is new, may not. */
function requireCurrent({ role, version, expiresMs }: Offered, { root }: Walked, now: number): void {
  if (expiresMs > now || (role === "root" && version < root.version)) return;
  throw new TufError("EXPIRED", role, `it expired at ${new Date(expiresMs).toISOString()}`);
}

/** Signed time moves the devices' own: one that is far ahead would carry them past cohort steps and the ends of brakes. */
function requireIssued({ network }: Walked, now: number): void {
  const issuedMs = network?.signedTimeMs ?? now;
  if (issuedMs <= now + CLOCK_AHEAD_MS) return;
  const [issued, here] = [new Date(issuedMs).toISOString(), new Date(now).toISOString()];
  throw new NotCarried(
    `timestamp: it says that it was issued at ${issued}; here it is ${here}. Set the clock that is wrong.`,
  );
}

/** Devices that took such a root would not speak to this coordinator again, and so could not hear of the next one either. */
function requirePinned({ root: { version, serverKeys } }: Walked, tlsPin: string): void {
  const pins = [...serverKeys.active, ...serverKeys.backup];
  if (pins.length === 0 || pins.includes(tlsPin)) return;
  throw new NotCarried(
    `root: version ${version} pins the server keys ${pins.join(", ")}; the key of this coordinator is ${tlsPin}. ` +
      "Devices would be cut off from it: make a root that names it, as server or as spare.",
  );
}

function doesNotFollow(cause: TufError, isOffered: boolean): DoesNotFollow {
  const advice = isOffered ? "" : " What is published does not go with these files: hand in what does, together.";
  return new DoesNotFollow(`${cause.message}${advice}`, { cause });
}
