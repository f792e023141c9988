/**
 * Ledgers with a bug planted in each. A proof that does not tell them from the real one proves nothing.
 */
import { type AskEvent, type LedgerConfig, type Node, type Verdict, memberOf } from "@moult/policy";
import { type MakeSubject, RealSubject } from "./subject.ts";

/** Longer than any proof lasts. */
const NEVER_STALE_MS = 1_000_000_000;
/** More than any pool carries. */
const ANY_DEFICIT_RPS = 1_000_000;

/** Lets a drained node go without looking again. */
class NoRecheck extends RealSubject {
  override ask(event: AskEvent, now: number): Verdict {
    if (!event.drained) return super.ask(event, now);
    const before = new Map(this.ledger.overrides);
    this.override(ANY_DEFICIT_RPS, now);
    const verdict = super.ask(event, now);
    this.ledger.overrides.clear();
    for (const [id, override] of before) this.ledger.overrides.set(id, override);
    return verdict;
  }
}

/** Counts the capacity of a node again when its permit runs out. */
class ExpiryGivesBack extends RealSubject {
  override tick(now: number): void {
    const held = [...this.ledger.nodes.values()].filter((node) => node.permit !== undefined);
    super.tick(now);
    for (const node of held) {
      if (node.permit === undefined) this.pool.report(memberOf(this.ledger, node), node.situation, now);
    }
  }
}

/** Takes every report for fresh, however old it is. */
class StaleCountsAsFresh extends RealSubject {
  constructor(config: LedgerConfig, nodes: number) {
    super({ ...config, pool: { ...config.pool, reportFreshMs: NEVER_STALE_MS } }, nodes);
  }
}

/** Charges a grant only after the next ask was judged, as two writers that read before either writes would. */
class ChargesLate extends RealSubject {
  #uncharged: Node | undefined;

  override ask(event: AskEvent, now: number): Verdict {
    const node = this.node(event.nodeId);
    const held = node.permit !== undefined;
    const before = this.#uncharged;
    this.#uncharged = undefined;
    const verdict = super.ask(event, now);
    if (before !== undefined) this.#charge(before, now);
    if (verdict.decision === "GO" && !held) {
      this.pool.endLeave(memberOf(this.ledger, node), now, false);
      this.pool.report(memberOf(this.ledger, node), node.situation, now);
      this.#uncharged = node;
    }
    return verdict;
  }

  #charge(node: Node, now: number): void {
    const { permit } = node;
    if (permit === undefined || permit.phase === "RETURNED") return;
    const curve = this.ledger.absences.curve(permit.toDigest, node.identity.model);
    this.pool.leave(memberOf(this.ledger, node), {
      curve,
      sinceMs: Math.min(permit.grantedAtMs, now),
      claimMilli: 0,
    });
  }
}

/** Grants a second permit to a node that asks again under another name for its ask. */
class ForgetsPermit extends RealSubject {
  override ask(event: AskEvent, now: number): Verdict {
    const node = this.node(event.nodeId);
    if (event.permitId === "" && node.permit?.phase === "DRAINING") node.permit = undefined;
    return super.ask(event, now);
  }
}

/** Keeps no reserve for the largest node that is left: whatever covers the demand will do. */
class NoReserve extends RealSubject {
  override ask(event: AskEvent, now: number): Verdict {
    const before = new Map(this.ledger.overrides);
    this.override(SMALL_DEFICIT_RPS, now);
    const verdict = super.ask(event, now);
    this.ledger.overrides.clear();
    for (const [id, override] of before) this.ledger.overrides.set(id, override);
    return verdict;
  }
}

/** About a node of the small worlds. */
const SMALL_DEFICIT_RPS = 8;

/** A broken ledger and its name. */
export interface Mutant {
  readonly name: string;
  readonly make: MakeSubject;
}

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  { name: "no re-check after the drain", make: (config, nodes) => new NoRecheck(config, nodes) },
  { name: "expiry gives capacity back", make: (config, nodes) => new ExpiryGivesBack(config, nodes) },
  { name: "stale counted as fresh", make: (config, nodes) => new StaleCountsAsFresh(config, nodes) },
  { name: "check, then charge: a race", make: (config, nodes) => new ChargesLate(config, nodes) },
  { name: "a second permit for a node", make: (config, nodes) => new ForgetsPermit(config, nodes) },
  { name: "no reserve", make: (config, nodes) => new NoReserve(config, nodes) },
];

/** The real ledger as a subject. */
export const REAL: Mutant = { name: "the real ledger", make: (config, nodes) => new RealSubject(config, nodes) };
