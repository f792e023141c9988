/**
 * The audit log as a coordinator publishes it: fetched over HTTPS tile by tile, held against the root that was signed and
 * against what was fetched before. C2SP tlog-tiles and RFC 6962, written down here once more on purpose.
 */
import { createHash } from "node:crypto";
import type { Entry, Fault } from "./entry.ts";

/** Gets a path under `/v1/audit/`; undefined where it is not there, or not yet. */
export type Fetch = (path: string) => Promise<Buffer | undefined>;

const TILE = 256;

/** All that was fetched so far. */
export class PublishedLog {
  readonly entries: Entry[] = [];
  readonly #leafHashes: Buffer[] = [];
  readonly #faults: Fault[] = [];

  /** What was wrong with the log itself. */
  get faults(): readonly Fault[] {
    return this.#faults;
  }

  /** Fetches what is new; answers how many entries there are. */
  async read(fetch: Fetch): Promise<number> {
    const checkpoint = await fetch("checkpoint");
    if (checkpoint === undefined) return this.entries.length;
    const [, sizeText = "", root = ""] = checkpoint.toString("utf8").split("\n");
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
