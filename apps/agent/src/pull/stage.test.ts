/** Staging from sources that cut, stall, lie, drip and never end. */
import { rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { digestOf } from "@moult/trust";
import { describe, expect, it, onTestFinished } from "vitest";
import { workIdentityOf } from "../build/identity.ts";
import { makeCertificate } from "../testing/certificate.ts";
import { type BuildWishes, makeTestBuild } from "../testing/test-build.ts";
import { BUILD, LARGE, type Serve, Source, badly, codeOf, cutAfter, makeDevice, serveWell } from "./testing/staging.ts";

describe("staging", () => {
  it("brings a build whole into the slot that does not run", async () => {
    const device = await makeDevice();
    const source = new Source();
    const staged = await device.stage([await source.open()]);
    expect(staged).toMatchObject({ slot: "a", digest: BUILD.digest, version: "2.0.0", releaseCounter: 7 });
    expect(staged.workIdentity).toBe(workIdentityOf(BUILD.manifest));
    expect((await device.store.contents("a", "digests"))?.digest).toBe(BUILD.digest);
    expect(await device.leftovers()).toEqual([]);
  });

  it("fetches nothing that is there already", async () => {
    const device = await makeDevice();
    const source = new Source();
    const url = await source.open();
    await device.stage([url]);
    const next = makeTestBuild({ manifest: { version: "3.0.0" }, files: { large: LARGE } });
    source.build = next;
    source.requests.length = 0;
    await device.stage([url], {}, next);
    expect(source.requests).toEqual(["manifests whole"]);
    expect((await device.store.contents("a"))?.digest).toBe(next.digest);
  });

  it("goes on after any number of cuts where it was", async () => {
    const device = await makeDevice();
    const source = new Source(cutAfter(20_000, 12));
    await device.stage([await source.open()]);
    const ranges = source.partRequests.filter((request) => request.includes("bytes="));
    expect(ranges).toHaveLength(12);
    expect(new Set(ranges).size).toBe(12);
  });

  it("goes on at the next source after a stall, a 404 or a refused connection", async () => {
    const stalls = new Source(
      badly((_, response, body) => void response.writeHead(200).write(body.subarray(0, 200_000))),
    );
    const lacks = new Source(badly((_, response) => void response.writeHead(404).end()));
    const device = await makeDevice();
    const good = new Source();
    const sources = ["https://127.0.0.1:1", await lacks.open(), await stalls.open(), await good.open()];
    await device.stage(sources);
    expect(good.partRequests.some((request) => /bytes=[1-9]/.test(request))).toBe(true);
    expect((await device.store.contents("a", "digests"))?.digest).toBe(BUILD.digest);
  });

  it("takes a source that knows no ranges, and starts it from the beginning", async () => {
    const device = await makeDevice();
    const whole = new Source((_, response, body) => void response.writeHead(200).end(body));
    const cuts = new Source(cutAfter(100_000, 100));
    await device.stage([await cuts.open(), await whole.open()], { rounds: 1 });
    expect((await device.store.contents("a", "digests"))?.digest).toBe(BUILD.digest);
  });

  it("leaves a source that lies about length or bytes, and mixes nothing of it in", async () => {
    const shortened = LARGE.slice(1);
    const altered = LARGE.slice();
    altered[300_000] = 255;
    const liars: readonly Serve[] = [
      badly((request, response) => serveWell(request, response, shortened)),
      badly((request, response) => serveWell(request, response, altered)),
    ];
    for (const lie of liars) {
      const device = await makeDevice();
      await device.stage([await new Source(lie).open(), await new Source().open()]);
      expect((await device.store.contents("a", "digests"))?.digest).toBe(BUILD.digest);
      const alone = await makeDevice();
      expect(await codeOf(alone.stage([await new Source(lie).open()]))).toBe("PULL");
      expect((await alone.store.presentParts()).has(digestOf(LARGE))).toBe(false);
      expect(await alone.leftovers()).toEqual([]);
    }
  });

  it("does not let a liar spoil what another source began", async () => {
    const altered = LARGE.slice();
    altered[590_000] = 255;
    const device = await makeDevice();
    const cuts = new Source(cutAfter(50_000, 1));
    const lies = new Source(badly((request, response) => serveWell(request, response, altered)));
    const sources = [await cuts.open(), await lies.open(), await new Source().open()];
    await device.stage(sources, { rounds: 4 });
    expect((await device.store.contents("a", "digests"))?.digest).toBe(BUILD.digest);
  });

  it("stops a source that never ends", async () => {
    let sentBytes = 0;
    const endless = new Source(
      badly((_, response) => {
        response.writeHead(200);
        let isOpen = true;
        response.on("close", () => (isOpen = false));
        const more = (): void => {
          if (!isOpen) return;
          sentBytes += LARGE.length;
          response.write(LARGE, () => setImmediate(more));
        };
        more();
      }),
    );
    const device = await makeDevice();
    expect(await codeOf(device.stage([await endless.open()]))).toBe("PULL");
    expect(sentBytes).toBeLessThan(LARGE.length * 40);
    expect(await device.leftovers()).toEqual([]);
  });

  it("ends at the build's deadline, however steadily a source drips", async () => {
    const drips = new Source(
      badly((_, response) => {
        response.writeHead(200, { "content-length": LARGE.length });
        const drip = setInterval(() => response.write(new Uint8Array(1)), 50);
        response.on("close", () => clearInterval(drip));
      }),
    );
    const device = await makeDevice();
    const beganMs = performance.now();
    expect(await codeOf(device.stage([await drips.open()], { timeoutMs: 1_200 }))).toBe("PULL");
    expect(performance.now() - beganMs).toBeLessThan(6_000);
  });

  it("keeps to the bandwidth it is given", async () => {
    const device = await makeDevice();
    const beganMs = performance.now();
    await device.stage([await new Source().open()], { rateMaxBytesPerS: 1_000_000 });
    expect(performance.now() - beganMs).toBeGreaterThan(450);
  });

  it("keeps parts that came whole for the next try", async () => {
    const device = await makeDevice();
    const half = new Source(badly((_, response) => void response.writeHead(404).end()));
    expect(await codeOf(device.stage([await half.open()]))).toBe("PULL");
    const source = new Source();
    await device.stage([await source.open()]);
    expect(source.partRequests).toHaveLength(1);
  });

  it("notices a part that decayed on the disk, and fetches it anew", async () => {
    const device = await makeDevice();
    const source = new Source();
    const url = await source.open();
    await device.stage([url]);
    const decayed = join(device.store.layout.parts, digestOf(LARGE));
    rmSync(decayed);
    writeFileSync(decayed, LARGE.toReversed());
    const next = makeTestBuild({ manifest: { version: "3.0.0" }, files: { large: LARGE } });
    source.build = next;
    source.requests.length = 0;
    await device.stage([url], {}, next);
    expect(source.partRequests).toHaveLength(1);
    expect((await device.store.contents("a", "digests"))?.digest).toBe(next.digest);
  });

  it("trusts no server with another certificate, and no other protocol", async () => {
    const device = await makeDevice();
    const stranger = createServer(makeCertificate(), (_, response) => void response.end());
    await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void stranger.close());
    const { port } = stranger.address() as AddressInfo;
    expect(await codeOf(device.stage([`https://127.0.0.1:${port}`]))).toBe("PULL");
    expect(await codeOf(device.stage([`http://127.0.0.1:${port}`, "file:///etc/passwd", "no url"]))).toBe("PULL");
    expect(await codeOf(device.stage([]))).toBe("PULL");
  });
});

describe("refusing", () => {
  it.each([
    ["another network", { manifest: { network: "other" } }, "UNSUITABLE"],
    ["another platform than the list's", { manifest: { platform: { os: "plan9", arch: "x64" } } }, "UNSUITABLE"],
    ["a form that is not known", { manifest: { schema: "moult/build/v9" as "moult/build/v1" } }, "UNSUITABLE"],
  ] satisfies [string, BuildWishes, string][])("a build of %s pulls no part", async (_, wishes, code) => {
    const build = makeTestBuild({ ...wishes, files: { large: LARGE } });
    const source = new Source();
    source.build = build;
    const device = await makeDevice();
    expect(await codeOf(device.stage([await source.open()], {}, build))).toBe(code);
    expect(source.partRequests).toEqual([]);
    expect(await device.store.contents("a")).toBeUndefined();
  });

  it("a build that the list does not name asks no source for anything", async () => {
    const source = new Source();
    const device = await makeDevice();
    const unlisted = { ...BUILD, digest: "e".repeat(64) };
    expect(await codeOf(device.stage([await source.open()], {}, BUILD, unlisted))).toBe("NOT_APPROVED");
    expect(source.requests).toEqual([]);
  });

  it("other bytes under the digest that is on the list", async () => {
    const liar = new Source();
    liar.build = makeTestBuild({ manifest: { version: "2.0.1" }, files: { large: LARGE } });
    const device = await makeDevice();
    expect(await codeOf(device.stage([await liar.open()]))).toBe("NOT_APPROVED");
    expect(liar.partRequests).toEqual([]);
  });

  it("looks for the manifest at the next source where one gives another", async () => {
    const liar = new Source();
    liar.build = makeTestBuild({ manifest: { version: "2.0.1" }, files: { large: LARGE } });
    const device = await makeDevice();
    const staged = await device.stage([await liar.open(), await new Source().open()]);
    expect(staged.digest).toBe(BUILD.digest);
    // The list's counter counts, not the manifest's.
    expect(staged.releaseCounter).toBe(7);
  });
});
