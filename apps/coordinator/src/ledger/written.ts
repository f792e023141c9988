/**
 * What of a move is handed to the store. The ledger goes on changing while a batch waits, and what is written must be
 * what was decided: nodes become text and counts are copied as they stand right after the move. It decides nothing.
 */
import type { Change, Ledger, Tally } from "@moult/policy";
import type { StoreChange } from "../store/port.ts";
import { nodeChange } from "../store/rows.ts";

/** What a move may leave: the ledger's changes, and those of the shell. */
export type Decided = Change | StoreChange;

/** The changes to store, with the counts where an outcome or a loss moved them. */
export function written(ledger: Ledger, changes: readonly Decided[]): readonly StoreChange[] {
  const copies = changes.map((change): StoreChange => {
    if (change.kind === "node") return "node" in change ? nodeChange(change.node) : change;
    if (change.kind === "totals") return { ...change, tally: copyOf(change.tally) };
    return change;
  });
  const counted = changes.some((change) => change.kind === "outcome" || isLoss(change));
  if (counted) copies.push({ kind: "totals", demandByPool: new Map(), tally: copyOf(ledger.tally) });
  return copies;
}

function isLoss(change: Decided): boolean {
  return change.kind === "permit-ended" && change.end === "EXPIRED";
}

function copyOf(tally: Tally): Tally {
  return { ...tally, refusals: { ...tally.refusals } };
}
