/**
 * What the device believes, as plain data: the root it trusts, the allowlist under it, the brakes that reached it. Nothing
 * in it came in without its signatures having been verified; whether it still holds is judged by T wherever it is used.
 */
import { readBrakeStatement } from "@moult/contracts";
import { type VerifiedStatement, brakesInForce } from "@moult/trust/statement";
import type { NetworkRoot, TrustedNetwork } from "@moult/trust/tuf";

/** A brake's words that matter to a device. */
export interface Brake {
  /** SHA-256 of what was signed. */
  readonly digest: string;
  readonly reason: string;
  /** Milliseconds since 1970, by T. */
  readonly expiresMs: number;
}

/** What is believed. */
export interface TrustView {
  /** The newest root; undefined on a device that was flashed without one, which then believes nothing. */
  readonly root?: NetworkRoot;
  /** The allowlist with all it hangs on, as of the last refresh; undefined before the first, and where it did not hold together. */
  readonly network?: TrustedNetwork;
  /** Why there is no network, in a sentence; for people. */
  readonly gap: string;
  /** Version of the newest timestamp that was verified; 0 for none. */
  readonly timestampVersion: number;
  /** When the publisher's newest word was asked for with success, on the monotonic clock; undefined since the start. */
  readonly checkedAtMs?: number;
  /** Signed brakes, as they came. */
  readonly brakes: readonly Uint8Array[];
}

/** More are not kept: a network has a few breakers, and one brake does what a thousand do. */
export const BRAKES_MAX = 64;

/** The brakes that hold at T. A list that has gone stale still lifts what it lifted: the council signed it. */
export function brakesHolding(view: TrustView, nowMs: number): readonly Brake[] {
  return verifiedBrakes(view, view.brakes, nowMs).map(({ digest, body, expiresMs }) => ({
    digest,
    reason: body.reason,
    expiresMs,
  }));
}

/**
 * The statements to keep once `heard` came in: each that holds, once, those that end last where there are too many. Answers
 * the very list that was kept where nothing changed.
 */
export function brakesToKeep(view: TrustView, heard: readonly Uint8Array[], nowMs: number): readonly Uint8Array[] {
  const holding = new Map<string, { readonly bytes: Uint8Array; readonly expiresMs: number }>();
  for (const bytes of [...view.brakes, ...heard]) {
    const [found] = verifiedBrakes(view, [bytes], nowMs);
    if (found !== undefined && !holding.has(found.digest)) {
      holding.set(found.digest, { bytes, expiresMs: found.expiresMs });
    }
  }
  const kept = [...holding.values()]
    .sort((one, other) => other.expiresMs - one.expiresMs)
    .slice(0, BRAKES_MAX)
    .map(({ bytes }) => bytes);
  const same = kept.length === view.brakes.length && view.brakes.every((bytes) => kept.includes(bytes));
  return same ? view.brakes : kept;
}

function verifiedBrakes(
  { root, network }: TrustView,
  statements: readonly Uint8Array[],
  nowMs: number,
): readonly VerifiedStatement<{ readonly reason: string }>[] {
  if (root === undefined) return [];
  return brakesInForce(statements, {
    network: root.network,
    breakers: root.breakers,
    lifted: network?.allowlist.liftedBrakes ?? [],
    read: readBrakeStatement,
    nowMs,
  }).inForce;
}
