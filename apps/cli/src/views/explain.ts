/** Why a node moves or stays, for people: the three gates with what decided and the numbers behind it. */
import { Decision, type ExplainNodeResponse, type GateResult } from "@moult/contracts/v1";
import { idOf } from "../arguments/names.ts";
import type { Style } from "../output/style.ts";
import { type Cell, renderPairs, renderTable } from "../output/table.ts";
import { formatNumber, printable, shortDigest } from "../output/text.ts";
import { stateCell } from "./node.ts";
import { decisionWord, gateWord, reasonWord } from "./words.ts";

/** The node and the release it was judged for, the gates, their numbers, and the decision. */
export function explainText(answer: ExplainNodeResponse, style: Style): string {
  const { node, target, gates, decision } = answer;
  const head = renderPairs(
    [
      ["node", printable(idOf(node?.name ?? ""))],
      ["state", node === undefined ? "-" : stateCell(node.state)],
      ["runs", node === undefined || node.version === "" ? "-" : printable(node.version)],
      ["target", target === undefined ? "none" : `${printable(target.version)} (${shortDigest(target.digest)})`],
      ["decision", decisionCell(decision)],
    ],
    style,
  );
  const rows = gates.map((gate, index): readonly Cell[] => [
    `${index + 1} ${gateWord(gate.gate)}`,
    gate.passed ? { text: "✓", tone: "good" } : { text: "✗", tone: "bad" },
    reasonWord(gate.reason),
    shortfallOf(gate),
    printable(gate.message),
  ]);
  const table = renderTable(
    { head: ["GATE", "", "REASON", "SHORTFALL", "WHY"], rows },
    style,
    "No gate was evaluated.",
  );
  const numbers = gates.flatMap((gate) =>
    gate.measures.map(({ name, value }): readonly Cell[] => [
      gateWord(gate.gate),
      printable(name),
      formatNumber(value),
    ]),
  );
  const measures =
    numbers.length === 0 ? "" : `\n${renderTable({ head: ["GATE", "NUMBER", "VALUE"], rows: numbers }, style, "")}`;
  return `${head}\n${table}${measures}`;
}

function decisionCell(decision: Decision): Cell {
  const tone = decision === Decision.GO ? "good" : decision === Decision.PREPARE ? "warning" : "bad";
  return { text: decisionWord(decision), tone };
}

/** The one number people look for first: how much is missing. */
function shortfallOf(gate: GateResult): Cell {
  const measure = gate.measures.find(({ name }) => name.startsWith("shortfall"));
  if (measure === undefined || gate.passed) return "-";
  return { text: `${formatNumber(measure.value)} ${printable(measure.name.split("_").at(-1) ?? "")}`, tone: "bad" };
}
