/** Blows to the disk, and stores that were brought back from yesterday. */
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Ending } from "../../../apps/coordinator/src/testing/process.ts";
import { until } from "../../../apps/coordinator/src/testing/wait.ts";
import type { Stage } from "../stage/stage.ts";
import { type Blow, between } from "./blow.ts";

/** What the coordinator ends with where it cannot use a store. */
const STORE_REFUSED = 3;
const STORE_FILES = ["moult.db", "moult.db-wal", "moult.db-shm"];

async function fullDisk({ disk, load, random }: Stage): Promise<void> {
  disk.fill();
  try {
    await load.stumbles(between(random, 20, 60));
  } finally {
    disk.free();
  }
}

/** Resolves when more was signed than is signed now. */
async function signedSince({ cluster }: Stage): Promise<void> {
  const size = async (): Promise<number> => Number((await cluster.audit("checkpoint"))?.toString().split("\n")[1] ?? 0);
  const before = await until("a checkpoint", size);
  await until("more is signed", async () => (await size()) > before || undefined, 40_000);
}

function mustRefuse({ code, stderr }: Ending, what: string): void {
  if (code === STORE_REFUSED && /is older than/.test(stderr) && stderr.trim().split("\n").length === 1) return;
  throw new Error(`${what} was not refused in one sentence: code ${code}, ${stderr}`);
}

/** A backup taken beside the coordinators, restored after more was signed. */
async function oldBackup(stage: Stage, to: () => Promise<Readonly<Record<string, string>>>): Promise<void> {
  const { cluster } = stage;
  const out = join(cluster.folder, "old.backup");
  rmSync(out, { force: true });
  const taken = await cluster.command(["backup", "--out", out]);
  if (taken.code !== 0) throw new Error(`no backup: ${taken.stderr}`);
  await signedSince(stage);
  mustRefuse(await cluster.command(["restore", "--from", out], await to()), "an old backup");
}

/** The files of a while ago, put back under the coordinator, as a machine's snapshot is. */
async function oldFiles(stage: Stage): Promise<void> {
  const { cluster, load, random } = stage;
  const [old, now] = [join(cluster.folder, "old"), join(cluster.folder, "now")];
  for (const folder of [old, now]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
  }
  await cluster.end("r1", "SIGTERM");
  for (const name of STORE_FILES.filter((file) => existsSync(join(cluster.state, file)))) {
    cpSync(join(cluster.state, name), join(old, name));
  }
  await cluster.up("r1");
  await load.goesOn(between(random, 10, 30));
  await signedSince(stage);
  await cluster.end("r1", "SIGKILL");
  const move = (from: string, to: string): void => {
    for (const file of STORE_FILES) if (existsSync(join(from, file))) renameSync(join(from, file), join(to, file));
  };
  move(cluster.state, now);
  move(old, cluster.state);
  mustRefuse(await cluster.refused("r1"), "an old store");
  for (const file of STORE_FILES) rmSync(join(cluster.state, file), { force: true });
  move(now, cluster.state);
  await cluster.up("r1");
}

export const DISKS: readonly Blow[] = [
  {
    kind: "full-disk",
    stage: "sqlite-small",
    what: "the disk under the state folder is full, and has room again",
    strike: fullDisk,
  },
  {
    kind: "full-disk",
    stage: "postgres-small",
    what: "the disk under PostgreSQL is full, and has room again; where it ended, it is started",
    async strike(stage) {
      await fullDisk(stage);
      if (!stage.server.runs) await stage.server.up();
    },
  },
  {
    kind: "old-backup",
    stage: "sqlite",
    what: "a backup is restored that is older than what was signed: refused",
    strike: (stage) =>
      oldBackup(stage, async () => {
        const elsewhere = join(stage.cluster.folder, "elsewhere");
        rmSync(elsewhere, { recursive: true, force: true });
        cpSync(join(stage.cluster.state, "audit"), join(elsewhere, "audit"), { recursive: true });
        return { MOULT_STATE_DIR: elsewhere };
      }),
  },
  {
    kind: "old-backup",
    stage: "postgres",
    what: "a backup is restored that is older than what was signed: refused",
    strike: (stage) => oldBackup(stage, async () => ({ MOULT_STORE: await stage.server.database() })),
  },
  {
    kind: "old-files",
    stage: "sqlite",
    what: "the store's files of a while ago stand under the coordinator when it starts: refused",
    strike: oldFiles,
  },
];
