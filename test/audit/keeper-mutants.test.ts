/**
 * The same for who keeps the log: each defence against a second history is taken out once, in a copy of the coordinator's
 * sources, and a store that came back from a backup, was changed, or has two sequencers must then be signed for.
 */
import { randomBytes, randomUUID } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { lastCheckpointIn } from "../../apps/coordinator/src/audit/last-checkpoint.ts";
import type { readOrMakeLogKey } from "../../apps/coordinator/src/audit/log-key.ts";
import type { Sequencer } from "../../apps/coordinator/src/audit/sequencer.ts";
import type { Witnesses } from "../../apps/coordinator/src/audit/witnesses.ts";
import type { Store } from "../../apps/coordinator/src/store/port.ts";
import type { openSqliteStore } from "../../apps/coordinator/src/store/sqlite/store.ts";

const ROOT = join(import.meta.dirname, "../..");
const SOURCES = [
  "audit/sequencer.ts",
  "audit/witnesses.ts",
  "audit/last-checkpoint.ts",
  "audit/log-key.ts",
  "store/sqlite/store.ts",
];

interface Keeper {
  readonly Sequencer: typeof Sequencer;
  readonly Witnesses: typeof Witnesses;
  readonly lastCheckpointIn: typeof lastCheckpointIn;
  readonly readOrMakeLogKey: typeof readOrMakeLogKey;
  readonly openSqliteStore: typeof openSqliteStore;
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(realpathSync(tmpdir()), "moult-keepers-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function copyOf(
  name: string,
  [file, line, instead]: readonly [string, string, string] = ["", "", ""],
): Promise<Keeper> {
  const root = join(folder, name);
  cpSync(join(ROOT, "apps/coordinator/src"), join(root, "src"), { recursive: true });
  writeFileSync(join(root, "package.json"), '{"type":"module"}');
  symlinkSync(realpathSync(join(ROOT, "apps/coordinator/node_modules")), join(root, "node_modules"));
  if (file !== "") {
    const path = join(root, "src", file);
    const source = readFileSync(path, "utf8");
    expect(source.split(line), `${line} stands in ${file} once`).toHaveLength(2);
    writeFileSync(path, source.replace(line, instead));
  }
  const modules = await Promise.all(SOURCES.map((source) => import(join(root, "src", source)) as Promise<object>));
  return Object.assign({}, ...modules) as Keeper;
}

/** One coordinator's files, used by one keeper. */
class Home {
  readonly #keeper: Keeper;
  readonly #folder: string = mkdtempSync(join(folder, "home-"));
  store: Store;

  constructor(keeper: Keeper) {
    this.#keeper = keeper;
    this.store = this.#open();
  }

  get path(): string {
    return join(this.#folder, "moult.db");
  }

  #open(): Store {
    return this.#keeper.openSqliteStore(this.path, "demo");
  }

  sequencer(): Sequencer {
    const { readOrMakeLogKey, Witnesses, lastCheckpointIn, Sequencer } = this.#keeper;
    const random = { bytes: (count: number) => randomBytes(count), uuid: () => randomUUID() };
    const log = { info: () => {}, warn: () => {}, error: () => {} };
    const key = readOrMakeLogKey(join(this.#folder, "audit"), "demo/log", random);
    const { tree } = this.store;
    const witnesses = new Witnesses({ witnesses: [], quorum: 0, tree, log });
    const last = lastCheckpointIn(join(this.#folder, "audit"), key.verifier);
    return new Sequencer({ tree, network: "demo", key, last, witnesses, witnessCount: 0, clock: { now: () => 0 } });
  }

  async leaf(): Promise<void> {
    const brake = { engaged: true, reason: randomUUID(), updatedAtMs: 1 };
    await this.store.commit({ changes: [{ kind: "brake", brake }], atMs: 1 });
  }

  /** Closes the store, does something to its file, and opens it again. */
  async whileClosed(work: () => void): Promise<void> {
    await this.store.close();
    work();
    this.store = this.#open();
  }
}

/** What may happen to a log. Each ends with whether a log was signed that must not be. */
const HAPPENINGS: Readonly<Record<string, (home: Home) => Promise<boolean>>> = {
  async "an old backup"(home) {
    await home.leaf();
    await home.sequencer().round();
    await home.whileClosed(() => copyFileSync(home.path, `${home.path}.backup`));
    await home.leaf();
    await home.sequencer().round();
    await home.whileClosed(() => {
      for (const end of ["-wal", "-shm"]) rmSync(`${home.path}${end}`, { force: true });
      copyFileSync(`${home.path}.backup`, home.path);
    });
    return isSigned(home);
  },
  async "a changed tile"(home) {
    await home.leaf();
    await home.sequencer().round();
    await home.whileClosed(() => {
      const db = new DatabaseSync(home.path);
      db.exec("UPDATE tree_tiles SET hashes = zeroblob(32)");
      db.close();
    });
    await home.leaf();
    return isSigned(home);
  },
  async "two sequencers"(home) {
    const [old, next] = [home.sequencer(), home.sequencer()];
    await old.open();
    await next.open();
    await home.leaf();
    return old.round().then(
      () => true,
      () => false,
    );
  },
};

function isSigned(home: Home): Promise<boolean> {
  return home
    .sequencer()
    .round()
    .then(
      () => true,
      (error: unknown) => {
        expect(error).toMatchObject({ name: "StoreError", code: "BEHIND" });
        return false;
      },
    );
}

async function happens(keeper: Keeper, what: string): Promise<boolean> {
  const home = new Home(keeper);
  try {
    return (await HAPPENINGS[what]?.(home)) ?? false;
  } finally {
    await home.store.close();
  }
}

test("the keeper as it is signs none of them", async () => {
  const keeper = await copyOf("whole");
  for (const what of Object.keys(HAPPENINGS)) expect([what, await happens(keeper, what)]).toEqual([what, false]);
});

test.each<readonly [what: string, file: string, line: string, instead: string]>([
  ["an old backup", "audit/sequencer.ts", "[stored, last.read()]", "[stored]"],
  ["an old backup", "audit/sequencer.ts", "await this.#hold(known, size);", ""],
  [
    "a changed tile",
    "audit/sequencer.ts",
    "!sameHash(await rootAt(this.#parts.tree, known.size), known.root)",
    "false",
  ],
  ["two sequencers", "store/sqlite/tree.ts", "epoch !== undefined && now.epoch !== epoch", "false"],
])("%s: without the defence in %s (%s) it is signed for", async (what, file, line, instead) => {
  const keeper = await copyOf(randomUUID(), [file, line, instead]);
  expect(await happens(keeper, what)).toBe(true);
});
