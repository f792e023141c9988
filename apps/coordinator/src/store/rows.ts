/** What stands in the columns that hold JSON. It decides nothing; what was written is believed. */
import { type Dial, type DialSetting, NO_SITUATION, type Node, type NodeIdentity } from "@moult/policy";
import type { StoredNode } from "./port.ts";

/** What an ask leaves of a node. Pulses never get here. */
export function nodeState(node: Node): string {
  const { identity: _, permit: _permit, place: _place, reportedAtMs: _at, ...state } = node;
  return JSON.stringify(state);
}

/** A node as it was last written. */
export function storedNode(row: { identity: string; state: string | null }): StoredNode {
  const identity = JSON.parse(row.identity) as NodeIdentity;
  const state = row.state === null ? undefined : (JSON.parse(row.state) as Omit<StoredNode, "identity">);
  return {
    identity,
    running: state?.running,
    situation: state?.situation ?? NO_SITUATION,
    bootId: state?.bootId ?? "",
    sequence: state?.sequence ?? 0,
    orderedSequence: state?.orderedSequence ?? 0,
    formerBootIds: state?.formerBootIds ?? [],
    bootHeardAtMs: state?.bootHeardAtMs ?? 0,
    rival: state?.rival,
    quarantine: state?.quarantine,
    lastVerdict: state?.lastVerdict,
    lastOutcome: state?.lastOutcome,
    lastOutcomeKey: state?.lastOutcomeKey ?? "",
    deniedDigests: state?.deniedDigests ?? [],
    lost: state?.lost ?? false,
  };
}

/** A dial: its list of nodes becomes a set. */
export function storedDial(dial: Dial): Dial {
  const setting = dial.setting as DialSetting & { readonly nodes?: readonly string[] };
  return setting.kind === "named" ? { ...dial, setting: { ...setting, nodes: new Set(setting.nodes) } } : dial;
}
