/** Enums of the contract in lower-case words; values of a newer coordinator as their number. */
import {
  Decision,
  FailureReason,
  Gate,
  NodeState,
  OutcomeKind,
  PermitPhase,
  Reason,
  WorkState,
} from "@moult/contracts/v1";

type NamesOf = Readonly<Record<number, string>>;

function words(names: NamesOf): (value: number) => string {
  return (value) => (names[value] ?? String(value)).toLowerCase().replaceAll("_", " ");
}

/** Words for one enum each. */
export const decisionWord: (value: Decision) => string = words(Decision);
export const failureWord: (value: FailureReason) => string = words(FailureReason);
export const gateWord: (value: Gate) => string = words(Gate);
export const outcomeWord: (value: OutcomeKind) => string = words(OutcomeKind);
export const phaseWord: (value: PermitPhase) => string = words(PermitPhase);
export const reasonWord: (value: Reason) => string = words(Reason);
export const stateWord: (value: NodeState) => string = words(NodeState);
export const workWord: (value: WorkState) => string = words(WorkState);
