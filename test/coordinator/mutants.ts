/**
 * Coordinators with a defence taken out, which the checker has to find wanting. A mutant is the program as it is, with text
 * replaced in its sources while they are loaded; a text that does not stand exactly once is an error, so none can rot.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../apps/coordinator/src/testing/wait.ts";
import type { Patch } from "../security/harness/attack.ts";
import { lostOf } from "./checker/acknowledged.ts";
import type { Entry, Fault, Rule } from "./checker/entry.ts";
import { replay } from "./checker/replay.ts";
import { untrue } from "./checker/untrue.ts";
import { wrongClock } from "./rounds/clocks.ts";
import { seeded } from "./stage/random.ts";
import { Stage } from "./stage/stage.ts";

const HOOK = join(import.meta.dirname, "../security/harness/hook.ts");

/** A mutant. */
export interface Mutant {
  readonly name: string;
  readonly patches: readonly Patch[];
  /** Settings of the server that make it show at once. */
  readonly settings: Readonly<Record<string, string>>;
  /** What the checker has to say of it. */
  readonly finds: readonly Rule[];
  /** Does to it what shows that the defence is missing; answers what shows already then. */
  readonly strike: (stage: Stage) => Promise<readonly Fault[] | void>;
  /** Only under MOULT_DEEP=1. */
  readonly isSlow: boolean;
}

const POSTGRES = "apps/coordinator/src/store/postgres";

/** Nobody's batch is refused: not by the epoch, not by the key; and whoever had the seat takes itself to have it. */
const WITHOUT_FENCE: readonly Patch[] = [
  { file: `${POSTGRES}/schema.ts`, from: "IF held <> cardinality(pools) THEN", to: "IF false THEN" },
  {
    file: `${POSTGRES}/schema.ts`,
    from: "CONSTRAINT audit_place PRIMARY KEY (pool_id, seq)",
    to: "CHECK (seq > 0)",
  },
  {
    file: `${POSTGRES}/ownership.ts`,
    from: "return this.#oursAtMs >= this.#unbrokenSinceMs && performance.now() - this.#beatAtMs < this.#parts.leaseMs;",
    to: "return true;",
  },
  {
    file: "apps/coordinator/src/replica/seating.ts",
    from: 'if (isSeated) return view.isOurs ? "STAY" : "RISE";',
    to: 'if (isSeated) return "STAY";',
  },
];

/** Words are acknowledged before the database's log is on its disk. */
const HASTY: readonly Patch[] = [
  {
    file: `${POSTGRES}/connect.ts`,
    from: 'client_encoding: "UTF8",',
    to: 'client_encoding: "UTF8", synchronous_commit: "off",',
  },
  { file: `${POSTGRES}/checks.ts`, from: 'if (facts.synchronous_commit === "off") {', to: "if (false) {" },
];

/** All of them. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "the fence removed, and two that decide",
    patches: WITHOUT_FENCE,
    settings: {},
    finds: ["over-limit", "double-grant", "totals", "gap"],
    isSlow: false,
    async strike({ cluster, load }) {
      const seat = await cluster.seat();
      // Whose batch is under way when it is stopped loses its connection, and with it what it has in memory: that is no defence
      // which was meant.
      await load.stop();
      cluster.signal(seat, "SIGSTOP");
      load.start();
      await until("another decides", async () => (await cluster.seat()) !== seat || undefined, 40_000);
      await load.goesOn(20);
      cluster.signal(seat, "SIGCONT");
      await load.goesOn(120);
    },
  },
  {
    name: "acknowledged before it is durable",
    patches: HASTY,
    settings: { wal_writer_delay: "10s" },
    finds: ["lost"],
    isSlow: false,
    async strike({ server, load }) {
      await load.goesOn(20);
      await server.crash();
      await server.up();
    },
  },
  {
    name: "takes nothing to be asked for when it starts",
    patches: [
      {
        file: "apps/coordinator/src/ledger/restore.ts",
        from: "poolOf(ledger, poolId).carryDemand(demandMilli);",
        to: "poolOf(ledger, poolId).carryDemand(demandMilli * 0);",
      },
    ],
    settings: {},
    finds: ["untrue"],
    isSlow: false,
    strike: (stage) => stage.restart(),
  },
  {
    name: "takes nothing to be asked for, and lets everybody go",
    patches: [
      {
        file: "packages/policy/src/pool/pool.ts",
        from: "return this.#demandMilli + this.#carried.totalMilli;",
        to: "return 0;",
      },
    ],
    settings: {},
    finds: ["untrue"],
    isSlow: false,
    strike: ({ load }) => load.goesOn(40),
  },
  {
    name: "decides by its own clock, which is hours wrong",
    patches: [
      {
        file: "apps/coordinator/src/replica/shared-clock.ts",
        from: "return this.#own.now() + this.#aheadMs;",
        to: "return this.#own.now();",
      },
    ],
    settings: {},
    finds: ["clock"],
    isSlow: true,
    strike: wrongClock,
  },
];

/** What the checker says of a mutant. Throws where a patch was never applied. */
export async function faultsOf({ patches, settings, strike }: Mutant, seed: number): Promise<readonly Fault[]> {
  const notes = mkdtempSync(join(tmpdir(), "moult-mutant-"));
  const env = {
    NODE_OPTIONS: `--import=${HOOK}`,
    SECURITY_PATCHES: JSON.stringify(patches),
    SECURITY_NOTES: notes,
  };
  const random = seeded(seed);
  const stage = await Stage.start({ engine: "postgres", small: false, random, env, settings, replicas: 2 });
  if (stage === undefined) throw new Error("a stage on no small disk can always be made");
  try {
    const applied = readFileSync(join(notes, "patched"), "utf8").split("\n").length - 1;
    if (applied < patches.length) throw new Error(`${applied} of ${patches.length} patches were applied`);
    stage.load.start();
    await stage.load.goesOn(40);
    const shown = (await strike(stage)) ?? [];
    await stage.load.stop();
    // The log alone: such coordinators may not even start again.
    const entries = await entriesOf(stage);
    const { words, truth } = stage.load;
    return [...shown, ...replay(entries).faults, ...lostOf(entries, words), ...untrue(entries, truth)];
  } finally {
    await stage.stop();
    rmSync(notes, { recursive: true, force: true });
  }
}

/** The pools' logs as they are written, by their places: what two write over each other is not published any more. */
async function entriesOf({ server, cluster }: Stage): Promise<readonly Entry[]> {
  const rows = await server.query(
    "SELECT pool_id, seq, at_ms, kind, leaf FROM audit ORDER BY pool_id, seq, at_ms",
    new URL(cluster.url).pathname.slice(1),
  );
  return rows.map((row) => ({
    pool: String(row["pool_id"]),
    seq: Number(row["seq"]),
    atMs: Number(row["at_ms"]),
    kind: String(row["kind"]),
    body: JSON.parse(String(row["leaf"])) as Entry["body"],
  }));
}
