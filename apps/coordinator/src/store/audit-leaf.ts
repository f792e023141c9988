/**
 * Which changes become leaves of a pool's append-only log, and what a leaf says. Node rows are claims, not decisions, and
 * leave none. What concerns no pool goes to the log of the fleet.
 */
import { createHash } from "node:crypto";
import type { FleetEvent } from "../anomalies/kinds.ts";
import type { StoreChange } from "./port.ts";

/** The log of what concerns no single pool. Not a valid pool id, so no pool can take its place. */
export const FLEET_LOG = "*";

/** A leaf before it has its place in the log. */
export interface AuditLeaf {
  readonly poolId: string;
  readonly kind: StoreChange["kind"];
  readonly body: object;
}

/** The leaf a change leaves, or undefined. On whose word it was made stands beside what it says of itself. */
export function auditLeaf(change: StoreChange): AuditLeaf | undefined {
  const leaf = leafOf(change);
  return leaf === undefined || change.word === undefined ? leaf : { ...leaf, body: { ...leaf.body, ...change.word } };
}

function leafOf(change: StoreChange): AuditLeaf | undefined {
  switch (change.kind) {
    case "permit":
      return { poolId: change.permit.poolId, kind: change.kind, body: { ...change.permit, books: change.books } };
    case "permit-ended":
      return {
        poolId: change.permit.poolId,
        kind: change.kind,
        body: { ...change.permit, end: change.end, books: change.books },
      };
    case "outcome":
      return { poolId: change.poolId, kind: change.kind, body: { nodeId: change.nodeId, ...change.outcome } };
    case "quarantined":
      return { poolId: change.poolId, kind: change.kind, body: { nodeId: change.nodeId, ...change.quarantine } };
    case "readmitted":
      return { poolId: change.poolId, kind: change.kind, body: { nodeId: change.nodeId, reason: change.reason } };
    case "override":
    case "override-ended":
      return { poolId: change.override.poolId, kind: change.kind, body: change.override };
    case "enrolled":
      return { poolId: change.identity.poolId, kind: change.kind, body: change.identity };
    case "release":
      return { poolId: FLEET_LOG, kind: change.kind, body: change.release };
    case "dial":
      return { poolId: FLEET_LOG, kind: change.kind, body: { was: change.was, ...dialBody(change.dial) } };
    case "brake":
      return { poolId: FLEET_LOG, kind: change.kind, body: change.brake };
    case "token":
      return { poolId: FLEET_LOG, kind: change.kind, body: change.token };
    case "event":
      return { poolId: change.event.poolId || FLEET_LOG, kind: change.kind, body: eventBody(change.event) };
    case "metadata": {
      const { role, version, bytes } = change.file;
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      // What people approved stands whole in the log: the store keeps the last lists only, and a root may be served nowhere.
      const approved = role === "root" || role === "targets" ? { file: Buffer.from(bytes).toString("base64") } : {};
      const body = { role, version, sha256, lengthBytes: bytes.length, ...approved };
      return { poolId: FLEET_LOG, kind: change.kind, body };
    }
    case "brake-statement": {
      const { statement, ...brake } = change.brake;
      const base64 = Buffer.from(statement).toString("base64");
      return { poolId: FLEET_LOG, kind: change.kind, body: { ...brake, statement: base64 } };
    }
    case "metadata-dropped":
    case "node":
    case "manifest":
    case "request":
    case "totals":
      return undefined;
  }
}

/** An event without the address of a caller: the log is public, and somebody's mistyped token is not. */
function eventBody(event: FleetEvent): object {
  return event.kind === "AUTHENTICATION_FAILURES" ? { ...event, subject: "" } : event;
}

/** A dial as JSON: its set of nodes becomes a list. */
export function dialBody(dial: Extract<StoreChange, { kind: "dial" }>["dial"]): object {
  const { setting } = dial;
  return setting.kind === "named" ? { ...dial, setting: { ...setting, nodes: [...setting.nodes] } } : dial;
}
