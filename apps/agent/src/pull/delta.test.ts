/** Deltas over real HTTPS: the way with the fewest bytes, gone on with after any cut, and never believed. */
import { chmodSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { encodeHead, readHead } from "@moult/delta";
import { digestOf } from "@moult/trust";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type Pair, deviceWith, grainy, makePair, sourceOf } from "./testing/deltas.ts";
import { type Device, type Serve, Source, codeOf, cutAnyAfter, makeDevice, serveWell } from "./testing/staging.ts";

let pair: Pair;
let other: Pair;
beforeAll(async () => {
  pair = await makePair(300_000);
  other = await makePair(250_000, grainy(900, 3));
});

/** Staged, whole and right. */
async function expectStaged(device: Device): Promise<void> {
  expect((await device.store.contents("a", "digests"))?.digest).toBe(pair.after.digest);
  expect(await device.leftovers()).toEqual([]);
}

/** A delta with another head; `pieces` are the packed bytes of its chunks. */
function forged(
  old: { digest: string; lengthBytes: number } | undefined,
  ...pieces: readonly Uint8Array[]
): Uint8Array {
  const chunks = pieces.map(({ length: packedLength }) => ({ oldOffset: 0, oldLength: 0, packedLength }));
  const head = encodeHead({ old, digest: digestOf(pair.fresh), lengthBytes: pair.fresh.length, chunks });
  return new Uint8Array(Buffer.concat([head, ...pieces]));
}

describe("the way a part takes", () => {
  it("is a delta where a source has one, and nothing else is fetched or written", async () => {
    const device = await deviceWith(pair);
    const beforeBytes = device.fetchedBytes();
    const runtime = join(device.store.layout.parts, digestOf(Buffer.from("a runtime")));
    const before = statSync(runtime);
    const lacks = sourceOf(pair);
    const has = sourceOf(pair, "deltas", "packed");
    await device.stage([await lacks.open(), await has.open()], {}, pair.after);
    await expectStaged(device);
    expect([lacks.servedKinds, has.servedKinds]).toEqual([["deltas"], ["deltas"]]);
    expect(device.fetchedBytes() - beforeBytes).toBeLessThan(pair.fresh.length / 10);
    const after = statSync(runtime);
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  });

  it("is the packed part where there is no delta, or nothing to start from", async () => {
    for (const device of [await deviceWith(pair), await makeDevice()]) {
      const source = sourceOf(pair, "packed");
      const beforeBytes = device.fetchedBytes();
      await device.stage([await source.open()], {}, pair.after);
      await expectStaged(device);
      expect(source.servedKinds.filter((kind) => kind === "packed")).toHaveLength(1);
      expect(device.fetchedBytes() - beforeBytes).toBeLessThan(pair.fresh.length * 0.7);
    }
  });

  it("is the part itself in the end, and what is not there is asked for once", async () => {
    const device = await deviceWith(pair);
    const source = sourceOf(pair);
    await device.stage([await source.open()], {}, pair.after);
    await expectStaged(device);
    expect(source.servedKinds).toEqual(["deltas", "packed", "parts"]);
  });

  it("is not held up by answers that come to nothing", async () => {
    for (const status of [204, 301, 416, 500, 503]) {
      const device = await deviceWith(pair);
      const source = sourceOf(pair, "deltas", "packed");
      source.serveDelta = (_, response) => void response.writeHead(status).end();
      await device.stage([await source.open()], {}, pair.after);
      await expectStaged(device);
      expect(source.servedKinds.length).toBeLessThanOrEqual(5);
    }
  });

  it("does without an old part that the disk does not give back as it was", async () => {
    const device = await deviceWith(pair);
    const source = sourceOf(pair, "deltas");
    const path = join(device.store.layout.parts, digestOf(pair.old));
    chmodSync(path, 0o644);
    writeFileSync(path, new Uint8Array(pair.old.length));
    await device.stage([await source.open()], {}, pair.after);
    await expectStaged(device);
    expect(source.servedKinds.at(-1)).toBe("parts");
  });
});

describe("a hostile or broken delta costs a bounded sum, and then the part comes whole", () => {
  const bomb = zstdCompressSync(new Uint8Array(256 * 1024 * 1024));
  const wrong = grainy(305_000, 77);
  const cases: readonly (readonly [string, () => Uint8Array])[] = [
    ["another base", () => other.delta],
    ["from nothing under a delta's name", () => pair.packed],
    ["with an old part of another length", () => forged({ digest: digestOf(pair.old), lengthBytes: 5 }, bomb)],
    ["a bomb", () => forged(oldOf(), bomb)],
    ["that makes other bytes of the right length", () => forged(oldOf(), zstdCompressSync(wrong))],
    ["that makes fewer bytes", () => forged(oldOf(), zstdCompressSync(wrong.subarray(1)))],
    ["of 4 GiB", () => encodeHead({ old: oldOf(), digest: digestOf(pair.fresh), lengthBytes: 2 ** 32, chunks: [] })],
    ["cut short", () => pair.delta.subarray(0, -20)],
    ["with bytes behind its end", () => new Uint8Array(Buffer.concat([pair.delta, new Uint8Array(900)]))],
    ["with one byte altered", () => pair.delta.map((byte, at) => (at === pair.delta.length >> 1 ? byte ^ 1 : byte))],
    ["empty", () => new Uint8Array()],
    ["that is a page", () => Buffer.from("<html>please log in</html>".repeat(50))],
  ];
  function oldOf(): { digest: string; lengthBytes: number } {
    return { digest: digestOf(pair.old), lengthBytes: pair.old.length };
  }

  it.each(cases)("%s", async (_, make) => {
    const device = await deviceWith(pair);
    const source = sourceOf(pair);
    source.deltas.set(pair.deltaName, make());
    const beforeBytes = device.fetchedBytes();
    await device.stage([await source.open()], {}, pair.after);
    await expectStaged(device);
    // The part's length for what is no part, and the part.
    expect(device.fetchedBytes() - beforeBytes).toBeLessThan(pair.fresh.length * 2 + 5_000);
  });

  it.each(cases)("%s, from one source, while another is honest", async (_, make) => {
    const device = await deviceWith(pair);
    const [liar, honest] = [sourceOf(pair), sourceOf(pair, "deltas")];
    liar.deltas.set(pair.deltaName, make());
    await device.stage([await liar.open(), await honest.open()], {}, pair.after);
    await expectStaged(device);
    expect(honest.servedKinds).not.toContain("parts");
  });

  it("without end is stopped", async () => {
    const endless: Serve = (_, response, body) => {
      response.writeHead(200);
      let isOpen = true;
      response.on("close", () => (isOpen = false));
      const more = (): void => void (isOpen && response.write(body, () => setImmediate(more)));
      more();
    };
    const device = await deviceWith(pair);
    const source = sourceOf(pair, "deltas");
    source.serveDelta = endless;
    await device.stage([await source.open()], {}, pair.after);
    await expectStaged(device);
    expect(source.servedBytes).toBeLessThan(20_000_000);
  });

  it("that drips is left when the source has stalled it often enough", async () => {
    const device = await deviceWith(pair);
    const source = sourceOf(pair, "deltas");
    source.serveDelta = (_, response, body) => {
      response.writeHead(200, { "content-length": body.length });
      response.write(body.subarray(0, 10));
    };
    await device.stage([await source.open()], { stallTimeoutMs: 150 }, pair.after);
    await expectStaged(device);
    expect(source.servedKinds.filter((kind) => kind === "deltas").length).toBeLessThanOrEqual(2);
  });

  it("altered in any way: the part is staged all the same", async () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(edits, fc.nat(), async (changes, cut) => {
        const bytes = new Uint8Array(pair.delta);
        for (const [at, value] of changes) bytes[at % (at % 2 === 0 ? 104 : bytes.length)] = value;
        const device = await deviceWith(pair);
        const source = sourceOf(pair);
        source.deltas.set(pair.deltaName, bytes.subarray(0, bytes.length - (cut % 3 === 0 ? cut % bytes.length : 0)));
        await device.stage([await source.open()], {}, pair.after);
        await expectStaged(device);
      }),
      { numRuns: process.env["MOULT_DEEP"] === "1" ? 500 : 15 },
    );
  });
});

describe("going on", () => {
  it.each(["deltas", "packed", "parts"] as const)(
    "with %s after a cut at any place, in the same pull",
    async (kind) => {
      for (const bytes of [1, 88, 103, 5_000, 100_000]) {
        const device = await deviceWith(pair);
        const source = kind === "parts" ? new Source(cutAnyAfter(bytes, 1)) : sourceOf(pair, kind);
        source.build = pair.after;
        source.serveDelta = cutAnyAfter(bytes, 1);
        await device.stage([await source.open()], {}, pair.after);
        await expectStaged(device);
        const kinds = source.servedKinds.filter((served) => served !== "deltas" || kind === "deltas");
        expect(kinds.filter((served) => served === "parts")).toHaveLength(kind === "parts" ? kinds.length - 1 : 0);
      }
    },
  );

  it("after the agent was started anew, behind what the disk has, whatever way it came", async () => {
    const large = await makePair(9_000_000);
    const size = large.fresh.length;
    const device = await deviceWith(large);
    // One round and a cut without an end of it: the pull fails with half a part.
    const stuck: Serve = (request, response, body) => {
      if (request.headers.range === undefined) cutAnyAfter(5_000_000, 1)(request, response, body);
      else response.writeHead(503).end();
    };
    const half = new Source((request, response, body) =>
      (body.length === size ? stuck : serveWell)(request, response, body),
    );
    half.build = large.after;
    expect(await codeOf(device.stage([await half.open()], { rounds: 1 }, large.after))).toBe("PULL");
    const [begun] = await device.store.partialParts();
    expect(begun).toEqual([digestOf(large.fresh), 5_000_000]);
    // What an agent does at its start.
    await device.store.sweep("ALL");
    const source = sourceOf(large, "packed");
    const beforeBytes = device.fetchedBytes();
    await device.stage([await source.open()], {}, large.after);
    expect((await device.store.contents("a", "digests"))?.digest).toBe(large.after.digest);
    // The chunks that are here whole are not fetched again, but for what was under way when its head was read.
    const done = readHead(large.packed).chunks.filter((chunk) => chunk.newOffset + chunk.newLength <= 5_000_000);
    const doneBytes = done.reduce((sum, chunk) => sum + chunk.packedLength, 0);
    expect(done).toHaveLength(2);
    expect(device.fetchedBytes() - beforeBytes).toBeLessThan(large.packed.length - doneBytes + 300_000);
    expect(source.requests.filter((request) => request.startsWith("packed bytes="))).toHaveLength(1);
  });

  it("over bytes that a power cut spoilt: they are found out, and the pull still succeeds", async () => {
    for (const kinds of [["deltas"], ["packed"], []] as const) {
      const device = await deviceWith(pair);
      const writer = await device.store.receivePart({
        path: "large",
        digest: digestOf(pair.fresh),
        lengthBytes: pair.fresh.length,
        executable: false,
      });
      await writer.write(new Uint8Array(100_000));
      await writer.suspend();
      await device.stage([await sourceOf(pair, ...kinds).open()], { rounds: 1 }, pair.after);
      await expectStaged(device);
    }
  });

  it("with another source whose delta is another one", async () => {
    const device = await deviceWith(pair);
    const [cuts, goesOn] = [sourceOf(pair, "deltas"), sourceOf(pair, "deltas")];
    cuts.serveDelta = (request, response, body) =>
      request.headers.range === undefined
        ? cutAnyAfter(900, 1)(request, response, body)
        : void response.writeHead(503).end();
    goesOn.deltas.set(
      pair.deltaName,
      forged({ digest: digestOf(pair.old), lengthBytes: pair.old.length }, zstdCompressSync(pair.fresh)),
    );
    await device.stage([await cuts.open(), await goesOn.open()], {}, pair.after);
    await expectStaged(device);
    expect(goesOn.servedKinds).toEqual(["deltas"]);
  });

  it("at a source whose bytes changed in between", async () => {
    for (const [name, changed] of [
      [pair.deltaName, pair.packed],
      [pair.packedName, pair.delta],
    ] as const) {
      const device = await deviceWith(pair);
      const source = sourceOf(pair, name === pair.deltaName ? "deltas" : "packed");
      const cut = cutAnyAfter(900, 1);
      source.serveDelta = (request, response, body) => {
        cut(request, response, body);
        source.deltas.set(name, changed);
      };
      await device.stage([await source.open()], {}, pair.after);
      await expectStaged(device);
    }
  });

  it("keeps no beginnings of a build that nobody wants any more", async () => {
    const device = await deviceWith(pair);
    const once: Serve = (request, response, body) =>
      request.headers.range === undefined
        ? cutAnyAfter(50_000, 1)(request, response, body)
        : void response.writeHead(404).end();
    const begun = new Source((request, response, body) =>
      (body.length > 200_000 ? once : serveWell)(request, response, body),
    );
    begun.build = other.after;
    expect(await codeOf(device.stage([await begun.open()], { rounds: 1 }, other.after))).toBe("PULL");
    expect(await device.leftovers()).toEqual([`part-${digestOf(other.fresh)}`]);
    await device.stage([await sourceOf(pair, "deltas").open()], {}, pair.after);
    await expectStaged(device);
  });
});
