/** What stands in the columns that hold JSON. It decides nothing; what was written is believed. */
import { type Dial, type DialSetting, type HostFacts, type Node, type Situation, hostFacts } from "@moult/policy";

/** A situation as it is stored: its host's facts by name, as the first version wrote them. */
export type StoredSituation = Omit<Situation, "host" | "osRelease"> & { readonly host: HostFacts };

/** What an ask leaves of a node, beside its identity. */
export type NodeState = Omit<Node, "identity" | "situation" | "permit" | "member" | "reportedAtMs"> & {
  readonly situation: StoredSituation;
};

/** What an ask leaves of a node, as text. Pulses never get here. */
export function nodeState(node: Node): string {
  const { identity: _, permit: _permit, member: _member, reportedAtMs: _at, situation, ...rest } = node;
  const { host: _host, osRelease: _release, ...said } = situation;
  const state: NodeState = { ...rest, situation: { ...said, host: hostFacts(situation) } };
  return JSON.stringify(state);
}

/** A dial: its list of nodes becomes a set. */
export function storedDial(dial: Dial): Dial {
  const setting = dial.setting as DialSetting & { readonly nodes?: readonly string[] };
  return setting.kind === "named" ? { ...dial, setting: { ...setting, nodes: new Set(setting.nodes) } } : dial;
}
