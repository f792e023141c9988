/**
 * What the metrics say now, put together when somebody looks: from the counts, the ledger, the log, what is published, the
 * certificate. Runs in the process that serves; it walks pools, never nodes. What it says of pools is bounded.
 */
import { type Ledger, type Pool, capacityNeedMilli, fromMilli } from "@moult/policy";
import type { AuditProgress } from "../audit/audit-log.ts";
import type { Carried } from "../trust/carried.ts";
import type { MetricName } from "./catalogue.ts";
import type { StateCounts } from "./census.ts";
import type { Distribution } from "./distribution.ts";
import type { Numbers } from "./numbers.ts";

/** Pools that are named, those with the most nodes; the others are counted together. */
const POOLS_MAX = 200;
const OTHERS = "(others)";

/** Attributes of a reading. */
export type Attributes = Readonly<Record<string, string>>;

/** One value. */
export interface Reading {
  readonly name: MetricName;
  readonly value: number;
  readonly attributes: Attributes;
}

/** One histogram's values. */
export interface Spread {
  readonly name: MetricName;
  readonly values: Distribution;
  readonly attributes: Attributes;
}

/** What is read, as it stands now. */
export interface Sources {
  readonly numbers: Numbers;
  /** `sqlite` or `postgresql`. */
  readonly databaseSystem: string;
  readonly isReady: boolean;
  readonly isStoreUp: boolean;
  readonly isDeciding: boolean;
  /** Undefined while this coordinator has none, and so says nothing of the fleet. */
  readonly ledger: Ledger | undefined;
  readonly waitingMoves: number;
  readonly census: ReadonlyMap<string, StateCounts>;
  readonly audit: AuditProgress | undefined;
  readonly carried: Carried | undefined;
  /** When the certificate ends, milliseconds since the epoch. */
  readonly tlsEndsAtMs: number;
  readonly joinedLines: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Everything but what is spread. */
export function readings(sources: Sources): readonly Reading[] {
  const { numbers, now } = sources;
  const found: Reading[] = [];
  const say = (name: MetricName, value: number, attributes: Attributes = {}): void => {
    found.push({ name, value, attributes });
  };
  say("moult.ready", Number(sources.isReady));
  say("moult.store.up", Number(sources.isStoreUp));
  say("moult.seat.held", Number(sources.isDeciding));
  say("moult.seat.taken", numbers.seatTaken);
  say("moult.queue.moves", sources.waitingMoves);
  say("moult.tls.expiry", (sources.tlsEndsAtMs - now) / 1_000);
  say("moult.tls.reloads", numbers.tlsTaken, { "moult.outcome": "taken" });
  say("moult.tls.reloads", numbers.tlsRefused, { "moult.outcome": "refused" });
  say("moult.log.joined", sources.joinedLines);
  for (const [key, count] of numbers.asks) {
    const [decision = "", gate = ""] = key.split(" ");
    say("moult.asks", count, { "moult.decision": decision, "moult.gate": gate });
  }
  for (const [kind, count] of Object.entries(numbers.overloaded)) {
    say("moult.overload.refused", count, { "moult.kind": kind });
  }
  for (const [port, { open, handshakesFailed, refused }] of Object.entries(numbers.ports)) {
    const at = { "moult.port": port };
    say("moult.connections", open, at);
    say("moult.handshakes.failed", handshakesFailed, at);
    for (const [bound, count] of Object.entries(refused)) {
      say("moult.connections.refused", count, { ...at, "moult.bound": bound });
    }
  }
  sayStreams(numbers, say);
  sayAudit(sources, say);
  for (const { role, expiresAtMs } of sources.carried?.heads ?? []) {
    say("moult.metadata.expiry", (expiresAtMs - now) / 1_000, { "moult.role": role });
  }
  if (sources.ledger !== undefined) sayFleet(sources.ledger, sources.census, say);
  return found;
}

type Say = (name: MetricName, value: number, attributes?: Attributes) => void;

function sayStreams({ methods }: Numbers, say: Say): void {
  const open = new Map<string, number>();
  for (const { method, streams } of methods) open.set(method, (open.get(method) ?? 0) + streams);
  for (const [method, count] of open) if (count > 0) say("moult.streams", count, { "rpc.method": method });
  say("moult.attend.streams", open.get("moult.v1.AgentService/Attend") ?? 0);
}

function sayAudit({ audit, now }: Sources, say: Say): void {
  if (audit === undefined) return;
  for (const [kind, at] of [
    ["signed", audit.signed],
    ["witnessed", audit.witnessed],
  ] as const) {
    if (at === undefined) continue;
    say("moult.audit.size", at.size, { "moult.checkpoint": kind });
    say("moult.audit.age", (now - at.atMs) / 1_000, { "moult.checkpoint": kind });
  }
  say("moult.audit.round.age", (now - audit.roundAtMs) / 1_000);
}

function sayFleet(ledger: Ledger, census: ReadonlyMap<string, StateCounts>, say: Say): void {
  const { committed, reverted, lost } = ledger.tally;
  for (const [outcome, count] of Object.entries({ committed, reverted, lost })) {
    say("moult.moves", count, { "moult.outcome": outcome });
  }
  say("moult.brake", Number(ledger.brake.engaged));
  for (const [name, pools] of named([...ledger.pools.values()])) {
    const at = { "moult.pool": name };
    const sum = (of: (pool: Pool) => number): number => pools.reduce((all, pool) => all + of(pool), 0);
    say(
      "moult.permits",
      sum((pool) => pool.onLeaveCount),
      at,
    );
    say("moult.pool.capacity", fromMilli(sum((pool) => pool.capacityFreshMilli)), at);
    say("moult.pool.demand", fromMilli(sum((pool) => pool.demandMilli)), at);
    say("moult.pool.need", fromMilli(sum(capacityNeedMilli)), at);
    const states = new Map<string, number>();
    for (const { poolId } of pools) {
      for (const [state, count] of Object.entries(census.get(poolId) ?? {})) {
        states.set(state, (states.get(state) ?? 0) + count);
      }
    }
    for (const [state, count] of states) say("moult.nodes", count, { ...at, "moult.state": state });
  }
}

/** Pools by the name that they are shown under. */
function named(pools: readonly Pool[]): readonly (readonly [string, readonly Pool[]])[] {
  if (pools.length <= POOLS_MAX) return pools.map((pool) => [pool.poolId, [pool]]);
  const bySize = pools.toSorted((a, b) => b.memberCount - a.memberCount);
  const shown = bySize.slice(0, POOLS_MAX).map((pool) => [pool.poolId, [pool]] as const);
  return [...shown, [OTHERS, bySize.slice(POOLS_MAX)]];
}

/** What is spread: calls by method and status, commits, batches. */
export function spreads({ numbers, databaseSystem }: Pick<Sources, "numbers" | "databaseSystem">): readonly Spread[] {
  const calls = numbers.methods.flatMap(({ system, method, durations }) =>
    [...durations].map(([status, values]): Spread => ({
      name: "rpc.server.call.duration",
      values,
      attributes: { "rpc.system.name": system, "rpc.method": method, "rpc.response.status_code": status },
    })),
  );
  const commits = [...numbers.commits].map(([failure, values]): Spread => ({
    name: "db.client.operation.duration",
    values,
    attributes: {
      "db.system.name": databaseSystem,
      "db.operation.name": "COMMIT",
      ...(failure === "" ? {} : { "error.type": failure }),
    },
  }));
  return [...calls, ...commits, { name: "moult.batch.changes", values: numbers.batchChanges, attributes: {} }];
}
