/** What rounds came to, by kind. Pure. */
import type { Rule } from "../checker/entry.ts";
import type { Round } from "./run.ts";

/** One line of the report. */
export interface Row {
  readonly kind: string;
  readonly stage: string;
  readonly rounds: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly overLimit: number;
  readonly double: number;
  /** Everything else that the checker found. */
  readonly otherFaults: number;
  /** Of the longest times without an acknowledged word in each round, in milliseconds. */
  readonly silenceP50Ms: number;
  readonly silenceMaxMs: number;
}

/** The rows, in the order in which their kinds came up. */
export function rowsOf(rounds: readonly Round[]): readonly Row[] {
  return [...Map.groupBy(rounds, ({ blow }) => blow)].map(([{ kind, stage }, played]) => {
    const count = (...rules: readonly Rule[]): number =>
      played.flatMap(({ faults }) => faults).filter(({ rule }) => rules.includes(rule)).length;
    const silences = played.map(({ silenceMs }) => silenceMs).toSorted((a, b) => a - b);
    const [lost, overLimit, double] = [count("lost"), count("over-limit"), count("double-grant")];
    return {
      kind,
      stage,
      rounds: played.length,
      acknowledged: played.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
      lost,
      overLimit,
      double,
      otherFaults: played.reduce((sum, { faults }) => sum + faults.length, 0) - lost - overLimit - double,
      silenceP50Ms: silences[(silences.length - 1) >> 1] ?? 0,
      silenceMaxMs: silences.at(-1) ?? 0,
    };
  });
}
