import { DiskError } from "@moult/slots";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { type ImageFolder, type Normal, digestOfImage, diskOf, imageAt } from "./image.ts";
import { ModelDisk } from "./model-disk.ts";
import { outcomesOf, settledImage } from "./outcomes.ts";
import { emptyDisk } from "./state.ts";

const PLAIN: Normal = { isShuffled: () => false, isIgnored: () => false, content: (_, bytes) => bytes };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a disk whose power may go", () => {
  let disk: ModelDisk;

  beforeEach(() => {
    disk = new ModelDisk(emptyDisk());
  });

  async function write(path: string, text: string, synced: boolean): Promise<void> {
    const file =
      (await disk.entry(path)) === undefined ? await disk.create(path, "plain") : await disk.rewrite(path, "plain");
    await file.write(bytes(text));
    if (synced) await file.sync();
    await file.close();
  }

  function images(bound = 10_000): readonly ImageFolder[] {
    return [...outcomesOf(disk.state, { bound, seed: 1 })].map(({ image }) => image);
  }

  /** What may be found at the path: its text, `nothing`, or `folder`. */
  function found(path: string): ReadonlySet<string> {
    return new Set(
      images().map((image) => {
        const node = imageAt(image, path);
        if (node === undefined) return "nothing";
        return node.kind === "folder" ? "folder" : Buffer.from(node.bytes).toString("latin1");
      }),
    );
  }

  it("keeps what was made safe, name and bytes, in every case", async () => {
    await write("/f", "text", true);
    await disk.syncFolder("/");
    expect(found("/f")).toEqual(new Set(["text"]));
    expect(images()).toHaveLength(1);
  });

  it("may lose the name of a synced file, and the bytes of a synced name", async () => {
    await write("/f", "text", true);
    expect(found("/f")).toEqual(new Set(["nothing", "text"]));
    await write("/g", "text", false);
    await disk.syncFolder("/");
    const forms = found("/g");
    expect(forms).not.toContain("nothing");
    for (const form of ["", "text", "te", "te\0\0", "\0\0\0\0", "\0\0xt", "tex"]) expect(forms).toContain(form);
  });

  it("leaves old bytes behind new ones where a file was written anew", async () => {
    await write("/f", "oldold", true);
    await disk.syncFolder("/");
    await write("/f", "newnew", false);
    const forms = found("/f");
    for (const form of ["oldold", "newnew", "newold", "", "new\0\0\0"]) expect(forms).toContain(form);
  });

  it("renames as a whole or not at all, also between folders, whichever of them is synced", async () => {
    for (const folder of ["/one", "/two"]) await disk.makeFolder(folder);
    await disk.syncFolder("/");
    await write("/one/f", "text", true);
    await disk.syncFolder("/one");
    await disk.rename("/one/f", "/two/g");
    const places = images().map((image) =>
      [imageAt(image, "/one/f"), imageAt(image, "/two/g")].map((node) => node?.kind),
    );
    expect(places).toContainEqual(["file", undefined]);
    expect(places).toContainEqual([undefined, "file"]);
    expect(places).toHaveLength(2);
    await disk.syncFolder("/one");
    expect(found("/two/g")).toEqual(new Set(["text"]));
  });

  it("keeps the order of changes of one name, and of no others", async () => {
    await write("/a", "1", true);
    await write("/b", "2", true);
    const both = images().map((image) => `${imageAt(image, "/a")?.kind} ${imageAt(image, "/b")?.kind}`);
    expect(new Set(both).size).toBe(4);
    await disk.syncFolder("/");
    await disk.removeFile("/a");
    await write("/a", "3", true);
    expect(found("/a")).toEqual(new Set(["1", "nothing", "3"]));
    await disk.removeFile("/b");
    // The new /a stands on the removal of the old one; that of /b is free.
    expect(images()).toHaveLength(6);
  });

  it("does not make a folder's names safe with the folder's own name", async () => {
    await disk.makeFolder("/d");
    await write("/d/f", "text", true);
    await disk.syncFolder("/");
    expect(found("/d/f")).toEqual(new Set(["nothing", "text"]));
    await disk.syncFolder("/d");
    expect(found("/d/f")).toEqual(new Set(["text"]));
  });

  it("may lose a change of mode until the file is synced, and not the mode a file was made with", async () => {
    const file = await disk.create("/x", "executable");
    await file.sync();
    await disk.syncFolder("/");
    expect(images().map((image) => imageAt(image, "/x"))).toMatchObject([{ executable: true }]);
    await write("/y", "text", true);
    await disk.syncFolder("/");
    const modes = new Set<boolean>();
    disk.onOperation = (_, state) => {
      for (const { image } of outcomesOf(state, { bound: 10, seed: 1 })) {
        const node = imageAt(image, "/y");
        if (node?.kind === "file") modes.add(node.executable);
      }
    };
    await disk.makeExecutable("/y");
    disk.onOperation = undefined;
    expect(modes).toEqual(new Set([true, false]));
    expect(images()).toHaveLength(1);
  });

  it("tries the same combinations for the same seed, and no more than it is told to", async () => {
    for (let index = 0; index < 12; index += 1) await write(`/f${index}`, "text", false);
    const how = (seed: number): readonly string[] =>
      [...outcomesOf(disk.state, { bound: 500, seed })].map((outcome) => outcome.how);
    expect(how(1)).toHaveLength(500);
    expect(new Set(how(1)).size).toBe(500);
    expect(how(1)).toEqual(how(1));
    expect(how(1)).not.toEqual(how(2));
  });

  it("tells images apart by what can be read, and only by that", async () => {
    await disk.makeFolder("/in");
    await write("/in/random-1", "text", true);
    const one = settledImage(disk.state);
    await disk.rename("/in/random-1", "/in/random-2");
    const two = settledImage(disk.state);
    expect(digestOfImage(one, PLAIN)).not.toBe(digestOfImage(two, PLAIN));
    const shuffled = { ...PLAIN, isShuffled: (folder: string) => folder === "/in" };
    expect(digestOfImage(one, shuffled)).toBe(digestOfImage(two, shuffled));
    expect(digestOfImage(settledImage(diskOf(two)), PLAIN)).toBe(digestOfImage(two, PLAIN));
  });
});

/** Random work on a few names, some of it refused. */
const operation = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), path: fc.constantFrom("/a", "/b", "/d/a"), text: fc.string() }),
  fc.record({ kind: fc.constant("sync" as const), path: fc.constantFrom("/a", "/b", "/d/a") }),
  fc.record({ kind: fc.constant("syncFolder" as const), path: fc.constantFrom("/", "/d") }),
  fc.record({ kind: fc.constant("makeFolder" as const), path: fc.constant("/d") }),
  fc.record({ kind: fc.constant("remove" as const), path: fc.constantFrom("/a", "/b", "/d/a", "/d") }),
  fc.record({
    kind: fc.constantFrom("rename" as const, "link" as const),
    path: fc.constantFrom("/a", "/b", "/d/a", "/d"),
    to: fc.constantFrom("/a", "/b", "/d/a"),
  }),
);

type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

async function apply(disk: ModelDisk, todo: Operation): Promise<void> {
  switch (todo.kind) {
    case "write": {
      const file = await disk.rewrite(todo.path, "plain");
      return file.write(bytes(todo.text));
    }
    case "sync":
      return disk.syncFile(todo.path);
    case "syncFolder":
      return disk.syncFolder(todo.path);
    case "makeFolder":
      return disk.makeFolder(todo.path);
    case "remove":
      return (await disk.entry(todo.path))?.kind === "directory"
        ? disk.removeFolder(todo.path)
        : disk.removeFile(todo.path);
    case "rename":
      return todo.to.startsWith(`${todo.path}/`) ? undefined : disk.rename(todo.path, todo.to);
    case "link":
      return disk.link(todo.path, todo.to);
  }
}

describe("any work on a disk", () => {
  it("is all there in the first outcome, and all gone or as before in some other, until it is safe", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 25 }), async (todos) => {
        const disk = new ModelDisk(emptyDisk());
        for (const todo of todos) {
          await apply(disk, todo).catch((error: unknown) => {
            if (!(error instanceof DiskError)) throw error;
          });
        }
        const seen = await treeOf(disk, "/");
        const image = settledImage(disk.state);
        expect(await treeOf(new ModelDisk(diskOf(image)), "/")).toEqual(seen);
        // Once everything is synced nothing is left to chance.
        for (const [path, kind] of Object.entries(seen)) {
          await (kind === "folder" ? disk.syncFolder(path) : disk.syncFile(path));
        }
        await disk.syncFolder("/");
        const images = [...outcomesOf(disk.state, { bound: 20, seed: 1 })].map((outcome) => outcome.image);
        expect(new Set(images.map((one) => digestOfImage(one, PLAIN)))).toEqual(new Set([digestOfImage(image, PLAIN)]));
      }),
    );
  });
});

/** Everything that can be read, by path. */
async function treeOf(disk: ModelDisk, folder: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {};
  for (const name of [...(await disk.list(folder))].sort()) {
    const path = folder === "/" ? `/${name}` : `${folder}/${name}`;
    const text = (await disk.entry(path))?.kind === "directory" ? undefined : await disk.read(path, 1_000_000);
    tree[path] = text === undefined ? "folder" : `file ${Buffer.from(text).toString("utf8")}`;
    if (text === undefined) Object.assign(tree, await treeOf(disk, path));
  }
  return tree;
}
