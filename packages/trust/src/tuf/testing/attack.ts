/** What an attack is, and how it is carried out against the client: over the mirror, never by calling the defence. */
import { TufError } from "../errors.ts";
import { type Dialect, MOULT } from "../client/dialect.ts";
import { refresh } from "../client/refresh.ts";
import { formatTime } from "../form/reader.ts";
import { type Loose, seal, sha256, signedOf } from "./forge.ts";
import { KEYS, T, World, livelyWorld } from "./world.ts";
import type { KeyPair } from "../../keys.ts";

/** One attack. */
export interface Attack {
  readonly name: string;
  /** The first version of what the attack changes; `livelyWorld` by default. */
  readonly world?: () => World;
  /** Whether the device refreshed before the attack. */
  readonly refreshedBefore?: boolean;
  /** Puts the attack's files on the mirror. */
  readonly attack: (world: World) => void;
  /** T when the device refreshes after the attack. */
  readonly nowMs?: number;
  /** Without what Moult wants beyond TUF, to see that the defence beneath holds alone. */
  readonly plain?: boolean;
  /** `role CODE`, or `accepted` where refusing would be the fault. */
  readonly expected: string;
  /** What stock tuf-js says to the same files: `accepted` marks a hole; `none` where it has nothing to say. */
  readonly stock: "accepted" | "refused" | "none";
  /** For attacks that need no mirror: carries itself out, and answers what `verdictOn` is to answer. */
  readonly alone?: () => string;
}

/** TUF without Moult's additions, and otherwise the code that devices run. */
export const PLAIN: Dialect = { ...MOULT, judge: () => undefined };

/** What the client says: `accepted`, or `role CODE`. */
export async function verdictOn(attack: Attack): Promise<string> {
  if (attack.alone !== undefined) return attack.alone();
  const world = (attack.world ?? livelyWorld)();
  const dialect = attack.plain === true ? PLAIN : MOULT;
  if (attack.refreshedBefore === true) await refresh(world, T, dialect);
  attack.attack(world);
  try {
    await refresh(world, attack.nowMs ?? T, dialect);
    return "accepted";
  } catch (error) {
    if (error instanceof TufError) return `${error.role} ${error.code}`;
    throw error;
  }
}

/** A change to a signed part. */
export type Change = (signed: Loose) => void;

/** Serves the next root, changed and signed by `signers`. */
export function nextRoot(world: World, change: Change, signers: readonly KeyPair[] = KEYS.root): void {
  const signed = structuredClone(signedOf(world.root));
  signed["version"] = Number(signed["version"]) + 1;
  change(signed);
  const bytes = seal(signed, signers);
  world.files.set(`${Number(signedOf(world.root)["version"]) + 1}.root.json`, bytes);
}

/** The mirror's list, changed and signed by `signers`. */
export function changedTargets(world: World, change: Change, signers: readonly KeyPair[] = KEYS.council): Uint8Array {
  const signed = structuredClone(signedOf(world.file("targets.json")));
  signed["version"] = Number(signed["version"]) + 1;
  change(signed);
  return seal(signed, signers);
}

/** Serves a list, and a snapshot and a timestamp that name it, without asking whether any of it is right. */
export function serveTargets(world: World, targets: Uint8Array): void {
  world.serve("targets", targets);
  serveSnapshot(world, (signed) => {
    signed["meta"] = { "targets.json": named(targets) };
  });
}

/** Serves the next snapshot, changed, and a timestamp that names it. */
export function serveSnapshot(world: World, change: Change): void {
  const signed = structuredClone(signedOf(world.file("snapshot.json")));
  signed["version"] = Number(signed["version"]) + 1;
  change(signed);
  const bytes = seal(signed, [KEYS.publisher]);
  world.serve("snapshot", bytes);
  serveTimestamp(world, (timestamp) => {
    timestamp["meta"] = { "snapshot.json": named(bytes) };
  });
}

/** Serves the next timestamp, changed. */
export function serveTimestamp(world: World, change: Change): void {
  const signed = structuredClone(signedOf(world.file("timestamp.json")));
  signed["version"] = Number(signed["version"]) + 1;
  change(signed);
  world.files.set("timestamp.json", seal(signed, [KEYS.publisher]));
}

/** How a parent names a file. */
export function named(bytes: Uint8Array): Loose {
  return { version: signedOf(bytes)["version"], length: bytes.length, hashes: { sha256: sha256(bytes) } };
}

/** A moment, `ms` after T. */
export function after(ms: number): string {
  return formatTime(T + ms);
}

/** A part of a signed part. */
export function part(signed: Loose, ...path: readonly string[]): Loose {
  return path.reduce((at, key) => at[key] as Loose, signed);
}
