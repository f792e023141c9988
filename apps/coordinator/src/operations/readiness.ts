/**
 * Whether this coordinator can answer calls now, and if not, why. Pure. It is what gRPC's health service and `/readyz` say.
 * It is not whether the process is alive: one whose store is down waits for the store, and a restart would not bring it.
 */

/** What it goes by. */
export interface Standing {
  /** It was told to stop. */
  readonly isStopping: boolean;
  /** It has a ledger and may speak for it. */
  readonly isDeciding: boolean;
  /** Of several coordinators; undefined for the only one. */
  readonly replica:
    | {
        /** It cannot look at the store, and so does not know who decides. */
        readonly isBlind: boolean;
        /** It reaches the one that decides. */
        readonly reachesOther: boolean;
      }
    | undefined;
}

/** Whether it can answer. */
export interface Readiness {
  readonly isReady: boolean;
  /** One sentence. */
  readonly why: string;
}

/** Judges. */
export function readinessOf({ isStopping, isDeciding, replica }: Standing): Readiness {
  if (isStopping) return { isReady: false, why: "it is stopping" };
  if (isDeciding) return { isReady: true, why: "it decides" };
  if (replica === undefined || replica.isBlind) return { isReady: false, why: "the store cannot be used" };
  if (replica.reachesOther) return { isReady: true, why: "it hands calls on to the replica that decides" };
  return { isReady: false, why: "no replica that decides can be reached" };
}
