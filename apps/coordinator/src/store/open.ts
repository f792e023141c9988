/** Opens the store that the configuration names: a file in the state folder, or a database. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../ports.ts";
import { SQLITE } from "./engine.ts";
import { type Store, StoreError } from "./port.ts";
import { LEASE_MS, openPostgresStore } from "./postgres/store.ts";
import { openSqliteStore } from "./sqlite/store.ts";

/** One that was killed is missed after its lease: who comes after it waits so long, and asks so often. */
const WAIT_MS = LEASE_MS + 1_500;
const ASK_AGAIN_MS = 250;

/** What a store is opened with. */
export interface OpenParts {
  /** `sqlite`, or the URL of a database. */
  readonly store: string;
  readonly stateDir: string;
  readonly network: string;
  /** Of this process alone, never used again. */
  readonly owner: string;
  /** One of several coordinators on a database; undefined for the only one. */
  readonly replica?: { readonly name: string; readonly address: string } | undefined;
  readonly log: Pick<Log, "info" | "warn">;
}

/** Where the default engine keeps its file. */
export function sqlitePath(stateDir: string): string {
  return join(stateDir, "moult.db");
}

/** Opens or makes it. Throws a StoreError that says why it cannot be used. */
export async function openStore(parts: OpenParts): Promise<Store> {
  const { store, stateDir, network, owner, replica, log } = parts;
  if (store === SQLITE) return openSqliteStore(sqlitePath(stateDir), network);
  if (replica !== undefined) {
    const { name: replicaName, address } = replica;
    return openPostgresStore({ url: store, network, owner, mode: "seat", replicaName, address, log });
  }
  for (let left = WAIT_MS / ASK_AGAIN_MS; ; left -= 1) {
    try {
      return await openPostgresStore({ url: store, network, owner, log });
    } catch (error) {
      if (!(error instanceof StoreError && error.code === "HELD") || left === 0) throw error;
      if (left === WAIT_MS / ASK_AGAIN_MS)
        log.info({}, "another coordinator holds the store; waiting for its lease to end");
    }
    await sleep(ASK_AGAIN_MS);
  }
}
