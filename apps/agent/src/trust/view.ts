/**
 * What the device believes, as plain data: the root it trusts, the allowlist under it, the brakes that reached it. Nothing
 * in it came in without its signatures having been verified; whether it still holds is judged by T wherever it is used.
 */
import { readBrakeStatement } from "@moult/contracts";
import { type VerifiedStatement, brakesInForce } from "@moult/trust/statement";
import { type NetworkRoot, TIMESTAMP_LIFETIME_MAX_MS, type TrustedNetwork } from "@moult/trust/tuf";

/** A brake's words that matter to a device. */
export interface Brake {
  /** SHA-256 of what was signed. */
  readonly digest: string;
  readonly reason: string;
  /** Milliseconds since 1970, by the slow T. */
  readonly expiresMs: number;
}

/** One moment. */
export interface Times {
  /** T, milliseconds since 1970. */
  readonly nowMs: number;
  /** The slow T: what one signature of the publisher cannot hasten by more than a day. */
  readonly slowMs: number;
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

/**
 * The brakes that hold now. A list that has gone stale still lifts what it lifted: the council signed it. While the list is
 * fresh it also says what time it is, within a day: a brake that was issued later than that is kept and does not hold yet,
 * so that nobody brakes today for all the weeks of next year.
 */
export function brakesHolding(view: TrustView, times: Times): readonly Brake[] {
  return signedBrakes(view, view.brakes)
    .filter((brake) => holds(brake, view, times))
    .map(({ digest, body, expiresMs }) => ({ digest, reason: body.reason, expiresMs }));
}

/**
 * A brake that the publisher names and nobody has shown: its digest. Undefined where there is none. One that has expired by
 * T, or that the council lifted, is not missed.
 */
export function missingBrake(view: TrustView): string | undefined {
  const { namedBrakes = [], allowlist } = view.network ?? {};
  if (namedBrakes.length === 0) return undefined;
  const shown = new Set(signedBrakes(view, view.brakes).map(({ digest }) => digest));
  return namedBrakes.find((digest) => !shown.has(digest) && allowlist?.liftedBrakes.includes(digest) !== true);
}

/**
 * The statements to keep once `heard` came in: each that holds, will hold, or is named by the publisher, once; where there
 * are too many, first those that hold, and of these those that end last. Answers the very list that was kept where nothing
 * changed.
 */
export function brakesToKeep(view: TrustView, heard: readonly Uint8Array[], times: Times): readonly Uint8Array[] {
  const named = new Set(view.network?.namedBrakes);
  const worth = new Map<string, { readonly bytes: Uint8Array; readonly rank: number; readonly expiresMs: number }>();
  for (const bytes of [...view.brakes, ...heard]) {
    const [found] = signedBrakes(view, [bytes]);
    if (found === undefined || worth.has(found.digest)) continue;
    const { digest, expiresMs } = found;
    if (expiresMs <= times.slowMs && !named.has(digest)) continue;
    const rank = holds(found, view, times) ? 2 : named.has(digest) ? 1 : 0;
    worth.set(digest, { bytes, rank, expiresMs });
  }
  const kept = [...worth.values()]
    .sort((one, other) => other.rank - one.rank || other.expiresMs - one.expiresMs)
    .slice(0, BRAKES_MAX)
    .map(({ bytes }) => bytes);
  const same = kept.length === view.brakes.length && view.brakes.every((bytes) => kept.includes(bytes));
  return same ? view.brakes : kept;
}

type SignedBrake = VerifiedStatement<{ readonly reason: string }>;

function holds({ issuedMs, expiresMs }: SignedBrake, { network }: TrustView, { nowMs, slowMs }: Times): boolean {
  const fresh = network !== undefined && network.staleFromMs > nowMs;
  const issuedUntilMs = fresh ? network.signedTimeMs + TIMESTAMP_LIFETIME_MAX_MS : Number.POSITIVE_INFINITY;
  return expiresMs > slowMs && issuedMs <= issuedUntilMs;
}

/** Those that a breaker of the root signed and the council has not lifted, whatever the time. */
function signedBrakes({ root, network }: TrustView, statements: readonly Uint8Array[]): readonly SignedBrake[] {
  if (root === undefined) return [];
  return brakesInForce(statements, {
    network: root.network,
    breakers: root.breakers,
    lifted: network?.allowlist.liftedBrakes ?? [],
    read: readBrakeStatement,
    nowMs: 0,
  }).inForce;
}
