/** The store, with the size of its batches and the time of its commits counted. It changes nothing. */
import { type Store, StoreError } from "../store/port.ts";
import type { Numbers } from "./numbers.ts";

/** The same store; `nowMs` is a clock that only goes forward. */
export function countedStore(store: Store, numbers: Numbers, nowMs: () => number): Store {
  return {
    ...store,
    async commit(batch) {
      const startedMs = nowMs();
      try {
        await store.commit(batch);
        numbers.committed(batch.changes.length, (nowMs() - startedMs) / 1_000);
      } catch (error) {
        const failure = error instanceof StoreError ? error.code : "OTHER";
        numbers.committed(batch.changes.length, (nowMs() - startedMs) / 1_000, failure);
        throw error;
      }
    },
  };
}
