/** Nodes for people. */
import {
  FailureReason,
  Gate,
  type LastOutcome,
  type LastVerdict,
  type Node,
  NodeState,
  OutcomeKind,
} from "@moult/contracts/v1";
import { idOf } from "../arguments/names.ts";
import type { Style, Tone } from "../output/style.ts";
import { type Cell, renderPairs, renderTable } from "../output/table.ts";
import { formatBytes, formatNumber, formatShare, printable, shortDigest } from "../output/text.ts";
import { relative } from "./time.ts";
import {
  decisionWord,
  failureWord,
  gateWord,
  outcomeWord,
  phaseWord,
  reasonWord,
  stateWord,
  workWord,
} from "./words.ts";

/** One line a node. */
export function nodeTable(nodes: readonly Node[], style: Style, nowMs: number): string {
  const rows = nodes.map((node): readonly Cell[] => [
    printable(idOf(node.name)),
    printable(idOf(node.pool)),
    node.quarantine === undefined ? stateCell(node.state) : QUARANTINED,
    node.version === "" ? "-" : printable(node.version),
    platformOf(node),
    `${formatNumber(node.situation?.loadRps ?? 0)}/${formatNumber(node.situation?.capacityRps ?? 0)}`,
    node.permit === undefined ? "-" : phaseWord(node.permit.phase),
    verdictText(node.lastVerdict),
    outcomeCell(node.lastOutcome),
    relative(node.reportTime, nowMs),
  ]);
  const head = [
    "NODE",
    "POOL",
    "STATE",
    "VERSION",
    "PLATFORM",
    "LOAD (RPS)",
    "PERMIT",
    "LAST ANSWER",
    "LAST MOVE",
    "HEARD",
  ];
  return renderTable({ head, rows }, style, "No nodes. Devices enrol with a token: moult token create");
}

/** One node with all that is known of it. */
export function nodeDetail(node: Node, style: Style, nowMs: number): string {
  const { situation, permit, lastOutcome } = node;
  const host = situation?.host;
  const labels = Object.entries(node.labels).map(([key, value]) => `${key}=${value}`);
  const pairs: (readonly [string, Cell])[] = [
    ["node", printable(idOf(node.name))],
    ["pool", printable(idOf(node.pool))],
    ["state", stateCell(node.state)],
    ["version", node.version === "" ? "-" : `${printable(node.version)} (${shortDigest(node.digest)})`],
    ["platform", platformOf(node)],
    ["model", orDash(node.model)],
    ["labels", orDash(labels.join(" "))],
    ["domains", orDash(node.domains.join(" "))],
    ["heard", relative(node.reportTime, nowMs)],
  ];
  if (node.quarantine !== undefined) {
    const { message, time } = node.quarantine;
    pairs.push(["quarantine", { text: `${printable(message)} (${relative(time, nowMs)})`, tone: "bad" }]);
  }
  if (situation !== undefined) {
    pairs.push(
      [
        "load",
        `${formatNumber(situation.loadRps)} of ${formatNumber(situation.capacityRps)} rps, ${situation.inFlight} in flight`,
      ],
      ["workload", `${workWord(situation.workState)}${situation.interruptible ? "" : ", holds its lock"}`],
      ["shards", orDash(situation.shards.join(" "))],
      ["endpoint", orDash(situation.endpoint)],
    );
  }
  if (host?.cpuBusyRatio !== undefined) pairs.push(["processor", `${formatShare(host.cpuBusyRatio)} busy`]);
  if (host?.memoryAvailableBytes !== undefined) {
    pairs.push(["memory", `${formatBytes(Number(host.memoryAvailableBytes))} available`]);
  }
  if (host?.diskFreeBytes !== undefined) pairs.push(["disk", `${formatBytes(Number(host.diskFreeBytes))} free`]);
  pairs.push(["permit", permit === undefined ? "-" : `${phaseWord(permit.phase)} (${printable(permit.permitId)})`]);
  pairs.push(["last answer", `${verdictText(node.lastVerdict)} (${relative(node.lastVerdict?.time, nowMs)})`]);
  pairs.push(["last move", outcomeCell(lastOutcome)]);
  if (lastOutcome !== undefined && lastOutcome.message !== "") pairs.push(["", printable(lastOutcome.message)]);
  return renderPairs(pairs, style);
}

/** Said in the place of the state: whatever it is, the node is granted nothing. */
const QUARANTINED: Cell = { text: "quarantined", tone: "bad" };

const STATE_TONES: Readonly<Record<number, Tone>> = {
  [NodeState.UNSPECIFIED]: "faint",
  [NodeState.SERVING]: "good",
  [NodeState.LEAVING]: "warning",
  [NodeState.AWAY]: "warning",
  [NodeState.RETURNED]: "good",
  [NodeState.LOST]: "bad",
};

/** A node's state, painted. */
export function stateCell(state: NodeState): Cell {
  return { text: stateWord(state), tone: STATE_TONES[state] ?? "plain" };
}

function verdictText(verdict: LastVerdict | undefined): string {
  if (verdict === undefined) return "-";
  const { decision, gate, reason } = verdict;
  const why = gate === Gate.UNSPECIFIED ? "" : `: ${gateWord(gate)}, ${reasonWord(reason)}`;
  return `${decisionWord(decision)}${why}`;
}

function outcomeCell(outcome: LastOutcome | undefined): Cell {
  if (outcome === undefined) return "-";
  const good = outcome.kind === OutcomeKind.COMMITTED;
  const why = good || outcome.reason === FailureReason.UNSPECIFIED ? "" : `: ${failureWord(outcome.reason)}`;
  return { text: `${outcomeWord(outcome.kind)}${why}`, tone: good ? "good" : "bad" };
}

function platformOf(node: Node): string {
  return node.platform === undefined ? "-" : printable(`${node.platform.os}-${node.platform.arch}`);
}

function orDash(text: string): string {
  return text === "" ? "-" : printable(text);
}
