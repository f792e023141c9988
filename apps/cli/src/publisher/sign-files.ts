/**
 * What a publisher signs: a snapshot where there is something new or the old one grows old, and a timestamp each time.
 * Pure. It approves nothing: a list without the council's quorum is refused here as on every device.
 */
import { derivePublicKey, formatPublicKey } from "@moult/trust";
import { headIn, publish, renewTimestamp, rootIn } from "@moult/trust/tuf";
import { CliError, usageError } from "../errors.ts";
import { type Published, versionIn } from "./published.ts";

/** What is wanted. */
export interface SignWish {
  /** A list to publish; the one that is published where undefined. */
  readonly allowlist?: Uint8Array | undefined;
  /** Private keys of the publisher. */
  readonly keys: readonly Uint8Array[];
  /** The publisher's clock, milliseconds since 1970. */
  readonly nowMs: number;
  readonly snapshotLifetimeMs: number;
  readonly timestampLifetimeMs: number;
  /** Digests of the brakes that the timestamp names. */
  readonly brakes: readonly string[];
}

/** The files that make up what will be published. */
export interface SignedFiles {
  readonly targets: Uint8Array;
  readonly snapshot: Uint8Array;
  readonly timestamp: Uint8Array;
}

/** Signs. Throws TufError, ROLLED_BACK where the clock is behind the last timestamp; CliError USAGE and VERIFICATION. */
export function signFiles(published: Published, wish: SignWish): SignedFiles {
  const { root, previous } = published;
  const { nowMs, snapshotLifetimeMs, timestampLifetimeMs, brakes } = wish;
  requireCurrent(headIn(root).expiresMs, nowMs, "The root", "Rotate it: moult root rotate --from FILE");
  const targets = wish.allowlist ?? published.targets;
  if (targets === undefined) {
    throw usageError("There is no allowlist to publish yet.", "Give the one that the council signed: --allowlist FILE");
  }
  requireNext(targets, published.targets);
  requireCurrent(headIn(targets).expiresMs, nowMs, "The allowlist", "Prolong it: moult release allow --from FILE");
  const keys = { snapshotKeys: keysOf(root, "snapshot", wish), timestampKeys: keysOf(root, "timestamp", wish) };
  const same = published.targets !== undefined && Buffer.compare(targets, published.targets) === 0;
  const { snapshot: last } = previous ?? {};
  const lasts = last !== undefined && headIn(last).expiresMs - nowMs > snapshotLifetimeMs / 2;
  if (same && lasts && previous !== undefined) {
    return {
      targets,
      snapshot: last,
      timestamp: renewTimestamp({ root, ...keys, nowMs, timestampLifetimeMs, previous, brakes }),
    };
  }
  const files = publish({
    root,
    targets,
    ...keys,
    nowMs,
    snapshotLifetimeMs,
    timestampLifetimeMs,
    brakes,
    ...(previous === undefined ? {} : { previous }),
  });
  return { targets, ...files };
}

/** The wish's keys that hold a role. Throws CliError USAGE where none does. */
function keysOf(root: Uint8Array, role: "snapshot" | "timestamp", { keys }: SignWish): readonly Uint8Array[] {
  const { version, roles } = rootIn(root);
  const listed = roles[role].keys;
  const own = keys.filter((key) => listed.includes(formatPublicKey(derivePublicKey(key))));
  if (own.length > 0) return own;
  throw usageError(
    `None of these keys is the publisher's (${role}) by root version ${version}.`,
    `The publisher's: ${listed.join(" ")}`,
  );
}

function requireNext(targets: Uint8Array, before: Uint8Array | undefined): void {
  if (before === undefined || Buffer.compare(targets, before) === 0) return;
  if (versionIn(targets) > versionIn(before)) return;
  throw new CliError(
    "VERIFICATION",
    `The allowlist has version ${versionIn(targets)}, and version ${versionIn(before)} is published.`,
    { advice: ["Make it from the one that is published: moult release allow --from FILE"] },
  );
}

function requireCurrent(expiresMs: number, nowMs: number, what: string, advice: string): void {
  if (expiresMs > nowMs) return;
  throw new CliError("VERIFICATION", `${what} expired at ${new Date(expiresMs).toISOString()}.`, { advice: [advice] });
}
