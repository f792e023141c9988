import { createHash, generateKeyPairSync, sign } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Acknowledged, lostOf } from "./acknowledged.ts";
import type { Entry, HeldPermit, Rule } from "./entry.ts";
import { PublishedLog } from "./published-log.ts";
import { compareHeld, replay } from "./replay.ts";
import { untrue } from "./untrue.ts";

const CAPACITY_MILLI = 10_000;
/** Six nodes, of which three have to serve. */
const NODES = ["n1", "n2", "n3", "n4", "n5", "n6"];
const NEED_MILLI = 30_000;
const TTL_MS = 1_000;

interface Permit {
  readonly nodeId: string;
  readonly permitId: string;
  phase: string;
}

/** Writes a log as a coordinator would that makes no mistake: who asks while three are away is refused. */
class Scribe {
  readonly entries: Entry[] = [];
  readonly words: Acknowledged[] = [];
  readonly #held = new Map<string, Permit>();
  #permits = 0;

  get held(): readonly HeldPermit[] {
    return [...this.#held.values()];
  }

  /** A node does the next thing that it can. */
  moves(nodeId: string): void {
    const permit = this.#held.get(nodeId);
    if (permit === undefined) this.#asks(nodeId);
    else if (permit.phase === "RETURNED") this.#ends(permit);
    else {
      permit.phase = permit.phase === "DRAINING" ? "AWAY" : "RETURNED";
      this.#write("permit", permit);
      this.words.push({ kind: permit.phase === "AWAY" ? "departed" : "returned", ...ids(permit) });
    }
  }

  #asks(nodeId: string): void {
    if (this.#away >= (NODES.length * CAPACITY_MILLI - NEED_MILLI) / CAPACITY_MILLI) return;
    this.#permits += 1;
    const permit = { nodeId, permitId: `p${this.#permits}`, phase: "DRAINING" };
    this.#held.set(nodeId, permit);
    this.#write("permit", permit);
    this.words.push({ kind: "granted", ...ids(permit) });
  }

  #ends(permit: Permit): void {
    this.#held.delete(permit.nodeId);
    this.#write("permit-ended", permit, { end: "COMMITTED" });
    this.words.push({ kind: "ended", ...ids(permit) });
  }

  get #away(): number {
    return [...this.#held.values()].filter(({ phase }) => phase !== "RETURNED").length;
  }

  #write(kind: string, { nodeId, permitId, phase }: Permit, more: object = {}): void {
    const onLeave = this.#away;
    const books = {
      onLeave,
      chargedMilli: onLeave * CAPACITY_MILLI,
      freshMilli: (NODES.length - onLeave) * CAPACITY_MILLI,
      needMilli: NEED_MILLI,
    };
    const seq = this.entries.length + 1;
    const times = { grantedAtMs: seq, expiresAtMs: seq + TTL_MS };
    const body = { nodeId, permitId, phase, ...times, chargedMilli: CAPACITY_MILLI, books, ...more };
    this.entries.push({ pool: "home", seq, atMs: seq, kind, body });
  }
}

function ids({ nodeId, permitId }: Permit): { readonly nodeId: string; readonly permitId: string } {
  return { nodeId, permitId };
}

/** What the checker says of a log, of what is in force and of what was acknowledged. */
function rulesOf(entries: readonly Entry[], held?: readonly HeldPermit[], words: readonly Acknowledged[] = []): Rule[] {
  const replayed = replay(entries);
  const faults = [...replayed.faults, ...compareHeld(replayed.held, held ?? replayed.held), ...lostOf(entries, words)];
  return faults.map(({ rule }) => rule);
}

/** A log in which three go, two come back, and another goes: of eleven entries. */
function story(): Scribe {
  const scribe = new Scribe();
  for (const node of ["n1", "n2", "n3", "n1", "n2", "n1", "n2", "n4", "n1", "n4"]) scribe.moves(node);
  return scribe;
}

/** The log with one entry changed, dropped (undefined), or doubled. */
function changed(at: number, change: (entry: Entry) => readonly Entry[]): readonly Entry[] {
  return story().entries.flatMap((entry, n) => (n === at ? change(entry) : entry));
}

const withBody = (entry: Entry, more: object): Entry => ({ ...entry, body: { ...entry.body, ...more } });
const withBooks = (entry: Entry, more: object): Entry =>
  withBody(entry, { books: { ...(entry.body["books"] as object), ...more } });
/** The places as they have to be, so that only what is meant is wrong. */
const renumbered = (entries: readonly Entry[]): readonly Entry[] =>
  entries.map((entry, n) => ({ ...entry, seq: n + 1 }));

test("a log without a mistake has none, whatever happens in it", () => {
  const moves = fc.array(fc.constantFrom(...NODES), { maxLength: 200 });
  fc.assert(
    fc.property(moves, (nodes) => {
      const scribe = new Scribe();
      for (const node of nodes) scribe.moves(node);
      expect(rulesOf(scribe.entries, scribe.held, scribe.words)).toEqual([]);
    }),
  );
});

describe("finds", () => {
  test("an entry that is missing", () => {
    expect(rulesOf(changed(4, () => []))).toContain("gap");
  });

  test("a place that is taken twice", () => {
    expect(rulesOf(changed(4, (entry) => [entry, entry]))).toContain("gap");
  });

  test("a node that gets a second permit", () => {
    const log = changed(3, (entry) => [withBody(story().entries[0] ?? entry, { permitId: "other" }), entry]);
    expect(rulesOf(renumbered(log))).toContain("double-grant");
  });

  test("a permit that two nodes get", () => {
    expect(rulesOf(changed(2, (entry) => [withBody(entry, { permitId: "p1" })]))).toContain("double-grant");
  });

  test("more on leave than may be, by what the decider took for given", () => {
    // The fourth of six leaves, and the books say that all is well: they know of two of the others only.
    const fourth = { ...(story().entries[2] as Entry), seq: 4 };
    const unseen = withBody(withBooks(fourth, {}), { nodeId: "n5", permitId: "p9" });
    const rules = rulesOf([...story().entries.slice(0, 3), unseen]);
    expect(rules).toEqual(["totals", "over-limit"]);
  });

  test("the same at a departure", () => {
    const rules = rulesOf(changed(3, (entry) => [withBooks(entry, { needMilli: NEED_MILLI + 1 })]));
    expect(rules).toEqual(["over-limit"]);
  });

  test("nothing where the override that the permit names allows it, and all the more where it does not", () => {
    const override = (nodeIds: readonly string[], expiresAtMs = 10_000): Entry => ({
      pool: "home",
      seq: 1,
      atMs: 1,
      kind: "override",
      body: { overrideId: "o", nodeIds, deficitMaxRps: 0.001, expiresAtMs },
    });
    const over = (overrideId?: string, more: Partial<Entry> = {}): readonly Entry[] =>
      changed(3, (entry) => [
        { ...withBody(withBooks(entry, { needMilli: NEED_MILLI + 1 }), { overrideId }), ...more },
      ]);
    expect(rulesOf(renumbered([override([]), ...over("o")]))).toEqual([]);
    expect(rulesOf(renumbered([override(["n1"]), ...over("o")]))).toEqual([]);
    expect(rulesOf(renumbered([override(["n2"]), ...over("o")]))).toEqual(["over-limit"]);
    expect(rulesOf(renumbered([override([]), ...over()]))).toEqual(["over-limit"]);
    expect(rulesOf(renumbered([override([]), ...over("another")]))).toEqual(["over-limit"]);
    const ended: Entry = { ...override([]), kind: "override-ended" };
    expect(rulesOf(renumbered([override([]), ended, ...over("o")]))).toEqual(["over-limit"]);
    // A departure after it, and a grant: the permit's own word says when that was.
    expect(rulesOf(renumbered([override([], 10), ...over("o", { atMs: 9_000 })]))).toEqual(["over-limit"]);
    const late = changed(0, (entry) => [
      withBody(withBooks(entry, { needMilli: 60_000 }), { overrideId: "o", grantedAtMs: 11 }),
    ]);
    const wide = { ...override([], 10), body: { ...override([], 10).body, deficitMaxRps: 1e6 } };
    expect(rulesOf(renumbered([wide, ...late]))).toEqual(["over-limit"]);
  });

  test("totals that are not those of the log", () => {
    expect(rulesOf(changed(5, (entry) => [withBooks(entry, { onLeave: 9 })]))).toEqual(["totals"]);
    const wrong = changed(7, (entry) => [withBooks(entry, { chargedMilli: 1, freshMilli: 99_999 })]);
    expect(rulesOf(wrong)).toEqual(["totals"]);
  });

  test("a permit that moves where it cannot, or ends without having been", () => {
    expect(rulesOf(renumbered(changed(3, () => [])))).toContain("step");
    expect(rulesOf(renumbered(changed(0, () => [])))).toContain("step");
    expect(rulesOf(changed(3, (entry) => [withBody(entry, { phase: "LOST" })]))).toContain("step");
  });

  test("a permit that ran out before its time", () => {
    const last = story().entries.length - 2;
    const log = changed(last, (entry) => [withBody({ ...entry, kind: "permit-ended" }, { end: "EXPIRED" })]);
    expect(rulesOf(log)).toContain("expiry");
  });

  test("a log that goes back in time", () => {
    const hoursLater = changed(4, (entry) => [{ ...entry, atMs: entry.atMs + 7_200_000 }]);
    expect(rulesOf(hoursLater)).toEqual(["clock"]);
  });

  test("permits in force that the log does not come to, and the other way", () => {
    const { entries, held } = story();
    expect(held.length).toBeGreaterThan(1);
    expect(rulesOf(entries, held.slice(1))).toEqual(["final"]);
    expect(rulesOf(entries, [...held, { nodeId: "n6", permitId: "p", phase: "AWAY" }])).toEqual(["final"]);
    const moved = held.map((permit, n) => (n === 0 ? { ...permit, phase: "LOST" } : permit));
    expect(rulesOf(entries, moved)).toEqual(["final", "final"]);
  });

  test("a word that was acknowledged and is not in the log", () => {
    const { entries, words } = story();
    for (const [n, word] of words.entries()) {
      expect(rulesOf(renumbered(entries.filter((_, at) => at !== n)), undefined, [word])).toContain("lost");
    }
    expect(rulesOf(entries, undefined, [{ kind: "override", overrideId: "o" }])).toEqual(["lost"]);
  });

  test("a decider that takes nothing to be asked for and lets all of eight go, and one that reckons with what nobody has", () => {
    const truth = { capacityMilli: 80_000, loadLeast: 0.425, marginRatio: 0.15, askedMilli: new Map<string, number>() };
    const all = (more: object): readonly Entry[] =>
      Array.from({ length: 8 }, (_, n) => {
        const gone = n + 1;
        const serving = { onLeave: gone, chargedMilli: 10_000 * gone, freshMilli: 10_000 * (8 - gone), needMilli: 0 };
        const id = { nodeId: `n${gone}`, permitId: `p${gone}`, phase: "DRAINING", grantedAtMs: 1, expiresAtMs: 9 };
        const body = { ...id, chargedMilli: 10_000, books: { ...serving, ...more } };
        return { pool: "home", seq: gone, atMs: 1, kind: "permit", body };
      });
    expect(replay(all({})).faults).toEqual([]);
    expect(untrue(all({}), truth).map(({ rule }) => rule)).toEqual(Array.from({ length: 7 }, () => "untrue"));
    // The last one leaves nobody whom its decider heard: only what it said itself is known.
    const asked = new Map([["p8", 10_000]]);
    expect(untrue(all({}).slice(7), { ...truth, askedMilli: asked })).toHaveLength(1);
    expect(untrue(all({ freshMilli: 80_000, needMilli: 39_100 }), truth)).toHaveLength(8);
    expect(untrue(all({ freshMilli: 0, needMilli: 11_500 }), { ...truth, askedMilli: asked })).toEqual([]);
    expect(untrue(all({ needMilli: undefined }).slice(0, 1), truth)).toHaveLength(1);
  });

  test("a permit's entry that says too little to be judged", () => {
    expect(rulesOf(changed(0, (entry) => [withBody(entry, { books: undefined })]))).toContain("unchecked");
    expect(rulesOf(changed(0, (entry) => [withBooks(entry, { freshMilli: "many" })]))).toContain("unchecked");
  });

  test("entries that are not those that were signed, and those that were changed since", async () => {
    const leaves = Array.from({ length: 300 }, (_, n) =>
      Buffer.from(JSON.stringify({ pool: "home", seq: n + 1, at_ms: 1, kind: "outcome", body: {} })),
    );
    const log = new PublishedLog(VKEY);
    expect(await log.read(served(leaves.slice(0, 200), 200))).toBe(200);
    expect(await log.read(served(leaves, 300))).toBe(300);
    expect(log.faults).toEqual([]);
    expect(log.entries.map(({ seq }) => seq)).toEqual(leaves.map((_, n) => n + 1));
    await log.read(served(leaves.with(7, Buffer.from("{}")), 200));
    expect(log.faults.map(({ rule }) => rule)).toEqual(["tree"]);
    const fresh = new PublishedLog(VKEY);
    await fresh.read(served(leaves, 300, leaves.with(9, Buffer.from("{}"))));
    expect(fresh.faults.map(({ rule }) => rule)).toEqual(["tree"]);
  });
});

/** A log's key, and its key line. */
const KEYS = generateKeyPairSync("ed25519");
const PUBLIC = KEYS.publicKey.export({ format: "der", type: "spki" }).subarray(-32);
const KEY_ID = createHash("sha256").update("name\n").update(Buffer.of(1)).update(PUBLIC).digest().subarray(0, 4);
const VKEY = `name+${KEY_ID.toString("hex")}+${Buffer.concat([Buffer.of(1), PUBLIC]).toString("base64")}`;

/** A checkpoint of the log of that key, or of another. */
function noted(text: string, key = KEYS.privateKey, name = "name"): Buffer {
  const signature = Buffer.concat([KEY_ID, sign(null, Buffer.from(text), key)]).toString("base64");
  return Buffer.from(`${text}\n\u2014 witness AAAA\n\u2014 ${name} ${signature}\n`);
}

test("a checkpoint that the log's key did not sign is no checkpoint", async () => {
  const leaves = [Buffer.from(JSON.stringify({ pool: "home", seq: 1, at_ms: 1, kind: "outcome", body: {} }))];
  const fetch = served(leaves, 1);
  const good = ((await fetch("checkpoint")) ?? Buffer.of()).toString();
  const text = good.slice(0, good.indexOf("\n\n") + 1);
  const other = generateKeyPairSync("ed25519").privateKey;
  const forged = [
    noted(text, other),
    noted(text, KEYS.privateKey, "another"),
    noted(text.replace("name", "another")),
    Buffer.from(good.replace("\n1\n", "\n2\n")),
    Buffer.from(`${text}\n`),
    Buffer.from(text),
    Buffer.of(),
  ];
  for (const [n, checkpoint] of [Buffer.from(good), ...forged].entries()) {
    const log = new PublishedLog(VKEY);
    const size = await log.read(async (path) => (path === "checkpoint" ? checkpoint : fetch(path)));
    expect([size, log.faults.map(({ rule }) => rule)], `checkpoint ${n}`).toEqual(n === 0 ? [1, []] : [0, ["tree"]]);
  }
});

/** A log's paths, with the root of the leaves that were signed. */
function served(
  leaves: readonly Buffer[],
  size: number,
  signed = leaves,
): (path: string) => Promise<Buffer | undefined> {
  const hash = (...parts: readonly Buffer[]): Buffer => createHash("sha256").update(Buffer.concat(parts)).digest();
  // Level by level, an odd one out goes up as it is: the same tree, come by differently.
  let level = signed.slice(0, size).map((leaf) => hash(Buffer.of(0), leaf));
  while (level.length > 1) {
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, n) => {
      const [left = Buffer.of(), right] = level.slice(2 * n, 2 * n + 2);
      return right === undefined ? left : hash(Buffer.of(1), left, right);
    });
  }
  const bundle = (from: number, to: number): Buffer =>
    Buffer.concat(
      leaves.slice(from, to).flatMap((leaf) => {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(leaf.length);
        return [length, leaf];
      }),
    );
  return async (path) => {
    if (path === "checkpoint") return noted(`name\n${size}\n${level[0]?.toString("base64")}\n`);
    const tile = Number(/^tile\/entries\/(\d{3})(?:\.p\/\d+)?$/.exec(path)?.[1]);
    return bundle(tile * 256, Math.min(size, tile * 256 + 256));
  };
}
