/** The lies that a server, or the log itself, can tell of a log, each with what must find it. */
import type { CapturedLog, Resources } from "./served-log.ts";
import { entriesOf, forge } from "./liar.ts";

/** One lie. */
export interface Lie {
  readonly name: string;
  /** Whether only somebody who kept an earlier checkpoint can find it. */
  readonly needsHistory: boolean;
  /** What is served instead. `pick` draws a whole number below its argument. */
  readonly tell: (log: CapturedLog, pick: (below: number) => number) => Resources;
}

function copy(log: CapturedLog): Resources {
  return new Map(log.resources);
}

/** Serves other entries and tiles under the checkpoint that was really signed. */
function underTheOldCheckpoint(log: CapturedLog, entries: readonly Uint8Array[]): Resources {
  const forged = forge(log, entries);
  forged.set("checkpoint", log.resources.get("checkpoint") ?? new Uint8Array());
  return forged;
}

function without(entries: readonly Uint8Array[], at: number): readonly Uint8Array[] {
  return entries.toSpliced(at, 1);
}

function swapped(entries: readonly Uint8Array[], a: number, b: number): readonly Uint8Array[] {
  const [x, y] = [entries[a], entries[b]];
  return x === undefined || y === undefined ? entries : entries.with(a, y).with(b, x);
}

/** Two neighbours of different pools, or of the same one. */
function neighbours(
  entries: readonly Uint8Array[],
  same: boolean,
  pick: (below: number) => number,
): readonly [number, number] {
  const poolOf = (entry: Uint8Array | undefined): unknown =>
    (JSON.parse(Buffer.from(entry ?? []).toString()) as { readonly pool: string }).pool;
  const found = entries.flatMap((entry, n) => {
    const next = entries[n + 1];
    return next !== undefined && (poolOf(entry) === poolOf(next)) === same ? [n] : [];
  });
  const at = found[pick(found.length)] ?? 0;
  return [at, at + 1];
}

function reworded(entry: Uint8Array, from: RegExp, to: string): Uint8Array {
  return Buffer.from(Buffer.from(entry).toString().replace(from, to));
}

/** All lies. */
export const LIES: readonly Lie[] = [
  {
    name: "a flipped bit, anywhere",
    needsHistory: false,
    tell(log, pick) {
      const lie = copy(log);
      const [path = "", bytes = new Uint8Array()] = [...lie][pick(lie.size)] ?? [];
      const flipped = Buffer.from(bytes);
      const at = pick(flipped.length);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << pick(8));
      return lie.set(path, flipped);
    },
  },
  {
    name: "a resource cut short or made longer",
    needsHistory: false,
    tell(log, pick) {
      const lie = copy(log);
      const [path = "", bytes = new Uint8Array()] = [...lie][pick(lie.size)] ?? [];
      return lie.set(
        path,
        pick(2) === 0 ? bytes.subarray(0, pick(bytes.length)) : Buffer.concat([bytes, Buffer.of(10)]),
      );
    },
  },
  {
    name: "a leaf removed, and the tiles made to fit",
    needsHistory: false,
    tell: (log, pick) => underTheOldCheckpoint(log, without(entriesOf(log), pick(log.size))),
  },
  {
    name: "two leaves in each other's place, and the tiles made to fit",
    needsHistory: false,
    tell: (log, pick) =>
      underTheOldCheckpoint(log, swapped(entriesOf(log), ...neighbours(entriesOf(log), false, pick))),
  },
  {
    name: "a leaf put in the place of another one, under its tile",
    needsHistory: false,
    tell(log, pick) {
      const entries = entriesOf(log);
      const [a, b] = neighbours(entries, false, pick);
      const lie = copy(log);
      for (const [path, bytes] of forge(log, swapped(entries, a, b)))
        if (path.startsWith("tile/entries")) lie.set(path, bytes);
      return lie;
    },
  },
  {
    name: "a leaf missing from the start, signed by the log itself",
    needsHistory: false,
    tell: (log, pick) => forge(log, without(entriesOf(log), pick(log.size - 10))),
  },
  {
    name: "two leaves of one pool in each other's place, signed by the log itself",
    needsHistory: false,
    tell: (log, pick) => forge(log, swapped(entriesOf(log), ...neighbours(entriesOf(log), true, pick))),
  },
  {
    name: "a leaf of another network, signed by the log itself",
    needsHistory: false,
    tell(log, pick) {
      const entries = entriesOf(log);
      const at = 1 + pick(log.size - 1);
      return forge(
        log,
        entries.with(at, reworded(entries[at] ?? new Uint8Array(), /"network":"demo"/, '"network":"prod"')),
      );
    },
  },
  {
    name: "a leaf that can be read in two ways, signed by the log itself",
    needsHistory: false,
    tell(log, pick) {
      const entries = entriesOf(log);
      const at = pick(log.size);
      return forge(log, entries.with(at, reworded(entries[at] ?? new Uint8Array(), /^\{/, '{"kind":"permit",')));
    },
  },
  {
    name: "a body beside the entries that is another one",
    needsHistory: false,
    tell(log) {
      const lie = copy(log);
      for (const path of lie.keys()) if (path.startsWith("body/")) lie.set(path, Buffer.from("{}"));
      return lie;
    },
  },
  {
    name: "another history under the log's name, signed by another key",
    needsHistory: false,
    tell: (log) => forge({ ...log, privateKey: Buffer.alloc(32, 9) }, entriesOf(log).slice(0, 300)),
  },
  {
    name: "a tile above the leaves that is over others",
    needsHistory: false,
    tell(log) {
      const lie = copy(log);
      const path = [...lie.keys()].find((key) => key.startsWith("tile/1/")) ?? "";
      return lie.set(path, Buffer.from(lie.get(path) ?? []).fill(7));
    },
  },
  {
    name: "words after the last entry of a bundle",
    needsHistory: false,
    tell(log) {
      const lie = copy(log);
      const path = [...lie.keys()].find((key) => key.startsWith("tile/entries/")) ?? "";
      return lie.set(path, Buffer.concat([lie.get(path) ?? Buffer.of(), Buffer.from("more")]));
    },
  },
  {
    name: "the last leaves forgotten, signed by the log itself",
    needsHistory: true,
    tell: (log, pick) => forge(log, entriesOf(log).slice(0, log.size - 1 - pick(log.size - 1))),
  },
  {
    name: "a leaf reworded, signed by the log itself",
    needsHistory: true,
    tell(log, pick) {
      const entries = entriesOf(log);
      const at = pick(log.size);
      return forge(log, entries.with(at, reworded(entries[at] ?? new Uint8Array(), /"at_ms":7/, '"at_ms":8')));
    },
  },
  {
    name: "leaves of two pools in each other's place, signed by the log itself",
    needsHistory: true,
    tell: (log, pick) => forge(log, swapped(entriesOf(log), ...neighbours(entriesOf(log), false, pick))),
  },
];
