/**
 * What a device knows without asking anybody: the files it kept, verified once more. It may do what a refresh may, but for
 * going forward. A device that starts far from any network goes by this until it hears of something newer.
 */
import { TufError } from "../errors.ts";
import { type NetworkRoot, readNetworkRoot } from "../form/network-root.ts";
import { Session } from "./session.ts";
import { MOULT } from "./dialect.ts";
import type { KeptMetadata, MetadataSource } from "./ports.ts";
import { type TrustedNetwork, refreshNetwork } from "./trusted-network.ts";

/**
 * The network as it was kept, judged at time T (`nowMs`). Throws TufError: EXPIRED where it has run out, NOT_FOUND where
 * there is no more than a root yet.
 */
export async function recallNetwork(kept: KeptMetadata, nowMs: number): Promise<TrustedNetwork> {
  const source: MetadataSource = {
    fetch: async ({ role }) => (role === "timestamp" ? kept.timestamp : undefined),
  };
  const store = { load: async () => kept, save: async () => undefined };
  return refreshNetwork({ source, store }, nowMs);
}

/** The root that was kept: what a device pins and whose brakes it hears, expired or not. Throws TufError. */
export function keptRoot(kept: KeptMetadata): NetworkRoot {
  // A session judges form and quorum as for the first root of a walk; T matters only for files that expire.
  return readNetworkRoot(new Session(kept.root, 0, MOULT).root);
}

/**
 * The root at the end of a walk that was kept: `first` is trusted by itself, each of `roots` because the one before vouches
 * for it. Throws TufError where one does not follow.
 */
export function walkRoots(first: Uint8Array, roots: readonly Uint8Array[]): NetworkRoot {
  const session = new Session(first, 0, MOULT);
  for (const bytes of roots) session.acceptRoot(bytes);
  return readNetworkRoot(session.root);
}

/** Version of the timestamp that was kept; 0 for none. Throws TufError where it is damaged. */
export function keptTimestampVersion(kept: KeptMetadata): number {
  if (kept.timestamp === undefined) return 0;
  const session = new Session(kept.root, 0, MOULT);
  session.recallTimestamp(kept.timestamp);
  if (session.timestamp === undefined) throw new TufError("NOT_FOUND", "timestamp", "there is none");
  return session.timestamp.version;
}
