/**
 * `coordinator backup` and `coordinator restore`. A restore is held against everything that was ever signed for the log, as
 * far as the backup itself, the state folder and the witnesses remember, before the first row is written: permits of
 * yesterday and a second history are worse than an outage.
 */
import { join, resolve } from "node:path";
import { openAuditLog } from "../audit/audit-log.ts";
import { signedBefore } from "../audit/last-checkpoint.ts";
import { type Config, ConfigError } from "../config.ts";
import { makeStateDir } from "../coordinator.ts";
import type { Clock, Log, Random } from "../ports.ts";
import { BackupTree } from "../store/backup/backup-tree.ts";
import { postgresExport, postgresRestore, sqliteExport, sqliteRestore } from "../store/backup/engines.ts";
import { withBrake } from "../store/backup/brake.ts";
import { readBackup, rowsOf, writeBackup } from "../store/backup/file.ts";
import { SQLITE } from "../store/engine.ts";
import { sqlitePath } from "../store/open.ts";
import { StoreError } from "../store/port.ts";
import { lostLeaves } from "./loss.ts";

/** What the commands work with. */
export interface CommandParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What was done: for machines, and for people. */
export interface Done {
  readonly facts: object;
  readonly sentence: string;
}

/** Writes the store into a file. Throws ConfigError, or StoreError where the store cannot be read or is another network's. */
export async function runBackup({ config, clock }: CommandParts, out: string | undefined): Promise<Done> {
  if (out === undefined) throw new ConfigError("say where the backup is to be written: --out FILE");
  const path = resolve(out);
  const isSqlite = config.store === SQLITE;
  const engine = isSqlite ? "sqlite" : "postgres";
  const copy = `${path}.copy`;
  const read = isSqlite ? sqliteExport(sqlitePath(config.state_dir), copy) : postgresExport(config.store);
  const rows = await read(async (network, found) => {
    checkNetwork(network, config.network, "the store");
    return writeBackup(path, { network, engine, at_ms: clock.now() }, found);
  });
  return { facts: { file: path, engine, rows }, sentence: `${rows} rows of the ${engine} store are in ${path}` };
}

/**
 * Makes a store of a file. A log of a new name holds no old checkpoint against the backup; what was decided since is lost all
 * the same, so that wants `acceptLoss`, and the restored fleet begins with the brake engaged. Throws ConfigError, or
 * StoreError: BEHIND, NOT_EMPTY, OTHER_NETWORK, UNREADABLE, UNWRITABLE.
 */
export async function runRestore(parts: CommandParts, from: string | undefined, acceptLoss = false): Promise<Done> {
  const { config, log, clock, random } = parts;
  if (from === undefined) throw new ConfigError("say which backup to restore: --from FILE");
  const path = resolve(from);
  const { network, state_dir: stateDir } = config;
  const tree = new BackupTree();
  const header = await readBackup(path, tree.visit);
  checkNetwork(header.network, network, path);
  makeStateDir(stateDir);
  await openAuditLog({ settings: config.audit, network, stateDir, tree: tree.store, clock, random, log });
  const lost = await lostLeaves(tree, signedBefore(join(stateDir, "audit")));
  if (lost > 0 && !acceptLoss) {
    const why = `it ends at leaf ${tree.size} of the audit log, and up to ${lost} that were signed are not in it`;
    throw new StoreError("BEHIND", `${path} is older than what was decided: ${why}. To lose them, say --accept-loss`);
  }
  const when = new Date(header.at_ms).toISOString();
  const reason = `restored from a backup of ${when}: up to ${lost} leaves of the log are lost`;
  // Nobody is let go before somebody has looked: a brake or a recall may be among what was lost.
  const rows = lost > 0 ? withBrake(rowsOf(path), reason, clock.now()) : rowsOf(path);
  const restore = config.store === SQLITE ? sqliteRestore(sqlitePath(stateDir)) : postgresRestore(config.store);
  await restore(network, rows);
  const engine = config.store === SQLITE ? "sqlite" : "postgres";
  const sentence = `${header.rows} rows of ${when} are in the ${engine} store${lost > 0 ? "; the brake is engaged" : ""}`;
  return { facts: { file: path, engine, rows: header.rows, atMs: header.at_ms, lostLeaves: lost }, sentence };
}

function checkNetwork(found: string, wanted: string, what: string): void {
  if (found === wanted) return;
  throw new StoreError("OTHER_NETWORK", `${what} belongs to network "${found}", not to "${wanted}"`);
}
