/**
 * What is put to the proof: a ledger behind the few calls that change it, so that a broken one can stand in its place. The one
 * here is the real one.
 */
import {
  type AskEvent,
  type Ledger,
  type LedgerConfig,
  type Node,
  type ReportEvent,
  type Verdict,
  addOverride,
  admit,
  ask,
  createLedger,
  poolOf,
  publish,
  report,
  setDial,
  tick,
} from "@moult/policy";
import { restarted } from "../moult/fresh-ledger.ts";
import { EPOCH_MS, RELEASE } from "../moult/messages.ts";

/** The pool that all nodes of a proof are in. */
export const POOL = "pool";

/** The calls. Times are milliseconds since the epoch. */
export interface Subject {
  ask(event: AskEvent, now: number): Verdict;
  report(event: ReportEvent, now: number): void;
  tick(now: number): void;
  /** The coordinator is killed and started again. */
  restart(now: number): void;
  /** Gate 3 may fall short by so much in this pool for five minutes. */
  override(deficitRps: number, now: number): void;
  readonly ledger: Ledger;
}

/** Makes a subject for a number of nodes. */
export type MakeSubject = (config: LedgerConfig, nodes: number, shards: boolean) => Subject;

const OVERRIDE_MS = 300_000;

/** The real ledger. */
export class RealSubject implements Subject {
  ledger: Ledger;
  #overrides = 0;

  constructor(config: LedgerConfig, nodes: number) {
    this.ledger = createLedger(config, EPOCH_MS);
    publish(this.ledger, RELEASE);
    setDial(this.ledger, RELEASE.version, { kind: "everyone" }, EPOCH_MS);
    for (let node = 0; node < nodes; node += 1) {
      admit(this.ledger, {
        nodeId: `n${node}`,
        poolId: POOL,
        publicKey: "",
        model: "box",
        labels: {},
        domains: [`house-${node % 2}`],
        enrolledAtMs: EPOCH_MS,
      });
    }
  }

  ask(event: AskEvent, now: number): Verdict {
    return ask(this.ledger, this.node(event.nodeId), event, now).answer;
  }

  report(event: ReportEvent, now: number): void {
    report(this.ledger, this.node(event.nodeId), event, now);
  }

  tick(now: number): void {
    tick(this.ledger, now);
  }

  restart(now: number): void {
    const overrides = [...this.ledger.overrides.values()];
    this.ledger = restarted(this.ledger, now);
    for (const override of overrides) addOverride(this.ledger, override);
  }

  override(deficitRps: number, now: number): void {
    this.#overrides += 1;
    addOverride(this.ledger, {
      overrideId: `o${this.#overrides}`,
      poolId: POOL,
      nodeIds: [],
      reason: "proof",
      deficitMaxRps: deficitRps,
      allowShardAndDomain: false,
      expiresAtMs: now + OVERRIDE_MS,
    });
  }

  /** A node by its name. */
  protected node(nodeId: string): Node {
    const node = this.ledger.nodes.get(nodeId);
    if (node === undefined) throw new Error(`no node ${nodeId}`);
    return node;
  }

  /** The pool. */
  protected get pool(): ReturnType<typeof poolOf> {
    return poolOf(this.ledger, POOL);
  }
}
