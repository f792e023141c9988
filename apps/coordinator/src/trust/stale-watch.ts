/**
 * Says early that what is published runs out. Devices that have only metadata that ran out stay where they are, so a
 * publisher that is away for a day stops every rollout, and a council or a root that is late does so too. It changes nothing.
 */
import type { Sight } from "../anomalies/kinds.ts";
import type { Log } from "../ports.ts";
import type { MetadataRole } from "../store/port.ts";
import type { Carried } from "./carried.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How long before its end each role's file is spoken of: the publisher's are renewed by a service, the others by people. */
const EARLY_MS: Readonly<Record<MetadataRole, number>> = {
  root: 14 * DAY_MS,
  targets: 14 * DAY_MS,
  snapshot: DAY_MS,
  timestamp: 6 * HOUR_MS,
};

/** What goes on is told again after this. */
const TELL_AGAIN_MS = HOUR_MS;

/** Takes note of a file that runs out. */
type See = (sight: Extract<Sight, { kind: "stale" }>) => void;

/** Looks from time to time. */
export class StaleWatch {
  readonly #log: Log;
  readonly #see: See;
  /** What an event was made of: role, version, and whether it had run out. */
  #told = new Set<string>();
  #lookAtMs = 0;
  #seen: Carried | undefined;

  constructor(log: Log, see: See) {
    this.#log = log;
    this.#see = see;
  }

  /** To be called often; it looks once an hour, and when something was published. */
  look(carried: Carried, now: number): void {
    if (carried === this.#seen && now < this.#lookAtMs) return;
    this.#seen = carried;
    const told = new Set<string>();
    for (const { role, version, expiresAtMs } of carried.heads) {
      if (now < expiresAtMs - EARLY_MS[role]) continue;
      const expires = new Date(expiresAtMs).toISOString();
      const facts = { role, version, expires };
      const hasEnded = now >= expiresAtMs;
      if (hasEnded) this.#log.error(facts, "metadata has run out: devices refuse to move until it is renewed");
      else this.#log.warn(facts, "metadata runs out soon: devices will refuse to move from then on");
      const key = `${role} ${version} ${hasEnded}`;
      told.add(key);
      if (this.#told.has(key)) continue;
      const message = `version ${version} ${hasEnded ? "ran" : "runs"} out at ${expires}; devices do not move without`;
      this.#see({ kind: "stale", role, message });
    }
    this.#told = told;
    this.#lookAtMs = Math.min(now + TELL_AGAIN_MS, nextMs(carried, now));
  }
}

/** The next moment at which there will be something else to say. */
function nextMs({ heads }: Carried, now: number): number {
  const moments = heads.flatMap(({ role, expiresAtMs }) => [expiresAtMs - EARLY_MS[role], expiresAtMs]);
  return Math.min(...moments.filter((atMs) => atMs > now));
}
