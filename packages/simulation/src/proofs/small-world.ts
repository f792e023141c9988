/**
 * A pool of a few nodes that can be driven step by step: what may happen in it, who is told, and what must be true after each
 * step. The subject decides; the account is kept apart from it.
 */
import { type LedgerConfig, POOL_DEFAULTS, poolOf } from "@moult/policy";
import {
  EPOCH_MS,
  RUNNING_OLD,
  askEvent,
  outcomeEvent,
  pulseEvent,
  returnedEvent,
  situation,
} from "../moult/messages.ts";
import { Recount } from "./recount.ts";
import { type MakeSubject, POOL, type Subject } from "./subject.ts";

/** One step. `ask again` repeats a node's last ask word for word. */
export type Step =
  | { readonly kind: "ask" | "ask again" | "drained" | "returned" | "pulse"; readonly node: number }
  | { readonly kind: "busy" | "calm" | "later" | "stale" | "expire" | "restart" | "override" };

/** What must hold and did not. */
export class Broken extends Error {
  override readonly name = "Broken";
}

/** Each node can do ten units a second; calm is a load at which one may go, busy one at which nobody may. */
const CAPACITY_RPS = 10;
const LOAD_RPS = { calm: 5, busy: 8 };
const MINUTE_MS = 60_000;
/** What the steps of time mean: a moment, longer than a report is fresh, longer than a permit lasts. */
const WAIT_MS = { later: 2 * MINUTE_MS, stale: 6 * MINUTE_MS, expire: 31 * MINUTE_MS };
/** An override of the small world lets one more node go. */
const DEFICIT_RPS = 10;

const CONFIG: LedgerConfig = {
  pool: { ...POOL_DEFAULTS, marginRatio: 0, domainCapRatio: 1, permitTtlMs: 30 * MINUTE_MS },
  retry: { allowlistMs: MINUTE_MS, dialMs: MINUTE_MS, capacityMs: MINUTE_MS },
};

/** The world. */
export class SmallWorld {
  readonly nodes: number;
  readonly #subject: Subject;
  readonly #account: Recount;
  readonly #sequence: number[];
  readonly #lastAsk: (ReturnType<typeof askEvent> | undefined)[];
  readonly #new: boolean[];
  #load = LOAD_RPS.calm;
  #now = EPOCH_MS;
  #permits = 0;
  #overriddenUntilMs = Number.NEGATIVE_INFINITY;

  constructor(make: MakeSubject, nodes: number) {
    this.nodes = nodes;
    this.#subject = make(CONFIG, nodes, false);
    this.#account = new Recount(nodes, CONFIG.pool.reportFreshMs);
    this.#sequence = Array.from({ length: nodes }, () => 0);
    this.#lastAsk = Array.from({ length: nodes }, () => undefined);
    this.#new = Array.from({ length: nodes }, () => false);
    this.#everybodyPulses();
  }

  /** All steps that can be tried. */
  steps(): readonly Step[] {
    const steps: Step[] = [];
    for (let node = 0; node < this.nodes; node += 1) {
      const account = this.#account.of(`n${node}`);
      if (account.permitId === "" && !this.#new[node]) steps.push({ kind: "ask", node });
      if (this.#lastAsk[node] !== undefined) steps.push({ kind: "ask again", node });
      if (account.permitId !== "" && !account.away) steps.push({ kind: "drained", node });
      if (account.away) steps.push({ kind: "returned", node });
      steps.push({ kind: "pulse", node });
    }
    steps.push({ kind: this.#load === LOAD_RPS.calm ? "busy" : "calm" });
    for (const kind of ["later", "stale", "expire", "restart", "override"] as const) steps.push({ kind });
    return steps;
  }

  /** Does a step and checks what must hold. Throws Broken. */
  do(step: Step): void {
    switch (step.kind) {
      case "ask":
        this.#ask(step.node, false);
        break;
      case "ask again":
        this.#askAgain(step.node);
        break;
      case "drained":
        this.#ask(step.node, true);
        break;
      case "returned":
        this.#return(step.node);
        break;
      case "pulse":
        this.#pulse(step.node);
        break;
      case "busy":
      case "calm":
        this.#load = LOAD_RPS[step.kind];
        this.#everybodyPulses();
        break;
      case "restart":
        this.#subject.restart(this.#now);
        this.#account.restarted();
        break;
      case "override":
        this.#subject.override(DEFICIT_RPS, this.#now);
        this.#overriddenUntilMs = this.#now + 5 * MINUTE_MS;
        break;
      default:
        this.#now += WAIT_MS[step.kind];
    }
    this.#settle();
  }

  /** The state in short. Nodes that differ only in their number are the same; so are equal states at different times. */
  key(): string {
    const rows = [...this.#account.accounts.values()].map((account, node) => {
      const age = Math.min(99, Math.round((this.#now - account.heardMs) / MINUTE_MS));
      const left = account.permitId === "" ? "-" : Math.round((account.leaveUntilMs - this.#now) / MINUTE_MS);
      const asked = this.#lastAsk[node]?.drained ?? "-";
      return `${age}${account.void ? "v" : ""}${account.works ? "w" : ""}${account.load}/${left}${account.away ? "a" : ""}${this.#new[node] ? "n" : ""}${asked}`;
    });
    return `${rows.sort().join(" ")} ${this.#load} ${this.#overriddenUntilMs > this.#now}`;
  }

  #ask(node: number, drained: boolean): void {
    const name = `n${node}`;
    const account = this.#account.of(name);
    this.#permits += 1;
    const told = {
      running: RUNNING_OLD,
      staged: true,
      permitId: account.permitId,
      drained,
      denied: false,
      freshPermitId: `p${this.#permits}`,
    };
    const load = drained ? 0 : this.#load;
    const doing = situation(CAPACITY_RPS, load, drained ? "DRAINING" : "SERVING");
    const event = askEvent(this.#speak(node), told, doing);
    this.#lastAsk[node] = event;
    this.#account.expire(this.#now);
    this.#account.heard(name, { capacity: CAPACITY_RPS, load, works: !drained }, this.#now);
    this.#judge(name, event);
  }

  /** The network delivers an old ask once more; it is no news of how the node is. */
  #askAgain(node: number): void {
    const event = this.#lastAsk[node];
    if (event === undefined) return;
    this.#account.expire(this.#now);
    this.#judge(`n${node}`, event);
  }

  #judge(name: string, event: ReturnType<typeof askEvent>): void {
    const account = this.#account.of(name);
    const held = account.permitId;
    const verdict = this.#subject.ask(event, this.#now);
    if (verdict.decision === "GO") {
      if (held !== "" && verdict.permit.permitId !== held)
        throw new Broken(`${name} holds ${held} and was granted another`);
      const leaves = held === "";
      const departs = verdict.permit.phase === "AWAY" && !account.away;
      if (leaves) this.#account.granted(name, verdict.permit.permitId, verdict.permit.expiresAtMs);
      if (departs) account.away = true;
      if (leaves || departs) this.#checkCovered(name);
    } else if (held !== "" && (event.permitId === held || event.permitId === "")) this.#account.over(name);
  }

  #return(node: number): void {
    const name = `n${node}`;
    const { permitId } = this.#account.of(name);
    const doing = situation(CAPACITY_RPS, this.#load, "SERVING");
    this.#new[node] = true;
    this.#lastAsk[node] = undefined;
    this.#account.expire(this.#now);
    this.#subject.report(returnedEvent(this.#speak(node), permitId, doing), this.#now);
    const move = { permitId, reverted: false, atMs: this.#now };
    this.#subject.report(outcomeEvent(this.#speak(node), move, doing), this.#now);
    this.#account.over(name);
    this.#account.heard(name, { capacity: CAPACITY_RPS, load: this.#load, works: true }, this.#now);
  }

  #pulse(node: number): void {
    const name = `n${node}`;
    this.#account.expire(this.#now);
    const account = this.#account.of(name);
    // A node that is away says that it does not work; one that drains, that it does so.
    const works = account.permitId === "";
    const load = works ? this.#load : 0;
    const doing = situation(CAPACITY_RPS, load, works ? "SERVING" : "DRAINING");
    this.#subject.report(pulseEvent(this.#speak(node), doing), this.#now);
    this.#account.heard(name, { capacity: CAPACITY_RPS, load, works }, this.#now);
  }

  #everybodyPulses(): void {
    for (let node = 0; node < this.nodes; node += 1) this.#pulse(node);
  }

  #speak(node: number): { readonly nodeId: string; readonly bootId: string; readonly sequence: number } {
    const sequence = (this.#sequence[node] as number) + 1;
    this.#sequence[node] = sequence;
    return { nodeId: `n${node}`, bootId: "1", sequence };
  }

  /** Lets time do its work on both sides and compares the counters with the account. */
  #settle(): void {
    this.#subject.tick(this.#now);
    this.#account.expire(this.#now);
    const pool = poolOf(this.#subject.ledger, POOL);
    const fresh = this.#account.capacity(this.#now) * 1000;
    if (pool.capacityFreshMilli !== fresh) {
      throw new Broken(`the ledger counts ${pool.capacityFreshMilli} as serving, the account ${fresh}`);
    }
    if (pool.onLeaveCount !== this.#account.onLeave) {
      throw new Broken(`the ledger counts ${pool.onLeaveCount} leaves, the account ${this.#account.onLeave}`);
    }
    if (pool.demandMilli < this.#account.demandLeast(this.#now) * 1000) throw new Broken("the ledger forgets load");
  }

  /** After a grant: what serves carries what is asked for and the largest node that is left, unless an override holds. */
  #checkCovered(name: string): void {
    const serving = this.#account.capacity(this.#now);
    const wanted = this.#account.demandLeast(this.#now) + this.#account.largest(this.#now);
    const deficit = this.#overriddenUntilMs > this.#now ? DEFICIT_RPS : 0;
    if (serving + deficit < wanted) throw new Broken(`${name} may go with ${serving} serving and ${wanted} wanted`);
  }
}
