/** What a device knows after a refresh: the root's rules and the allowlist, each verified, in Moult's own types. */
import { TufError } from "../errors.ts";
import { type Allowlist, readAllowlist } from "../form/allowlist.ts";
import { type NetworkTimestamp, readNetworkTimestamp } from "../form/freshness.ts";
import { type NetworkRoot, readNetworkRoot } from "../form/network-root.ts";
import { type Discarded, type RefreshPorts, refresh } from "./refresh.ts";
import type { Session } from "./session.ts";

/** A verified view of one network. */
export interface TrustedNetwork {
  readonly root: NetworkRoot;
  readonly allowlist: Allowlist;
  /** When the publisher signed the timestamp, milliseconds since 1970: what T may be moved towards. */
  readonly signedTimeMs: number;
  /** Digests of the brakes that the publisher knew to hold when it signed. */
  readonly namedBrakes: readonly string[];
  /** From here on the view is stale: the first expiry of its four files, milliseconds since 1970. */
  readonly staleFromMs: number;
  /** Kept files that were of no use, for the log. */
  readonly discarded: readonly Discarded[];
}

/** Refreshes at time T (`nowMs`). Throws TufError; the device then goes on with what it runs. */
export async function refreshNetwork(ports: RefreshPorts, nowMs: number): Promise<TrustedNetwork> {
  const { session, discarded } = await refresh(ports, nowMs);
  return { ...viewOf(session), discarded };
}

function viewOf(session: Session): Omit<TrustedNetwork, "discarded"> {
  const { root, timestamp, snapshot } = session;
  const targets = session.targets();
  if (timestamp === undefined || snapshot === undefined || targets === undefined) {
    throw new TufError("NOT_FOUND", "targets", "the walk ended before the allowlist");
  }
  const published: NetworkTimestamp = readNetworkTimestamp(timestamp);
  return {
    root: readNetworkRoot(root),
    allowlist: readAllowlist(targets),
    signedTimeMs: published.issuedMs,
    namedBrakes: published.brakes,
    staleFromMs: Math.min(root.expiresMs, timestamp.expiresMs, snapshot.expiresMs, targets.expiresMs),
  };
}
