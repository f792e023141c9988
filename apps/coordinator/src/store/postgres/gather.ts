/**
 * What a batch comes to: the last word on each row, so that every table is written by one statement, whatever the number of
 * changes. Pure. The one place that knows of each kind of change what it leaves in PostgreSQL.
 */
import { type AuditLeaf, FLEET_LOG, auditLeaf, dialBody } from "../audit-leaf.ts";
import type { BrakeStatement, MetadataFile, RememberedRequest, StoreChange } from "../port.ts";

/** A row in the table of permits. */
export interface PermitRow {
  readonly permitId: string;
  readonly poolId: string;
  readonly permit: string;
}

/** Rows by their keys. A row that is undefined goes. */
export interface Gathered {
  /** Pools whose state or log is touched. */
  readonly pools: Set<string>;
  readonly leaves: AuditLeaf[];
  readonly enrolled: Map<string, { readonly poolId: string; readonly identity: string }>;
  readonly states: Map<string, string>;
  /** Every permit that is named: what stands under it goes first. */
  readonly permitIds: Set<string>;
  readonly permits: Map<string, PermitRow>;
  readonly releases: Map<string, { readonly releaseCounter: number; readonly release: string }>;
  readonly dials: Map<string, string>;
  readonly overrides: Map<string, { readonly poolId: string; readonly override: string } | undefined>;
  readonly tokens: Map<string, { readonly expiresAtMs: number; readonly token: string }>;
  readonly manifests: Map<string, Uint8Array>;
  /** In the order in which they were published. One that goes, and one that is published anew, is named in `metadataGone`. */
  readonly metadata: Map<string, MetadataFile>;
  readonly metadataGone: Map<string, Omit<MetadataFile, "bytes">>;
  readonly brakeStatements: Map<string, BrakeStatement>;
  readonly events: Map<number, string>;
  readonly requests: Map<string, RememberedRequest>;
  readonly totals: Map<string, number>;
  readonly meta: Map<string, string>;
}

/** Gathers the changes of a batch, in their order. */
export function gather(changes: readonly StoreChange[]): Gathered {
  const gathered: Gathered = {
    pools: new Set(),
    leaves: [],
    enrolled: new Map(),
    states: new Map(),
    permitIds: new Set(),
    permits: new Map(),
    releases: new Map(),
    dials: new Map(),
    overrides: new Map(),
    tokens: new Map(),
    manifests: new Map(),
    metadata: new Map(),
    metadataGone: new Map(),
    brakeStatements: new Map(),
    events: new Map(),
    requests: new Map(),
    totals: new Map(),
    meta: new Map(),
  };
  for (const change of changes) {
    for (const poolId of note(gathered, change)) gathered.pools.add(poolId);
    const leaf = auditLeaf(change);
    if (leaf === undefined) continue;
    gathered.leaves.push(leaf);
    gathered.pools.add(leaf.poolId);
  }
  return gathered;
}

/** Notes a change; answers the pools whose rows it touches. */
function note(to: Gathered, change: StoreChange): readonly string[] {
  switch (change.kind) {
    case "enrolled": {
      const { nodeId, poolId } = change.identity;
      if (!to.enrolled.has(nodeId)) to.enrolled.set(nodeId, { poolId, identity: JSON.stringify(change.identity) });
      return [poolId];
    }
    case "node": {
      to.states.set(change.nodeId, change.state);
      return [change.poolId];
    }
    case "permit": {
      const { nodeId, permitId, poolId } = change.permit;
      endPermit(to, permitId);
      to.permits.set(nodeId, { permitId, poolId, permit: JSON.stringify(change.permit) });
      return [poolId];
    }
    case "permit-ended":
      endPermit(to, change.permit.permitId);
      return [change.permit.poolId];
    case "release": {
      const { version, releaseCounter } = change.release;
      to.releases.set(version, { releaseCounter, release: JSON.stringify(change.release) });
      return [FLEET_LOG];
    }
    case "dial":
      to.dials.set(change.dial.version, JSON.stringify(dialBody(change.dial)));
      return [FLEET_LOG];
    case "override": {
      const { overrideId, poolId } = change.override;
      to.overrides.set(overrideId, { poolId, override: JSON.stringify(change.override) });
      return [poolId];
    }
    case "override-ended":
      to.overrides.set(change.override.overrideId, undefined);
      return [change.override.poolId];
    case "brake":
      to.meta.set("brake", JSON.stringify(change.brake));
      return [FLEET_LOG];
    case "token": {
      const { tokenHash, expiresAtMs } = change.token;
      to.tokens.set(tokenHash, { expiresAtMs, token: JSON.stringify(change.token) });
      return [FLEET_LOG];
    }
    // Found by what they are: whoever writes one writes the same.
    case "manifest":
      if (!to.manifests.has(change.digest)) to.manifests.set(change.digest, change.envelope);
      return [];
    case "metadata": {
      const { role, version } = change.file;
      dropMetadata(to, change.file);
      to.metadata.set(`${role} ${version}`, change.file);
      return [FLEET_LOG];
    }
    case "metadata-dropped":
      dropMetadata(to, change.file);
      return [FLEET_LOG];
    case "brake-statement":
      to.brakeStatements.set(change.brake.digest, change.brake);
      return [FLEET_LOG];
    case "event":
      to.events.set(change.event.eventId, JSON.stringify(change.event));
      return [FLEET_LOG];
    case "request":
      if (!to.requests.has(change.request.requestId)) to.requests.set(change.request.requestId, change.request);
      return [];
    case "totals":
      for (const [poolId, demand] of change.demandByPool) to.totals.set(poolId, demand);
      to.meta.set("tally", JSON.stringify(change.tally));
      return [...change.demandByPool.keys()];
    case "outcome":
    case "quarantined":
    case "readmitted":
      return [change.poolId];
  }
}

function dropMetadata(to: Gathered, { role, version }: Omit<MetadataFile, "bytes">): void {
  to.metadata.delete(`${role} ${version}`);
  to.metadataGone.set(`${role} ${version}`, { role, version });
}

function endPermit(to: Gathered, permitId: string): void {
  // A permit that was not named before can stand in no row that this batch has gathered.
  if (to.permitIds.has(permitId)) {
    for (const [nodeId, row] of to.permits) if (row.permitId === permitId) to.permits.delete(nodeId);
  }
  to.permitIds.add(permitId);
}
