/** What stands in the columns that hold JSON. It decides nothing; what was written is believed. */
import {
  type Dial,
  type DialSetting,
  type HostFacts,
  type Node,
  type NodeRecord,
  type Situation,
  hostFacts,
} from "@moult/policy";
import type { StoreChange } from "./port.ts";

/** A situation as it is stored: its host's facts by name, as the first version wrote them. */
export type StoredSituation = Omit<Situation, "host" | "osRelease"> & { readonly host: HostFacts };

/** What an ask leaves of a node, beside its identity. */
export type NodeState = Omit<NodeRecord, "identity" | "situation"> & { readonly situation: StoredSituation };

/** What an ask leaves of a node, as text. Pulses never get here. */
export function nodeState(node: Omit<NodeRecord, "identity">): string {
  const { host: _host, osRelease: _release, ...said } = node.situation;
  const state: NodeState = {
    running: node.running,
    bootId: node.bootId,
    sequence: node.sequence,
    orderedSequence: node.orderedSequence,
    formerBootIds: node.formerBootIds,
    bootHeardAtMs: node.bootHeardAtMs,
    rival: node.rival,
    quarantine: node.quarantine,
    lost: node.lost,
    lastVerdict: node.lastVerdict,
    lastOutcome: node.lastOutcome,
    lastOutcomeKey: node.lastOutcomeKey,
    deniedDigests: node.deniedDigests,
    situation: { ...said, host: hostFacts(node.situation) },
  };
  return JSON.stringify(state);
}

/** The change by which a node is stored as it stands now. */
export function nodeChange(node: Pick<Node, "nodeId" | "poolId"> & Omit<NodeRecord, "identity">): StoreChange {
  return { kind: "node", nodeId: node.nodeId, poolId: node.poolId, state: nodeState(node) };
}

/** A dial: its list of nodes becomes a set. */
export function storedDial(dial: Dial): Dial {
  const setting = dial.setting as DialSetting & { readonly nodes?: readonly string[] };
  return setting.kind === "named" ? { ...dial, setting: { ...setting, nodes: new Set(setting.nodes) } } : dial;
}
