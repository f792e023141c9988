/**
 * The ledger: the whole fleet as one coordinator knows it. It has one writer. The files beside this one are its moves
 * (ask, report, tick, administer); each takes the ledger, an event and `now`, applies the event, and returns what must be
 * stored and done. No clock, randomness, network or disk in here.
 */
import type { Brake, Dial, SignedBrake } from "../domain/dial.ts";
import type { Node, NodeIdentity, NodeState } from "../domain/node.ts";
import type { Override } from "../domain/override.ts";
import type { Release } from "../domain/release.ts";
import type { GateName } from "../domain/verdict.ts";
import type { PoolConfig } from "../pool/config.ts";
import { Absences } from "../pool/absence.ts";
import { NodeTable } from "../table/node-table.ts";
import { Deadlines } from "./deadlines.ts";
import { Silenced } from "./silenced.ts";
import { type Member, Pool } from "../pool/pool.ts";

/** When a node that was told to stay may ask again, by the gate that refused. Milliseconds. */
export interface RetryConfig {
  readonly allowlistMs: number;
  readonly dialMs: number;
  readonly capacityMs: number;
}

/** Settings of a ledger. */
export interface LedgerConfig {
  readonly pool: PoolConfig;
  readonly retry: RetryConfig;
}

/** What has been counted since the store was made. */
export interface Tally {
  committed: number;
  reverted: number;
  lost: number;
  readonly refusals: Record<GateName, number>;
}

/** The ledger. Only the moves change it. */
export interface Ledger {
  readonly config: LedgerConfig;
  /** When this process began to hear; nodes are not called silent for what they said before. */
  readonly startedAtMs: number;
  readonly pools: Map<string, Pool>;
  readonly nodes: Map<string, Node>;
  /** Where those stand that were admitted; those that were adopted stand in blocks of their own. */
  readonly table: NodeTable;
  /** Highest counter first. */
  releases: readonly Release[];
  readonly dials: Map<string, Dial>;
  readonly overrides: Map<string, Override>;
  brake: Brake;
  /** Breakers' brakes that the council has not lifted; ended ones may still stand here. */
  signedBrakes: readonly SignedBrake[];
  readonly deadlines: Deadlines;
  /** How long absences last, by build and model. */
  readonly absences: Absences;
  readonly tally: Tally;
  /** Nodes that fell silent, of whom nobody was told yet. */
  readonly silenced: Silenced;
  /** Where the walk over nodes that were not heard since the start stands, while it lasts. */
  unheard: Iterator<Node> | undefined;
  /** Whether nodes that were not heard since the start have been called silent yet. */
  unheardAged: boolean;
}

/** An empty ledger. */
export function createLedger(config: LedgerConfig, startedAtMs: number): Ledger {
  return {
    config,
    startedAtMs,
    pools: new Map(),
    nodes: new Map(),
    table: new NodeTable(),
    releases: [],
    dials: new Map(),
    overrides: new Map(),
    brake: { engaged: false, reason: "", updatedAtMs: startedAtMs },
    signedBrakes: [],
    deadlines: new Deadlines(),
    absences: new Absences(config.pool.absencePredictedMs),
    tally: { committed: 0, reverted: 0, lost: 0, refusals: { ALLOWLIST: 0, DIAL: 0, CAPACITY: 0 } },
    silenced: new Silenced(),
    unheard: undefined,
    unheardAged: false,
  };
}

/** The pool of that name, made where it did not exist. */
export function poolOf(ledger: Ledger, poolId: string): Pool {
  let pool = ledger.pools.get(poolId);
  if (pool === undefined) {
    pool = new Pool(poolId, ledger.config.pool);
    ledger.pools.set(poolId, pool);
  }
  return pool;
}

/** A node's row in its pool's books, made where there was none. */
export function memberOf(ledger: Ledger, node: Node): Member {
  return (node.member ??= poolOf(ledger, node.poolId).enrol(node.nodeId, node.domains));
}

/** Takes a node in, once; returns the node it is. */
export function admit(ledger: Ledger, identity: NodeIdentity): Node {
  const known = ledger.nodes.get(identity.nodeId);
  if (known !== undefined) return known;
  const node = ledger.table.add(identity);
  adopt(ledger, node);
  return node;
}

/** Takes in a node as it was before a restart; from here on it is the ledger's. A node is adopted once. */
export function adopt(ledger: Ledger, node: Node): void {
  ledger.nodes.set(node.nodeId, node);
  memberOf(ledger, node);
}

/** How a node is counted and seen by routers. */
export function stateOf(ledger: Ledger, node: Node, now: number): NodeState {
  switch (node.permit?.phase) {
    case "DRAINING":
      return "LEAVING";
    case "AWAY":
      return "AWAY";
    case "RETURNED":
      return takesWork(ledger, node, now) ? "RETURNED" : "LOST";
    case undefined:
      return takesWork(ledger, node, now) ? "SERVING" : "LOST";
  }
}

/** Whether it says that it can work, and has said so lately. */
function takesWork(ledger: Ledger, node: Node, now: number): boolean {
  const { workState } = node;
  const able = workState === "SERVING" || workState === "NONE";
  const heardAtMs = node.reportedAtMs ?? ledger.startedAtMs;
  const silent = now - heardAtMs > ledger.config.pool.reportFreshMs;
  return able && !silent && !node.lost;
}
