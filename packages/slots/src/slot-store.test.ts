import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { PartError } from "./part-writer.ts";
import { SlotStore } from "./slot-store.ts";
import { planStage } from "./swap-plan.ts";
import { makeBuild, stage } from "./testing/builds.ts";
import { type MemoryDisk, createMemoryDisk } from "./testing/memory-disk.ts";

const ONE = makeBuild({ agent: "agent one" });
const TWO = makeBuild({ agent: "agent two" });
const THREE = makeBuild({ agent: "agent three", workload: "another workload" });

describe("the slot store", () => {
  let disk: MemoryDisk;
  let store: SlotStore;
  let names = 0;

  beforeEach(async () => {
    disk = createMemoryDisk();
    await disk.makeFolder("/device");
    store = new SlotStore(disk, "/device", () => `name-${(names += 1)}`);
    await store.prepare();
    await stage(store, "factory", ONE);
  });

  it("writes an unchanged part once, however many slots hold it", async () => {
    disk.operations.length = 0;
    expect(await stage(store, "a", TWO)).toBe(1);
    expect(disk.same("/device/factory/runtime/node", "/device/slots/a/runtime/node")).toBe(true);
    // One part and the slot's three documents.
    expect(disk.operations.filter((operation) => operation.startsWith("create "))).toHaveLength(4);
    expect((await store.contents("a", "digests"))?.digest).toBe(TWO.contents.digest);
  });

  it("tells sound parts from damaged ones, which it removes so that they are fetched again", async () => {
    await stage(store, "a", TWO);
    const parts = TWO.contents.parts;
    expect(await store.soundParts(parts)).toEqual(new Set(parts.map(({ digest }) => digest)));
    const [short, altered] = parts;
    if (short === undefined || altered === undefined) throw new Error("the build has two parts");
    for (const [part, text] of [
      [short, "a"],
      [altered, "x".repeat(altered.lengthBytes)],
    ] as const) {
      const file = await disk.rewrite(join(store.layout.parts, part.digest), "plain");
      await file.write(new TextEncoder().encode(text));
      await file.close();
    }
    const sound = await store.soundParts(parts);
    expect(sound).toEqual(new Set(parts.slice(2).map(({ digest }) => digest)));
    const present = await store.presentParts();
    expect(present.has(short.digest) || present.has(altered.digest)).toBe(false);
  });

  it("makes executables executable under all their names", async () => {
    await stage(store, "a", TWO);
    expect(disk.isExecutable("/device/slots/a/runtime/node")).toBe(true);
    expect(disk.isExecutable("/device/slots/a/agent/agent.mjs")).toBe(false);
  });

  it("lets no wrong bytes in, and leaves nothing of them behind", async () => {
    const [part] = TWO.contents.parts.filter(({ path }) => path === "agent/agent.mjs");
    if (part === undefined) throw new Error("the build has an agent");
    const wrong = "agent 222";
    const cases = [
      { text: wrong, code: "DIGEST_WRONG" },
      { text: "agent", code: "TOO_SHORT" },
      { text: "agent two and more", code: "TOO_LONG" },
    ];
    for (const { text, code } of cases) {
      const writer = await store.receivePart(part);
      const write = async (): Promise<void> => {
        await writer.write(new TextEncoder().encode(text));
        await writer.finish();
      };
      const failure = await write().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(PartError);
      expect((failure as PartError).code).toBe(code);
      if (code === "TOO_LONG") await writer.discard();
      expect(await disk.list("/device/incoming")).toEqual([]);
      expect((await store.presentParts()).has(part.digest)).toBe(false);
    }
  });

  it("never has half a slot under a slot's name", async () => {
    await stage(store, "a", TWO);
    const present = [...(await store.presentParts())];
    disk.operations.length = 0;
    await stage(store, "a", THREE);
    const renames = disk.operations.filter(
      (operation) => operation.startsWith("rename") && operation.includes("/slots/a"),
    );
    // The old one away whole, the new one in whole; nothing else happens under the name.
    expect(renames).toHaveLength(2);
    expect(disk.operations.filter((operation) => / \/device\/slots\/a\//.test(operation))).toEqual([]);
    expect(present.length).toBeGreaterThan(0);
  });

  it("syncs a slot's files and folders before it gets its name", async () => {
    disk.operations.length = 0;
    await stage(store, "b", TWO);
    const named = disk.operations.findIndex((operation) => operation.endsWith(" /device/slots/b"));
    const folder = disk.operations[named]?.split(" ")[1] ?? "";
    const before = disk.operations.slice(0, named);
    for (const path of [folder, `${folder}/runtime`, `${folder}/agent`, `${folder}/.moult`]) {
      expect(before).toContain(`syncFolder ${path}`);
    }
    for (const name of ["manifest.json", "signed.json", "contents"])
      expect(before).toContain(`sync ${folder}/.moult/${name}`);
    expect(disk.operations[named + 1]).toBe("syncFolder /device/slots");
  });

  it("notices what is missing, short or altered", async () => {
    await stage(store, "a", TWO);
    expect(await store.contents("a")).toBeDefined();
    disk.put("/device/slots/a/agent/agent.mjs", new TextEncoder().encode("agent 222"));
    expect(await store.contents("a", "lengths")).toBeDefined();
    expect(await store.contents("a", "digests")).toBeUndefined();
    disk.put("/device/slots/a/agent/agent.mjs", new TextEncoder().encode("short"));
    expect(await store.contents("a", "lengths")).toBeUndefined();
    await stage(store, "b", TWO);
    disk.put("/device/slots/b/.moult/manifest.json", new TextEncoder().encode("{}"));
    expect(await store.contents("b")).toBeUndefined();
    disk.put("/device/factory/.moult/contents", new Uint8Array([0]));
    expect(await store.contents("factory")).toBeUndefined();
  });

  it("refuses to replace the factory slot", async () => {
    await expect(stage(store, "factory", TWO)).rejects.toMatchObject({ code: "EXISTS" });
    expect((await store.contents("factory"))?.digest).toBe(ONE.contents.digest);
  });

  it("drops parts that no slot names, but none while a slot cannot be read", async () => {
    await stage(store, "a", TWO);
    await stage(store, "a", THREE);
    const orphan = TWO.contents.parts.find(({ path }) => path === "agent/agent.mjs")?.digest ?? "";
    disk.put("/device/slots/a/.moult/contents", new Uint8Array([0]));
    await store.dropUnusedParts();
    expect((await store.presentParts()).has(orphan)).toBe(true);
    await stage(store, "a", THREE);
    await store.dropUnusedParts();
    expect((await store.presentParts()).has(orphan)).toBe(false);
    expect(await store.contents("a", "digests")).toBeDefined();
    expect(await store.contents("factory", "digests")).toBeDefined();
  });

  describe("a part that came in half", () => {
    const part = THREE.contents.parts.find(({ path }) => path === "workload/server.mjs");
    if (part === undefined) throw new Error("the build has a workload");
    const bytes = THREE.bytes.get(part.digest) ?? new Uint8Array();
    const half = bytes.subarray(0, 7);
    const path = `/device/incoming/part-${part.digest}`;

    beforeEach(async () => {
      const writer = await store.receivePart(part);
      await writer.write(half);
      await writer.suspend();
    });

    it("is gone on with by a later writer, and its bytes are read again", async () => {
      expect([...(await store.partialParts())]).toEqual([[part.digest, half.length]]);
      const writer = await store.receivePart(part);
      expect([writer.foundBytes, writer.receivedBytes]).toEqual([half.length, half.length]);
      await writer.write(bytes.subarray(half.length));
      await writer.finish();
      expect((await store.presentParts()).has(part.digest)).toBe(true);
      const range = new Uint8Array(5);
      expect(await store.readPart(part.digest, 2, range)).toBe(5);
      expect(range).toEqual(bytes.slice(2, 7));
      expect(await store.readPart(part.digest, bytes.length - 3, range)).toBe(3);
      expect(await disk.list("/device/incoming")).toEqual([]);
    });

    it("is not let in where the disk gives back other bytes than were written", async () => {
      disk.put(path, new Uint8Array(half.length));
      const writer = await store.receivePart(part);
      await writer.write(bytes.subarray(half.length));
      await expect(writer.finish()).rejects.toMatchObject({ code: "DIGEST_WRONG" });
      expect((await store.presentParts()).has(part.digest)).toBe(false);
      expect(await disk.list("/device/incoming")).toEqual([]);
    });

    it("is dropped where it is longer than the part", async () => {
      disk.put(path, new Uint8Array(part.lengthBytes + 1));
      const writer = await store.receivePart(part);
      expect(writer.receivedBytes).toBe(0);
      await writer.discard();
    });

    it("is written, synced and named in this order", async () => {
      const writer = await store.receivePart(part);
      disk.operations.length = 0;
      await writer.write(bytes.subarray(half.length));
      await writer.finish();
      const target = `/device/parts/${part.digest}`;
      expect(disk.operations).toEqual([
        `write ${path}`,
        `sync ${path}`,
        `rename ${path} ${target}`,
        "syncFolder /device/parts",
      ]);
    });

    it("stays through a sweep that wants it, and goes with any other", async () => {
      await disk.makeFolder("/device/incoming/half");
      await disk.makeFolder("/device/incoming/half/agent");
      await store.sweep("ALL");
      expect(await disk.list("/device/incoming")).toEqual([`part-${part.digest}`]);
      await store.sweep(new Set([part.digest]));
      expect(await disk.list("/device/incoming")).toEqual([`part-${part.digest}`]);
      await store.sweep(new Set(["another"]));
      expect(await disk.list("/device/incoming")).toEqual([]);
    });

    it("goes with any sweep once the part is in the store: a power cut may have brought it back", async () => {
      disk.put(`/device/parts/${part.digest}`, bytes);
      await store.sweep("ALL");
      expect(await disk.list("/device/incoming")).toEqual([]);
    });

    it("leaves nothing where nothing had come", async () => {
      await store.sweep();
      await (await store.receivePart(part)).suspend();
      expect(await disk.list("/device/incoming")).toEqual([]);
    });
  });

  it("makes safe the names it finds: whoever gave them may have been killed before they were", async () => {
    await stage(store, "a", TWO);
    disk.operations.length = 0;
    await store.prepare();
    for (const folder of ["/device", "/device/parts", "/device/slots"]) {
      expect(disk.operations).toContain(`syncFolder ${folder}`);
    }
    expect(disk.operations.filter((operation) => !operation.startsWith("syncFolder"))).toEqual([]);
  });

  it("removes a placed tree as a whole: never is half of it under its name", async () => {
    await store.placeTree("/device/work/one", ONE.contents.parts);
    disk.operations.length = 0;
    await store.removePlacedTree("/device/work/one");
    expect(disk.operations[0]).toMatch(/^rename \/device\/work\/one \/device\/incoming\//);
    expect(disk.operations[1]).toBe("syncFolder /device/work");
    expect(disk.operations.slice(2).every((operation) => operation.includes("/device/incoming/"))).toBe(true);
    expect(await disk.entry("/device/work/one")).toBeUndefined();
    await store.removePlacedTree("/device/work/one");
  });

  it("tells a full disk by its code and keeps the running slot", async () => {
    disk.failWith = "FULL";
    await expect(stage(store, "a", TWO)).rejects.toMatchObject({ code: "FULL" });
    disk.failWith = undefined;
    expect(await store.contents("factory", "digests")).toBeDefined();
    await store.sweep();
    await stage(store, "a", TWO);
    expect(await store.contents("a", "digests")).toBeDefined();
  });
});

describe("the stage plan", () => {
  it("never names the running slot, and fetches each missing digest once", () => {
    const present = new Set(ONE.contents.parts.map(({ digest }) => digest));
    for (const running of ["a", "b", "factory"] as const) {
      const plan = planStage({ build: THREE.contents, running, present });
      expect(plan.slot).not.toBe(running);
      expect(plan.slot).not.toBe("factory");
      expect(plan.missing.map(({ path }) => path).sort()).toEqual(["agent/agent.mjs", "workload/server.mjs"]);
      expect(plan.missingBytes).toBe(plan.missing.reduce((sum, part) => sum + part.lengthBytes, 0));
    }
    const [part] = ONE.contents.parts;
    if (part === undefined) throw new Error("the build has parts");
    const twice = { ...ONE.contents, parts: [part, { ...part, path: "again", executable: true }] };
    const plan = planStage({ build: twice, running: "a", present: new Set() });
    expect(plan.missing).toHaveLength(1);
    expect(plan.missing[0]?.executable).toBe(true);
  });
});
