/**
 * The audit log as a coordinator publishes it: fetched over HTTPS tile by tile, held against the root that the log's key
 * signed and against what was fetched before. C2SP tlog-tiles, tlog-checkpoint and signed-note, RFC 6962 and RFC 8032, written
 * down here once more on purpose.
 */
import { type KeyObject, createHash, createPublicKey, verify } from "node:crypto";
import type { Entry, Fault } from "./entry.ts";

/** Gets a path under `/v1/audit/`; undefined where it is not there, or not yet. */
export type Fetch = (path: string) => Promise<Buffer | undefined>;

const TILE = 256;

/** All that was fetched so far. */
export class PublishedLog {
  readonly entries: Entry[] = [];
  readonly #key: LogKey;
  readonly #leafHashes: Buffer[] = [];
  readonly #faults: Fault[] = [];

  /** `vkey` is the log's key line, `NAME+ID+BASE64`, as it stands in `audit/log.vkey`. */
  constructor(vkey: string) {
    this.#key = keyOf(vkey.trim());
  }

  /** What was wrong with the log itself. */
  get faults(): readonly Fault[] {
    return this.#faults;
  }

  /** Fetches what is new; answers how many entries there are. */
  async read(fetch: Fetch): Promise<number> {
    const checkpoint = await fetch("checkpoint");
    if (checkpoint === undefined) return this.entries.length;
    const text = signedText(checkpoint.toString("utf8"), this.#key);
    if (text === undefined) {
      this.#faults.push({ rule: "tree", text: "a checkpoint is served that the log's key did not sign" });
      return this.entries.length;
    }
    const [, sizeText = "", root = ""] = text.split("\n");
    const size = Number(sizeText);
    // A replica that has just come may serve the checkpoint before the last: older, never another.
    if (size <= this.entries.length) {
      this.#holdAgainst(size, root);
      return this.entries.length;
    }
    const fresh: Buffer[] = [];
    for (let tile = Math.floor(this.entries.length / TILE); tile * TILE < size; tile += 1) {
      const width = Math.min(TILE, size - tile * TILE);
      const bundle = await fetch(`tile/entries/${tilePath(tile)}${width < TILE ? `.p/${width}` : ""}`);
      // The one that was asked has gone, or another that knows less answers: the next read gets it.
      if (bundle === undefined) return this.entries.length;
      const leaves = leavesOf(bundle);
      const known = this.#leafHashes.slice(tile * TILE);
      for (const [n, hash] of known.entries()) {
        if (n < leaves.length && !leafHash(leaves[n] ?? Buffer.of()).equals(hash))
          this.#wrong(`entry ${tile * TILE + n}`);
      }
      fresh.push(...leaves.slice(known.length));
    }
    for (const leaf of fresh) {
      this.#leafHashes.push(leafHash(leaf));
      this.entries.push(entryOf(leaf));
    }
    this.#holdAgainst(size, root);
    return this.entries.length;
  }

  #holdAgainst(size: number, root: string): void {
    if (rootOf(this.#leafHashes.slice(0, size)).toString("base64") !== root) this.#wrong(`the root of ${size} entries`);
  }

  #wrong(what: string): void {
    this.#faults.push({ rule: "tree", text: `${what} is not what was signed before` });
  }
}

interface LogKey {
  readonly name: string;
  /** The first bytes of what a signature line carries: whose it is. */
  readonly id: Buffer;
  readonly key: KeyObject;
}

/** What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410). */
const SPKI_HEAD = Buffer.from("302a300506032b6570032100", "hex");
const ED25519 = 1;

function keyOf(vkey: string): LogKey {
  const [, name = "", id = "", base64 = ""] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey) ?? [];
  const typed = Buffer.from(base64, "base64");
  if (typed[0] !== ED25519 || typed.length !== 33) throw new Error(`"${vkey}" is no key line of a log`);
  const key = createPublicKey({ key: Buffer.concat([SPKI_HEAD, typed.subarray(1)]), format: "der", type: "spki" });
  return { name, id: Buffer.from(id, "hex"), key };
}

/** A note's text, where it is of the log of that name and one of the lines under it is its signature. */
function signedText(note: string, { name, id, key }: LogKey): string | undefined {
  const end = note.indexOf("\n\n");
  const text = note.slice(0, end + 1);
  const lines = note.slice(end + 2).split("\n");
  const isSigned = lines.some((line) => {
    if (!line.startsWith(`\u2014 ${name} `)) return false;
    const bytes = Buffer.from(line.slice(name.length + 3), "base64");
    return bytes.subarray(0, 4).equals(id) && verify(null, Buffer.from(text), key, bytes.subarray(4));
  });
  return end > 0 && text.startsWith(`${name}\n`) && isSigned ? text : undefined;
}

/** 1234067 is x001/x234/067. */
function tilePath(index: number): string {
  const groups = [String(index % 1000).padStart(3, "0")];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, "0")}`);
  }
  return groups.join("/");
}

function leavesOf(bundle: Buffer): readonly Buffer[] {
  const leaves: Buffer[] = [];
  for (let at = 0; at < bundle.length;) {
    const end = at + 2 + bundle.readUInt16BE(at);
    leaves.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return leaves;
}

function entryOf(leaf: Buffer): Entry {
  const {
    pool,
    seq,
    at_ms: atMs,
    kind,
    body = {},
  } = JSON.parse(leaf.toString("utf8")) as {
    readonly pool: string;
    readonly seq: number;
    readonly at_ms: number;
    readonly kind: string;
    /** Absent where it is too large for an entry: of no kind that is judged here. */
    readonly body?: Entry["body"];
  };
  return { pool, seq, atMs, kind, body };
}

function leafHash(leaf: Buffer): Buffer {
  return createHash("sha256").update(Buffer.of(0)).update(leaf).digest();
}

/** RFC 6962: the left subtree is the largest power of two that is smaller. */
function rootOf(hashes: readonly Buffer[]): Buffer {
  const [first = createHash("sha256").digest()] = hashes;
  if (hashes.length <= 1) return first;
  let left = 1;
  while (left * 2 < hashes.length) left *= 2;
  const node = createHash("sha256").update(Buffer.of(1));
  return node
    .update(rootOf(hashes.slice(0, left)))
    .update(rootOf(hashes.slice(left)))
    .digest();
}
