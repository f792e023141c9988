/**
 * What of a move is handed to the store. The ledger goes on changing while a batch waits, and what is written must be
 * what was decided: nodes and counts are copied as they stand right after the move. It decides nothing.
 */
import type { Ledger, Tally } from "@moult/policy";
import type { StoreChange } from "../store/port.ts";

/** The changes to store, with the counts where an outcome or a loss moved them. */
export function written(ledger: Ledger, changes: readonly StoreChange[]): readonly StoreChange[] {
  const copies = changes.map((change): StoreChange => {
    if (change.kind === "node") return { ...change, node: { ...change.node } };
    if (change.kind === "totals") return { ...change, tally: copyOf(change.tally) };
    return change;
  });
  const counted = changes.some((change) => change.kind === "outcome" || isLoss(change));
  if (counted) copies.push({ kind: "totals", demandByPool: new Map(), tally: copyOf(ledger.tally) });
  return copies;
}

function isLoss(change: StoreChange): boolean {
  return change.kind === "permit-ended" && change.end === "EXPIRED";
}

function copyOf(tally: Tally): Tally {
  return { ...tally, refusals: { ...tally.refusals } };
}
