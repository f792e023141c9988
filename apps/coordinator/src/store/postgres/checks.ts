/** Refuses a server that would lose what it calls durable, or that cannot be written, and says so in one sentence. */
import type { Sql } from "postgres";
import type { Log } from "../../ports.ts";
import { StoreError } from "../port.ts";
import { guarded } from "./connect.ts";

/** PostgreSQL 15, as `server_version_num` says it. */
const VERSION_MIN = 150_000;

interface Facts {
  readonly version: number;
  readonly version_name: string;
  readonly fsync: string;
  readonly full_page_writes: string;
  readonly synchronous_commit: string;
  readonly synchronous_standby_names: string;
  readonly read_only: string;
  readonly encoding: string;
  readonly standby: boolean;
}

/** Throws StoreError VERSION, UNSAFE or UNWRITABLE. Warns where a failover can lose what was acknowledged. */
export async function checkServer(sql: Sql, name: string, log: Pick<Log, "warn">): Promise<void> {
  const facts = await guarded("UNREADABLE", `the store at ${name} cannot be opened`, async () => {
    const rows = await sql<Facts[]>`
      SELECT current_setting('server_version_num')::integer AS version, current_setting('server_version') AS version_name,
        current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
        current_setting('synchronous_commit') AS synchronous_commit,
        current_setting('synchronous_standby_names') AS synchronous_standby_names,
        current_setting('default_transaction_read_only') AS read_only,
        current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby`;
    const [row] = rows;
    if (row === undefined) throw new Error("it says nothing of itself");
    return row;
  });
  const refuse = (code: "VERSION" | "UNSAFE" | "UNWRITABLE", why: string): never => {
    throw new StoreError(code, `the store at ${name} ${why}`);
  };
  const { version, version_name: versionName } = facts;
  if (version < VERSION_MIN) refuse("VERSION", `is PostgreSQL ${versionName}: Moult wants 15 or newer`);
  if (facts.fsync === "off") {
    refuse("UNSAFE", "runs with fsync=off and would lose acknowledged grants at a power cut: set fsync=on");
  }
  if (facts.full_page_writes === "off") {
    refuse("UNSAFE", "runs with full_page_writes=off and can be torn by a power cut: set full_page_writes=on");
  }
  if (facts.synchronous_commit === "off") {
    refuse("UNSAFE", "runs with synchronous_commit=off and says committed before it is: set synchronous_commit=on");
  }
  if (facts.standby) refuse("UNWRITABLE", "is a standby and takes no writes: give the address of the primary");
  if (facts.read_only === "on") {
    refuse("UNWRITABLE", "takes no writes: default_transaction_read_only is on for this database or user");
  }
  if (facts.encoding !== "UTF8") refuse("UNSAFE", `is encoded in ${facts.encoding}: make the database with UTF8`);
  if (facts.synchronous_standby_names === "") {
    log.warn({ store: name }, "no synchronous standby: a failover can lose acknowledged grants");
  } else if (facts.synchronous_commit === "local") {
    log.warn({ store: name }, "synchronous_commit=local waits for no standby: a failover can lose acknowledged grants");
  }
}
