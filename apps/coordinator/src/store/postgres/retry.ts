/** Runs a transaction again where the database says that it may succeed the next time. */
import { setTimeout as sleep } from "node:timers/promises";
import { StoreError } from "../port.ts";
import { constraintOf, sqlState, storeError } from "./connect.ts";
import { FENCED_STATE } from "./schema.ts";

/** serialization_failure, deadlock_detected, unique_violation. */
const AGAIN: ReadonlySet<string | undefined> = new Set(["40001", "40P01", "23505"]);

/** Pauses before the second and further attempts. */
const PAUSES_MS = [5, 25, 125];

/**
 * Resolves with what `work` answers. A place in a pool's log that is taken is not tried again: somebody else decided on the
 * same state, and what was decided here is void. Throws StoreError FENCED, UNCERTAIN or UNWRITABLE.
 */
export async function retrying<T>(message: string, work: () => Promise<T>): Promise<T> {
  for (const pauseMs of [...PAUSES_MS, undefined]) {
    try {
      return await work();
    } catch (error) {
      const state = sqlState(error);
      if (state === FENCED_STATE || constraintOf(error) === "audit_place") {
        throw new StoreError("FENCED", `${message}: another coordinator has taken over`, { cause: error });
      }
      if (pauseMs === undefined || !AGAIN.has(state)) throw storeError("UNWRITABLE", message, error);
    }
    await sleep(pauseMs);
  }
  throw new Error("unreachable");
}
