/** Changes for tests of a store: of every kind, small and plain. */
import { type Node, type NodeIdentity, type NodeRecord, type Permit, NO_SITUATION } from "@moult/policy";
import type { FleetEvent } from "../../anomalies/kinds.ts";
import type { StoreChange } from "../port.ts";
import { nodeChange } from "../rows.ts";

/** A node's identity. */
export function identityOf(nodeId: string, poolId = "home"): NodeIdentity {
  return { nodeId, poolId, publicKey: "", model: "m", labels: { a: "b" }, domains: ["d"], enrolledAtMs: 7 };
}

/** An enrolment. */
export function enrolled(nodeId: string, poolId = "home"): StoreChange {
  return { kind: "enrolled", identity: identityOf(nodeId, poolId) };
}

/** A node that said all there is to say. */
export function nodeOf(nodeId: string, poolId = "home", sequence = 3): NodeRecord {
  return {
    identity: identityOf(nodeId, poolId),
    running: { version: "1", digest: "1", releaseCounter: 1, platform: { os: "linux", arch: "x64" } },
    situation: {
      ...NO_SITUATION,
      workState: "SERVING",
      endpoint: "10.0.0.1:1",
      shards: ["s", 'quoted "\\" {,} \u0000'],
    },
    bootId: "boot",
    sequence,
    orderedSequence: 2,
    formerBootIds: ["boot-0"],
    bootHeardAtMs: 6,
    rival: { bootId: "boot-0", sequence: 3, returns: 1, answered: true },
    quarantine: { message: "two devices", atMs: 7 },
    lost: true,
    lastVerdict: { decision: "STAY", gate: "DIAL", reason: "DIAL_NOBODY", atMs: 4 },
    lastOutcome: undefined,
    lastOutcomeKey: "key",
    deniedDigests: ["d"],
  };
}

/** A node as it is stored. */
export function recordOf(node: Node): NodeRecord {
  const { identity, running, situation, bootId, sequence, orderedSequence, formerBootIds, bootHeardAtMs } = node;
  const { rival, quarantine, lost, lastVerdict, lastOutcome, lastOutcomeKey, deniedDigests } = node;
  const said = { running, situation, bootId, sequence, orderedSequence, formerBootIds, bootHeardAtMs };
  return { identity, ...said, rival, quarantine, lost, lastVerdict, lastOutcome, lastOutcomeKey, deniedDigests };
}

/** It said that. */
export function said(nodeId: string, poolId = "home", sequence = 3): StoreChange {
  return nodeChange({ nodeId, poolId, ...nodeOf(nodeId, poolId, sequence) });
}

/** A permit of a node. */
export function permitOf(nodeId: string, permitId: string, poolId = "home"): Permit {
  return {
    permitId,
    nodeId,
    poolId,
    fromDigest: "1",
    toDigest: "2",
    version: "2.0.0",
    phase: "DRAINING",
    grantedAtMs: 1,
    expiresAtMs: 2,
  };
}

/** An engaged brake. */
export function brakeOf(reason: string): StoreChange {
  return { kind: "brake", brake: { engaged: true, reason, updatedAtMs: 1 } };
}

/** Something that was told; about no pool where `poolId` is empty. */
export function eventOf(eventId: number, poolId = "", message = "m"): FleetEvent {
  const about = { kind: "CLONE", subject: "s", nodeId: "", poolId, message } as const;
  return { ...about, eventId, count: 1, firstAtMs: 1, lastAtMs: 2 };
}
