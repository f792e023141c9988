/**
 * Histories that were changed: by the server that serves them, by the log's own hand, and by a store from a backup. The log
 * is a real coordinator's, read over its socket; the auditor is the real command, the witness a real program.
 */
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CapturedLog, type Resources, serveResources } from "../../audit/served-log.ts";
import { entriesOf, forge } from "../../audit/liar.ts";
import { WitnessProcess, until } from "../../audit/processes.ts";
import { type Attack, type Scene, must } from "../harness/attack.ts";
import { Fort } from "../harness/fort.ts";
import { capture, grow, growApart, sizeOf } from "../harness/log.ts";
import { type Run, moult } from "../harness/moult.ts";

const LEAVES = 12;
const QUICK = { audit: { checkpoint_ms: 100 } };
const VERIFY_FAILED = 6;

/** A log that is served by somebody else, and its auditor. */
interface Stage {
  readonly fort: Fort;
  readonly log: CapturedLog;
  /** Verifies what `lie` serves; `seen` is the checkpoint of an earlier check. */
  readonly audit: (lie: Resources | CapturedLog["resources"], seen?: string) => Promise<Run>;
}

async function stage(scene: Scene): Promise<Stage> {
  const fort = await Fort.open(scene, { config: QUICK });
  await grow(fort, LEAVES);
  await growApart(fort);
  const log = await until("the leaf whose body stands beside the log", async () => {
    const captured = await capture(fort, LEAVES);
    return [...captured.resources.keys()].some((path) => path.startsWith("body/")) ? captured : undefined;
  });
  let served: ReadonlyMap<string, Uint8Array> = log.resources;
  const server = await serveResources(() => served);
  scene.atEnd(() => server.stop());
  return {
    fort,
    log,
    audit(lie, seen) {
      served = lie;
      const known = seen === undefined ? [] : ["--checkpoint", seen];
      return moult(scene, "audit", "verify", "--log", server.url, "--key", log.vkey, "-o", "json", ...known);
    },
  };
}

function found(run: Run, lie: string): void {
  must(run.code !== 0, `${lie} went unfound`);
  must(run.code === VERIFY_FAILED, `${lie}: the auditor ended with ${run.code}: ${run.stderr}`);
}

/** The first drill, in other words; every other leaf as it is. */
const reworded = (entries: readonly Uint8Array[]): readonly Uint8Array[] =>
  entries.map((entry) =>
    Buffer.from(
      Buffer.from(entry)
        .toString("utf8")
        .replace(/drill 0/, "drill 9"),
    ),
  );

function withEntries(log: CapturedLog, entries: readonly Uint8Array[], sign: "anew" | "as it was"): Resources {
  const lie = forge(log, entries);
  if (sign === "as it was") lie.set("checkpoint", log.resources.get("checkpoint") ?? new Uint8Array());
  return lie;
}

const flipped: Attack = {
  row: "split view, truncation of the log",
  name: "a flipped bit, a removed, a reordered or a reworded leaf in what is served is found by the auditor",
  async run(scene) {
    const { log, audit } = await stage(scene);
    const entries = entriesOf(log);
    must((await audit(log.resources)).code === 0, "an honest log is not taken, so that nothing was tested");
    for (const path of log.resources.keys()) {
      const bytes = Buffer.from(log.resources.get(path) ?? []);
      const at = Math.floor(bytes.length / 2);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      found(
        await audit(new Map(log.resources).set(path, bytes)),
        `a flipped bit in ${path.replace(/[0-9a-f]{64}/, "…")}`,
      );
    }
    const [first = new Uint8Array(), second = new Uint8Array()] = entries;
    found(await audit(withEntries(log, entries.toSpliced(3, 1), "as it was")), "a removed leaf");
    found(
      await audit(withEntries(log, [second, first, ...entries.slice(2)], "as it was")),
      "leaves in each other's place",
    );
    found(await audit(withEntries(log, reworded(entries), "as it was")), "a reworded leaf");
  },
  mutants: [
    {
      defence: "the tree over the leaves is the one that was signed",
      of: "moult",
      patches: [
        { file: "audit/auditor.ts", from: "if (!sameHash(pin.root, this.#edge.root())) {", to: "if (pin.size < 0) {" },
      ],
      caught:
        /(leaves in each other's place|a removed leaf|a reworded leaf) went unfound|a flipped bit in checkpoint went unfound/,
    },
    {
      defence: "a body beside the entries is the one that its leaf names",
      of: "moult",
      patches: [
        {
          file: "audit/verify-log.ts",
          from: "if (body.length === lengthBytes && digestOf(body) === digest) return;",
          to: "if (body.length > 0) return;",
        },
      ],
      caught: /a flipped bit in body\/… went unfound/,
    },
  ],
};

const ownHand: Attack = {
  row: "split view, truncation of the log",
  name: "a log that signs another history, or a shorter one, is found by whoever saw the first",
  async run(scene) {
    const { fort, log, audit } = await stage(scene);
    const entries = entriesOf(log);
    const seen = join(scene.root, "seen");
    const look = async (lie: Resources): Promise<Run> => {
      writeFileSync(seen, log.resources.get("checkpoint") ?? new Uint8Array());
      return audit(lie, seen);
    };
    found(await look(withEntries(log, reworded(entries), "anew")), "a rewritten history");
    found(await look(withEntries(log, entries.slice(0, -4), "anew")), "a log that was cut");
    found(
      await look(withEntries({ ...log, privateKey: new Uint8Array(32).fill(9) }, entries, "anew")),
      "another's signature",
    );
    await grow(fort, 2);
    const later = await capture(fort, log.size + 2);
    must((await look(new Map(later.resources))).code === 0, "the log that really grew is not taken");
  },
  mutants: [
    {
      defence: "what was seen before is compared",
      of: "moult",
      patches: [
        {
          file: "audit/verify-log.ts",
          from: "checkpoints: [checkpoint, ...(more.saved ?? [])],",
          to: "checkpoints: [checkpoint],",
        },
      ],
      caught: /a rewritten history went unfound|a log that was cut went unfound/,
    },
    {
      defence: "a checkpoint is signed by the log's key",
      of: "moult",
      patches: [
        {
          file: "audit/note.ts",
          from: "!verifyStrict(signature, bytes, key.publicKey)",
          to: "signature.length === 0",
        },
      ],
      caught: /another's signature went unfound|a flipped bit in checkpoint went unfound/,
    },
  ],
};

const backup: Attack = {
  row: "coordinator restored from an old backup",
  name: "a store from a backup, under checkpoints that were signed since, is not served",
  async run(scene) {
    const fort = await Fort.open(scene, { config: QUICK });
    await grow(fort, 2);
    await until("the checkpoint of two leaves", async () => ((await sizeOf(fort)) >= 2 ? true : undefined));
    await fort.end("SIGTERM");
    const store = (to: string, from: string): void => {
      for (const suffix of ["", "-wal", "-shm"]) {
        rmSync(join(to, `moult.db${suffix}`), { force: true });
        cpSync(join(from, `moult.db${suffix}`), join(to, `moult.db${suffix}`), {
          force: true,
          errorOnExist: false,
          filter: exists,
        });
      }
    };
    const kept = join(scene.root, "backup");
    cpSync(fort.stateDir, kept, { recursive: true });
    await fort.start();
    await grow(fort, 2);
    await until("the checkpoint of four leaves", async () => ((await sizeOf(fort)) >= 4 ? true : undefined));
    await fort.end("SIGKILL");
    store(fort.stateDir, kept);
    const { code, stderr } = await fort.refusesToStart();
    must(code === 3 && stderr.includes("older than its last checkpoint"), `it ended with ${code}: ${stderr}`);
  },
  mutants: [
    {
      defence: "what was signed last is held against the store",
      of: "coordinator",
      patches: [
        {
          file: "audit/sequencer.ts",
          from: "for (const known of [stored, last.read()]) {",
          to: "for (const known of [stored]) {",
        },
      ],
      caught: /the coordinator serves/,
    },
  ],
};

function exists(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}

const witnessed: Attack = {
  row: "coordinator restored from an old backup",
  name: "a whole folder from a backup is refused where a witness has seen more, and the witness cosigns no second history",
  async run(scene) {
    const key = join(scene.root, "witness.key");
    must((await moult(scene, "key", "generate", "--out", key)).code === 0, "no key for the witness");
    const vkey = (await moult(scene, "witness", "key", "--name", "alice.example", "--key", key)).stdout.trim();
    const first = await Fort.open(scene, { config: QUICK });
    await first.end("SIGTERM");
    const log = join(first.stateDir, "audit", "log.vkey");
    const memory = join(scene.root, "witness.db");
    const serve = [
      "--name",
      "alice.example",
      "--key",
      key,
      "--log",
      log,
      "--memory",
      memory,
      "--listen",
      "127.0.0.1:0",
    ];
    const witness = new WitnessProcess(serve);
    scene.atEnd(() => witness.kill());
    const config = { audit: { checkpoint_ms: 100, witnesses: [{ url: await witness.serves(), key: vkey }] } };
    const fort = await Fort.open(scene, { config, network: first.network });
    await grow(fort, 2);
    await until("two cosigned leaves", async () => ((await sizeOf(fort)) >= 2 ? true : undefined));
    await fort.end("SIGTERM");
    const kept = join(scene.root, "backup");
    cpSync(fort.stateDir, kept, { recursive: true });
    await fort.start();
    await grow(fort, 2);
    await until("four cosigned leaves", async () => ((await sizeOf(fort)) >= 4 ? true : undefined));
    await fort.end("SIGKILL");
    rmSync(fort.stateDir, { recursive: true });
    cpSync(kept, fort.stateDir, { recursive: true });
    const { code, stderr } = await fort.refusesToStart();
    must(code === 3 && stderr.includes("alice.example"), `it ended with ${code}: ${stderr}`);
  },
  mutants: [
    {
      defence: "a log asks its witnesses before it signs anything",
      of: "coordinator",
      patches: [
        {
          file: "audit/sequencer.ts",
          from: "await witnesses.compare(this.#signed ?? this.#sign(0, EMPTY_ROOT));\n    this.#edge",
          to: "this.#edge",
        },
      ],
      caught: /the coordinator serves/,
    },
  ],
};

export const log: readonly Attack[] = [flipped, ownHand, backup, witnessed];
