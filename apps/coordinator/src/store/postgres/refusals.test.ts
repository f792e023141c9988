import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { brakeOf } from "../testing/changes.ts";
import { POSTGRES_MISSING, PostgresServer, postgresBinaries } from "../testing/postgres-server.ts";
import { SCHEMA } from "./schema.ts";
import { openPostgresStore } from "./store.ts";

const isMissing = postgresBinaries() === undefined;
if (isMissing) test.skip(POSTGRES_MISSING, () => expect.unreachable());

describe.skipIf(isMissing)("a database that must not be used", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.start();
  });
  afterAll(() => server.remove());

  /** Code and message of the refusal; undefined where it opens. */
  const opening = async (url: string, warned: string[] = []): Promise<readonly string[] | undefined> => {
    const log = { warn: (_facts: object, message: string) => void warned.push(message) };
    try {
      await (await openPostgresStore({ url, network: "demo", owner: randomUUID(), log })).close();
      return undefined;
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      return [code, message.replace(/127\.0\.0\.1:\d+/, "HOST")];
    }
  };
  const nameOf = (url: string): string => new URL(url).pathname.slice(1);

  test("lies about what is durable, or takes no writes", async () => {
    const url = await server.database();
    const db = nameOf(url);
    const refusals: (readonly string[] | undefined)[] = [];
    for (const setting of ["synchronous_commit = off", "default_transaction_read_only = on"]) {
      await server.query(`ALTER DATABASE ${db} SET ${setting}`);
      refusals.push(await opening(url));
      await server.query(`SET default_transaction_read_only = off; ALTER DATABASE ${db} RESET ALL`);
    }
    for (const name of ["fsync", "full_page_writes"]) {
      await server.down();
      await server.up({ [name]: "off" });
      refusals.push(await opening(url));
    }
    await server.down();
    await server.up();
    expect(refusals).toEqual([
      [
        "UNSAFE",
        `the store at postgres://HOST/${db} runs with synchronous_commit=off and says committed before it is: set synchronous_commit=on`,
      ],
      [
        "UNWRITABLE",
        `the store at postgres://HOST/${db} takes no writes: default_transaction_read_only is on for this database or user`,
      ],
      [
        "UNSAFE",
        `the store at postgres://HOST/${db} runs with fsync=off and would lose acknowledged grants at a power cut: set fsync=on`,
      ],
      [
        "UNSAFE",
        `the store at postgres://HOST/${db} runs with full_page_writes=off and can be torn by a power cut: set full_page_writes=on`,
      ],
    ]);
    const warned: string[] = [];
    expect(await opening(url, warned)).toBeUndefined();
    expect(warned).toEqual(["no synchronous standby: a failover can lose acknowledged grants"]);
  });

  test("is too old, or is not in UTF-8", async () => {
    const url = await server.database();
    const db = nameOf(url);
    // What the server says of itself, said by another before it.
    await server.query(
      `CREATE SCHEMA old; CREATE FUNCTION old.current_setting(name text) RETURNS text LANGUAGE sql AS
        $$ SELECT CASE name WHEN 'server_version_num' THEN '140011' WHEN 'server_version' THEN '14.11'
        ELSE pg_catalog.current_setting(name) END $$;
        ALTER DATABASE ${db} SET search_path = old, pg_catalog`,
      db,
    );
    expect(await opening(url)).toEqual([
      "VERSION",
      `the store at postgres://HOST/${db} is PostgreSQL 14.11: Moult wants 15 or newer`,
    ]);
    const latin = await server.database(undefined, "ENCODING 'LATIN1' LOCALE 'C'");
    expect(await opening(latin)).toEqual(["UNSAFE", expect.stringContaining("is encoded in LATIN1")]);
  });

  test("is of another network or a newer schema, and stays as it was; steps of newer coordinators do no harm", async () => {
    const url = await server.database();
    const db = nameOf(url);
    expect(await opening(url)).toBeUndefined();
    await server.query(
      `INSERT INTO moult_steps (name, timestamp) VALUES ('9999-of-a-newer-one', '2020-01-01T00:00:00.000Z')`,
      db,
    );
    expect(await opening(url)).toBeUndefined();
    await server.query(`UPDATE meta SET value = '${SCHEMA + 1}' WHERE key = 'schema'`, db);
    expect(await opening(url)).toEqual([
      "VERSION",
      `the store at postgres://HOST/${db} is of version ${SCHEMA + 1}; this coordinator knows up to ${SCHEMA}: run a newer one`,
    ]);
    await server.query(
      `UPDATE meta SET value = '${SCHEMA}' WHERE key = 'schema'; UPDATE meta SET value = 'other' WHERE key = 'network'`,
      db,
    );
    const [code, message] = (await opening(url)) ?? [];
    expect(code).toBe("OTHER_NETWORK");
    expect(message).toMatch(/belongs to network "other", not to "demo": give each network its own database$/);
  });

  test("is not there, or is none; and the message holds no password", async () => {
    const nowhere = `postgres://moult:secret@127.0.0.1:1/demo`;
    const [code, message] = (await opening(nowhere)) ?? [];
    expect(code).toBe("UNREADABLE");
    expect(message).not.toContain("secret");
    expect((await opening("postgres://["))?.[0]).toBe("UNREADABLE");
  });

  test("turns unsafe while it is used: the next load refuses it", async () => {
    const url = await server.database();
    const log = { warn: () => {} };
    const store = await openPostgresStore({ url, network: "demo", owner: randomUUID(), log });
    try {
      await store.commit({ changes: [brakeOf("fine")], atMs: 1 });
      await server.query("ALTER SYSTEM SET fsync = off");
      await server.query("SELECT pg_reload_conf()");
      await expect.poll(async () => (await server.query("SHOW fsync"))[0]?.["fsync"], { timeout: 10_000 }).toBe("off");
      await expect
        .poll(
          () =>
            store.load().then(
              () => "",
              (error: unknown) => (error as { code: string }).code,
            ),
          {
            timeout: 10_000,
          },
        )
        .toBe("UNSAFE");
      await server.query("ALTER SYSTEM RESET fsync");
      await server.query("SELECT pg_reload_conf()");
    } finally {
      await store.close();
    }
  });

  // The last: the server is of no use for anything else after it.
  test("is a standby", async () => {
    const url = await server.database();
    await server.becomeStandby();
    const [code, message] = (await opening(url)) ?? [];
    expect(code).toBe("UNWRITABLE");
    expect(message).toMatch(/is a standby and takes no writes: give the address of the primary$/);
  });
});
