/** How the coordinator stands: for its health, for the metrics, and for `moult coordinator status`. It looks, and changes nothing. */
import type { AuditProgress } from "../audit/audit-log.ts";
import type { Owner } from "../ledger/owner.ts";
import type { Numbers } from "../metrics/numbers.ts";
import type { Sources } from "../metrics/readings.ts";
import type { Clock, Log } from "../ports.ts";
import type { Replica } from "../replica/replica.ts";
import type { ReloadingTls } from "../tls/reloading.ts";
import type { TrustHolder } from "../trust/holder.ts";
import type { OwnStatus } from "../wire/status.ts";
import { type Readiness, readinessOf } from "./readiness.ts";

/** What is looked at. */
export interface StandingParts {
  readonly owner: Owner;
  /** Undefined for the only coordinator. */
  readonly replica: Replica | undefined;
  readonly trust: TrustHolder;
  readonly tls: ReloadingTls;
  readonly numbers: Numbers;
  /** How far the log is, where this coordinator keeps it. */
  readonly audit: () => AuditProgress | undefined;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Looks. */
export class StandingWatch {
  readonly #parts: StandingParts;
  readonly #startedAtMs: number;
  #isStopping = false;
  #wasReady = false;

  constructor(parts: StandingParts) {
    this.#parts = parts;
    this.#startedAtMs = parts.clock.now();
  }

  /** From now on it is not ready, whatever else. */
  stopping(): void {
    this.#isStopping = true;
  }

  /** Whether it can answer. */
  readonly readiness = (): Readiness => {
    const { owner, replica } = this.#parts;
    return readinessOf({
      isStopping: this.#isStopping,
      isDeciding: owner.isReady,
      replica: replica && { isBlind: replica.seating.isBlind, reachesOther: replica.reachesOther() },
    });
  };

  /** Tells `health` where that has changed since the last look: whoever watches it is woken by each word. */
  look(health: { readonly set: (isReady: boolean) => void }): void {
    const { isReady, why } = this.readiness();
    if (isReady === this.#wasReady) return;
    this.#wasReady = isReady;
    health.set(isReady);
    if (isReady) this.#parts.log.info({ why }, "ready");
    else this.#parts.log.warn({ why }, "not ready");
  }

  /** For `moult coordinator status`. */
  readonly ownStatus = (): OwnStatus => {
    const { numbers, tls, audit, version } = this.#parts;
    const progress = audit();
    return {
      version,
      startedAtMs: this.#startedAtMs,
      ...this.readiness(),
      overloadRefused: numbers.overloadedInAll,
      connections: numbers.connections,
      certificateEndsAtMs: tls.endsAtMs,
      signed: progress?.signed,
      witnessed: progress?.witnessed,
    };
  };

  /** For the metrics. */
  readonly sources = (): Omit<Sources, "census" | "databaseSystem" | "joinedLines"> => {
    const { owner, replica, trust, tls, numbers, audit, clock } = this.#parts;
    const isDeciding = owner.isReady;
    return {
      numbers,
      isReady: this.readiness().isReady,
      isStoreUp: isDeciding || (replica !== undefined && !replica.seating.isBlind),
      isDeciding,
      ledger: isDeciding ? owner.ledger : undefined,
      waitingMoves: owner.waiting,
      audit: audit(),
      carried: isDeciding ? trust.current : undefined,
      tlsEndsAtMs: tls.endsAtMs,
      now: clock.now(),
    };
  };
}
