/** Nodes, pools and members as the contract shows them. */
import { setImmediate as turn } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { formatName } from "@moult/contracts";
import {
  Decision,
  FailureReason,
  Gate,
  type MemberSchema,
  type NodeSchema,
  NodeState,
  OutcomeKind,
  type PoolSchema,
  Reason,
  type WatchFleetResponseSchema,
} from "@moult/contracts/v1";
import { type Ledger, type Node, type Pool, capacityNeedMilli, fromMilli, stateOf } from "@moult/policy";
import { writePermit } from "./ask.ts";
import { writeSituation } from "./situation.ts";
import { writeTime } from "./time.ts";

/** Writes a node. */
export function writeNode(ledger: Ledger, node: Node, now: number): MessageInitShape<typeof NodeSchema> {
  const { identity, running, permit, lastVerdict, lastOutcome, quarantine } = node;
  const context = { pool: ledger.config.pool, now };
  return {
    name: formatName("nodes", identity.nodeId),
    pool: formatName("pools", identity.poolId),
    state: NodeState[stateOf(ledger, node, now)],
    model: identity.model,
    labels: { ...identity.labels },
    domains: [...identity.domains],
    situation: writeSituation(node.situation),
    ...(running ? { version: running.version, digest: running.digest, platform: { ...running.platform } } : {}),
    ...(node.reportedAtMs === undefined ? {} : { reportTime: writeTime(node.reportedAtMs) }),
    ...(permit ? { permit: writePermit(permit, context) } : {}),
    ...(lastVerdict
      ? {
          lastVerdict: {
            decision: Decision[lastVerdict.decision],
            gate: lastVerdict.gate === undefined ? Gate.UNSPECIFIED : Gate[lastVerdict.gate],
            reason: Reason[lastVerdict.reason],
            time: writeTime(lastVerdict.atMs),
          },
        }
      : {}),
    ...(quarantine ? { quarantine: { message: quarantine.message, time: writeTime(quarantine.atMs) } } : {}),
    ...(lastOutcome
      ? {
          lastOutcome: {
            kind: OutcomeKind[lastOutcome.kind],
            reason: lastOutcome.reason === "NONE" ? FailureReason.UNSPECIFIED : FailureReason[lastOutcome.reason],
            targetDigest: lastOutcome.targetDigest,
            message: lastOutcome.message,
            time: writeTime(lastOutcome.atMs),
          },
        }
      : {}),
  };
}

/** Writes a pool as gate 3 sees it. */
export function writePool(pool: Pool): MessageInitShape<typeof PoolSchema> {
  return {
    name: formatName("pools", pool.poolId),
    nodes: pool.memberCount,
    capacityFreshRps: fromMilli(pool.capacityFreshMilli),
    demandRps: fromMilli(pool.demandMilli),
    needRps: fromMilli(capacityNeedMilli(pool)),
    onLeave: pool.onLeaveCount,
  };
}

/** Writes a node as routers see it. */
export function writeMember(ledger: Ledger, node: Node, now: number): MessageInitShape<typeof MemberSchema> {
  const { nodeId, poolId } = node;
  return {
    node: formatName("nodes", nodeId),
    pool: formatName("pools", poolId),
    state: NodeState[stateOf(ledger, node, now)],
    endpoint: node.endpoint,
    capacityRps: node.capacityRps,
    version: node.running?.version ?? "",
  };
}

/** Nodes between two turns of the event loop. */
const NODES_A_TURN = 5_000;

/** Writes the fleet in numbers. Walks all nodes, some at a time: for operators' screens, never for a decision. */
export async function writeFleet(
  ledger: Ledger,
  now: number,
): Promise<MessageInitShape<typeof WatchFleetResponseSchema>> {
  // Maps, because a version is the node's own word and may be `constructor`.
  const nodesByVersion = new Map<string, number>();
  const nodesByState = new Map<string, number>();
  let walked = 0;
  for (const node of ledger.nodes.values()) {
    walked += 1;
    if (walked % NODES_A_TURN === 0) await turn();
    const version = node.running?.version ?? "unknown";
    const state = stateOf(ledger, node, now);
    nodesByVersion.set(version, (nodesByVersion.get(version) ?? 0) + 1);
    nodesByState.set(state, (nodesByState.get(state) ?? 0) + 1);
  }
  const { committed, reverted, lost, refusals } = ledger.tally;
  return {
    pools: [...ledger.pools.values()].map(writePool),
    nodesByVersion: Object.fromEntries(nodesByVersion),
    nodesByState: Object.fromEntries(nodesByState),
    committed: BigInt(committed),
    reverted: BigInt(reverted),
    lost: BigInt(lost),
    refusalsByGate: Object.fromEntries(Object.entries(refusals).map(([gate, count]) => [gate, BigInt(count)])),
  };
}
