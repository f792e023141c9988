import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type GrownTile, TreeEdge } from "./edge.ts";
import { EMPTY_ROOT, leafHash } from "./hash.ts";
import { type Subtree, consistencyPlan, fold, inclusionPlan, rootPlan } from "./plan.ts";
import { verifyConsistency, verifyInclusion } from "./proof.ts";
import { leavesOf, naiveConsistency, naivePath, naiveRoot } from "./testing.ts";
import { hashInTile, parseTilePath, readBundle, tileOf, tilePath, tileWidth, writeBundle } from "./tile.ts";
import { runProofVectors } from "./vectors.ts";

const LARGEST = 700;
const LEAVES = leavesOf(LARGEST);
const HASHES = LEAVES.map((leaf) => leafHash(leaf));
const DEEP = process.env["MOULT_DEEP"] === "1";
const RUNS = DEEP ? 5_000 : 200;

/** Tiles as a log stores them, after growth in the given steps. */
function grown(steps: readonly number[]): { readonly edge: TreeEdge; readonly tiles: ReadonlyMap<string, GrownTile> } {
  const tiles = new Map<string, GrownTile>();
  let edge = TreeEdge.of(0, () => undefined);
  for (const step of steps) {
    for (const tile of edge.grow(HASHES.slice(edge.size, edge.size + step)))
      tiles.set(`${tile.level}/${tile.index}`, tile);
    // Each step goes on from what was stored, as after a restart.
    edge = TreeEdge.of(edge.size, (level, index) => tiles.get(`${level}/${index}`)?.hashes);
  }
  return { edge, tiles };
}

const WHOLE = grown([LARGEST]).tiles;
const hashOf =
  (size: number) =>
  (subtree: Subtree): Uint8Array => {
    const { level, index, width, from, count } = tileOf(subtree, size);
    const hashes = WHOLE.get(`${level}/${index}`)?.hashes ?? new Uint8Array();
    return hashInTile(hashes.subarray(0, width * 32), from, count);
  };

const size = fc.integer({ min: 0, max: LARGEST });
const someSize = fc.integer({ min: 1, max: LARGEST });

test("the empty tree has the root that RFC 6962 gives it", () => {
  expect(Buffer.from(EMPTY_ROOT).toString("hex")).toBe(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
  expect(TreeEdge.of(0, () => undefined).root()).toEqual(EMPTY_ROOT);
});

test("a tree grown in any steps, with restarts between them, has the root of the definition", () => {
  const steps = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 6 });
  fc.assert(
    fc.property(steps, (taken) => {
      const { edge } = grown(taken);
      expect(edge.root()).toEqual(naiveRoot(LEAVES.slice(0, edge.size)));
    }),
    { numRuns: RUNS },
  );
});

test("roots from tiles are those of the definition, at every size", () => {
  for (let n = 0; n <= LARGEST; n += 1) expect(fold(rootPlan(n), hashOf(n))).toEqual(naiveRoot(LEAVES.slice(0, n)));
});

test("inclusion proofs are those of the definition, and hold for their leaf only", () => {
  fc.assert(
    fc.property(someSize, fc.nat(), fc.nat(), (n, a, b) => {
      const [index, other] = [a % n, b % n];
      const proof = inclusionPlan(index, n).map((run) => fold(run, hashOf(n)));
      expect(proof).toEqual(naivePath(index, LEAVES.slice(0, n)));
      const root = naiveRoot(LEAVES.slice(0, n));
      const claim = { index, size: n, leafHash: leafHash(LEAVES[index] ?? new Uint8Array()), root };
      expect(verifyInclusion(claim, proof)).toBe(true);
      expect(verifyInclusion({ ...claim, index: other }, proof)).toBe(other === index);
      expect(verifyInclusion({ ...claim, leafHash: leafHash(LEAVES[other] ?? new Uint8Array()) }, proof)).toBe(
        other === index,
      );
    }),
    { numRuns: RUNS },
  );
});

test("consistency proofs are those of the definition, and hold for their trees only", () => {
  fc.assert(
    fc.property(size, size, (a, b) => {
      const [oldSize, n] = [Math.min(a, b), Math.max(a, b)];
      const proof = consistencyPlan(oldSize, n).map((run) => fold(run, hashOf(n)));
      if (oldSize > 0) expect(proof).toEqual(naiveConsistency(oldSize, LEAVES.slice(0, n)));
      const oldRoot = naiveRoot(LEAVES.slice(0, oldSize));
      const claim = { oldSize, oldRoot, size: n, root: naiveRoot(LEAVES.slice(0, n)) };
      expect(verifyConsistency(claim, proof)).toBe(true);
      if (oldSize === 0) return;
      const forked = naiveRoot([...LEAVES.slice(0, oldSize - 1), Buffer.from("another")]);
      expect(verifyConsistency({ ...claim, oldRoot: forked }, proof)).toBe(false);
    }),
    { numRuns: RUNS },
  );
});

test("a proof with a changed bit, a hash too many, too few or of another length proves nothing", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: LARGEST }), fc.nat(), fc.nat(), (n, a, bit) => {
      const index = a % n;
      const proof = inclusionPlan(index, n).map((run) => fold(run, hashOf(n)));
      const claim = {
        index,
        size: n,
        leafHash: HASHES[index] ?? new Uint8Array(),
        root: naiveRoot(LEAVES.slice(0, n)),
      };
      const flipped = proof.map((hash) => new Uint8Array(hash));
      const byte = flipped[bit % flipped.length];
      if (byte !== undefined) byte[bit % 32] = (byte[bit % 32] ?? 0) ^ (1 << (bit % 8));
      const wrong = [
        flipped,
        proof.slice(1),
        [...proof, claim.root],
        [claim.root, ...proof],
        proof.map((h) => h.slice(1)),
      ];
      for (const bad of wrong) expect(verifyInclusion(claim, bad)).toBe(false);
    }),
    { numRuns: RUNS },
  );
});

test.each([-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY])("%d is no size", (bad) => {
  expect(() => rootPlan(bad)).toThrow(expect.objectContaining({ code: "PROOF_INVALID" }));
  expect(verifyInclusion({ index: 0, size: bad, leafHash: EMPTY_ROOT, root: EMPTY_ROOT }, [])).toBe(false);
  expect(verifyConsistency({ oldSize: 0, oldRoot: EMPTY_ROOT, size: bad, root: EMPTY_ROOT }, [])).toBe(false);
});

test("plans of the largest trees are of complete subtrees that cover all leaves, and stay short", () => {
  const huge = fc.integer({ min: 2 ** 40, max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(huge, (n) => {
      expect(rootPlan(n).reduce((sum, { level }) => sum + 2 ** level, 0)).toBe(n);
      expect(inclusionPlan(n - 1, n).length).toBeLessThan(64);
      expect(consistencyPlan(n - 1, n).length).toBeLessThan(64);
    }),
    { numRuns: RUNS },
  );
});

describe("tiles", () => {
  test("their paths are those of the specification", () => {
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe("tile/0/x001/x234/067");
    expect(tilePath({ level: "entries", index: 5, width: 12 })).toBe("tile/entries/005.p/12");
    // The specification's example of a tree of 70,000 leaves.
    expect([tileWidth(0, 272, 70_000), tileWidth(0, 273, 70_000), tileWidth(1, 0, 70_000)]).toEqual([256, 112, 256]);
    expect([tileWidth(1, 1, 70_000), tileWidth(2, 0, 70_000), tileWidth(3, 0, 70_000)]).toEqual([17, 1, 0]);
  });

  test("each has one path", () => {
    const level = fc.oneof(fc.constant("entries" as const), fc.integer({ min: 0, max: 6 }));
    const tile = fc.record({ level, index: fc.nat({ max: 2 ** 45 }), width: fc.integer({ min: 1, max: 256 }) });
    fc.assert(
      fc.property(tile, (t) => {
        expect(parseTilePath(tilePath(t))).toEqual(t);
      }),
    );
  });

  test.each([
    "tile/0/1",
    "tile/00/001",
    "tile/7/001",
    "tile/0/x000/001",
    "tile/0/001.p/0",
    "tile/0/001.p/256",
    "tile/0/001.p/01",
    "tile/0/../001",
    "tile/0/001/",
    "tile/-1/001",
    "tile/0/x999/x999/x999/x999/x999/999",
    "",
  ])("%s is no path", (path) => {
    expect(parseTilePath(path)).toBeUndefined();
  });

  test("a bundle is read back, and neither more nor less than its entries", () => {
    const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(entries, (list) => {
        const bytes = writeBundle(list);
        expect(readBundle(bytes, list.length).map((entry) => Buffer.from(entry))).toEqual(
          list.map((e) => Buffer.from(e)),
        );
        const invalid = expect.objectContaining({ code: "TILE_INVALID" });
        expect(() => readBundle(bytes, list.length + 1)).toThrow(invalid);
        expect(() => readBundle(Buffer.concat([bytes, Buffer.of(0)]), list.length)).toThrow(invalid);
        expect(() => readBundle(bytes.subarray(0, -1), list.length)).toThrow(invalid);
      }),
      { numRuns: RUNS },
    );
  });
});

test("vectors in the collection's form are run, and one that asks for the wrong answer fails", () => {
  const base64 = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("base64");
  const [old, all] = [LEAVES.slice(0, 5), LEAVES.slice(0, 8)];
  const inclusion = {
    leafIdx: 2,
    treeSize: 8,
    root: base64(naiveRoot(all)),
    leafHash: base64(HASHES[2]),
    proof: naivePath(2, all).map((hash) => base64(hash)),
  };
  const consistency = {
    size1: 5,
    size2: 8,
    root1: base64(naiveRoot(old)),
    root2: base64(naiveRoot(all)),
    proof: naiveConsistency(5, all).map((hash) => base64(hash)),
  };
  const vectors = [
    { ...inclusion, desc: "good", wantErr: false },
    { ...inclusion, leafIdx: 3, desc: "other leaf", wantErr: true },
    { ...inclusion, proof: null, desc: "no proof", wantErr: true },
    { ...inclusion, root: "", desc: "no root", wantErr: true },
    { ...consistency, desc: "good", wantErr: false },
    { ...consistency, size1: 4, desc: "other size", wantErr: true },
    { ...consistency, desc: "a vector that is wrong itself", wantErr: true },
  ];
  const results = runProofVectors(Buffer.from(JSON.stringify(vectors)));
  expect(results?.map(({ passed }) => passed)).toEqual([true, true, true, true, true, true, false]);
  expect(results?.[1]?.name).toBe("inclusion: other leaf");
  expect(runProofVectors(Buffer.from(JSON.stringify(vectors[0])))).toHaveLength(1);
  expect(runProofVectors(Buffer.from('{"algorithm":"EDDSA"}'))).toBeUndefined();
  expect(runProofVectors(Buffer.from("no JSON"))).toBeUndefined();
});
