/** What happens by time alone: expiry, ageing, totals, tidying, and looks at how things stand. */
import { schedule } from "node-cron";
import type { Config } from "../config.ts";
import { noteVanished, passTime } from "../ledger/hearing.ts";
import { type Move, StoreUnavailable } from "../ledger/owner.ts";
import type { Parts } from "../rpc/services.ts";
import type { Store } from "../store/port.ts";
import { StaleWatch } from "../trust/stale-watch.ts";

/** What runs by time: expiry and ageing. Four times a second bounds how late an expiry can be noticed. */
export const TICK_MS = 250;
/** Per-pool totals are what demand starts from after a restart; a few seconds old is fresh enough. */
const TOTALS_MS = 3_000;
/** Events that were counted are told when their minute has passed; a second more does no harm. */
const TELL_MS = 1_000;

/** What runs by them. */
export interface TimersParts extends Pick<
  Parts,
  "owner" | "attending" | "trust" | "anomalies" | "pressure" | "clock" | "log"
> {
  readonly config: Config;
  readonly store: Store;
  /** Four times a second. */
  readonly look: () => void;
}

/** Starts them; the answer stops them. */
export function startTimers(parts: TimersParts): () => Promise<void> {
  const { config, owner, attending, trust, anomalies, pressure, store, clock, log } = parts;
  const decide = async (move: Move<void>): Promise<void> => {
    // Another decides, or nobody: that is no news four times a second.
    if (!owner.isReady) return;
    try {
      await owner.decide(move);
    } catch (error) {
      // The owner has logged it and is loading the ledger again; the next turn of the timer tries anew.
      if (!(error instanceof StoreUnavailable)) throw error;
    }
  };
  const stale = new StaleWatch(log, (sight) => anomalies.see(sight));
  const tick = (): void => {
    pressure.beat();
    parts.look();
    void decide(passTime);
    if (owner.isReady) stale.look(trust.current, clock.now());
    for (const ended of attending.takeDue(clock.now(), config.capacity.vanish_after_ms)) {
      void decide((ledger, now) => noteVanished(ledger, ended, now));
    }
  };
  const ticking = setInterval(tick, TICK_MS);
  const telling = setInterval(() => anomalies.passTime(), TELL_MS);
  const totals = setInterval(() => void decide(writeTotals), TOTALS_MS);
  const tidying = schedule(
    config.maintenance_cron,
    async () => {
      try {
        await store.tidy(clock.now());
        log.info({}, "the store was tidied");
      } catch (error) {
        // Tidying can wait for its next turn; a store that cannot be written shows at the next decision.
        log.error({ err: error }, "the store was not tidied");
      }
    },
    { timezone: "UTC", noOverlap: true },
  );
  return async () => {
    clearInterval(ticking);
    clearInterval(telling);
    clearInterval(totals);
    void tidying.destroy();
    await decide(writeTotals);
  };
}

const writeTotals: Move<void> = ({ pools, tally }) => {
  const demandByPool = new Map([...pools].map(([poolId, pool]) => [poolId, pool.demandMilli] as const));
  return { answer: undefined, changes: [{ kind: "totals", demandByPool, tally }], effects: [] };
};
