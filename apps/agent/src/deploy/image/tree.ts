/**
 * The files an image puts on a box, as data: what stands where, with which mode. Everything belongs to root, and nothing
 * of it says when or by whom it was made.
 */
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { CONTENTS_FILE, MANIFEST_FILE, SIGNED_FILE, type SlotContents, encodeContents } from "@moult/slots";

/** Where the image's own files stand on a box. */
export const LIBRARY = "usr/lib/moult";

/** The read-only build of last resort. */
export const FACTORY: string = join(LIBRARY, "factory");

/** The template of the configuration. */
export const TEMPLATE = "usr/share/moult/device.yaml";

/** The authority of the coordinators' certificates. */
export const CA = "usr/share/moult/ca.pem";

/** The root of trust. */
export const ROOT = "usr/share/moult/root.json";

const UNITS = "usr/lib/systemd/system";
const UNIT_SOURCES = join(import.meta.dirname, "../../../units");
const HARDENING_MARK = "# @hardening\n";

/** Something that stands on a box. `path` is relative to the box's root. */
export type ImageEntry = { readonly path: string } & (
  | { readonly kind: "directory" }
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "file"; readonly executable: boolean; readonly bytes: Uint8Array }
  | { readonly kind: "file"; readonly executable: boolean; readonly source: string; readonly lengthBytes: number }
);

/** What the tree is made of. */
export interface TreeInput {
  readonly contents: SlotContents;
  readonly manifest: Uint8Array;
  readonly signed: Uint8Array;
  /** Folder with each part, named by its digest. */
  readonly parts: string;
  readonly launcher: Uint8Array;
  readonly firstBoot: Uint8Array;
  readonly template: Uint8Array;
  /** PEM; undefined where the vendor brings its own. */
  readonly ca: Uint8Array | undefined;
  /** The root of trust; undefined where the vendor or the build brings its own. */
  readonly root: Uint8Array | undefined;
}

/** The whole tree, sorted, each folder before what is in it. */
export function imageTree(input: TreeInput): readonly ImageEntry[] {
  const { contents } = input;
  const file = (path: string, bytes: Uint8Array, executable = false): ImageEntry => ({
    path,
    kind: "file",
    executable,
    bytes,
  });
  const parts = contents.parts.map(({ path, digest, lengthBytes, executable }): ImageEntry => {
    const source = join(input.parts, digest);
    return {
      path: join(FACTORY, path),
      kind: "file",
      executable: executable || path === contents.runtime,
      source,
      lengthBytes,
    };
  });
  const entries: readonly ImageEntry[] = [
    ...parts,
    file(join(FACTORY, CONTENTS_FILE), encodeContents(contents)),
    file(join(FACTORY, MANIFEST_FILE), input.manifest),
    file(join(FACTORY, SIGNED_FILE), input.signed),
    file(join(LIBRARY, "launcher.mjs"), input.launcher),
    file(join(LIBRARY, "first-boot.mjs"), input.firstBoot),
    { path: join(LIBRARY, "node"), kind: "link", target: join("factory", contents.runtime) },
    file(TEMPLATE, input.template),
    ...(input.ca === undefined ? [] : [file(CA, input.ca)]),
    ...(input.root === undefined ? [] : [file(ROOT, input.root)]),
    ...units(),
    file("usr/lib/sysusers.d/moult.conf", readFileSync(join(UNIT_SOURCES, "moult.sysusers"))),
    file("usr/share/doc/moult/README", readFileSync(join(UNIT_SOURCES, "README"))),
    // The vendor's configuration, or the place where the configuration's partition is mounted.
    { path: "etc/moult", kind: "directory" },
  ];
  return [...foldersOf(entries), ...entries].sort((x, y) => (x.path < y.path ? -1 : x.path > y.path ? 1 : 0));
}

/** The units, those of the agent with its hardening, and the one that is started with the box. */
function units(): readonly ImageEntry[] {
  const hardening = readFileSync(join(UNIT_SOURCES, "hardening.conf"), "utf8");
  const names = readdirSync(UNIT_SOURCES).filter((name) => /\.(service|path|timer)$/.test(name));
  return [
    ...names.map((name): ImageEntry => {
      const text = readFileSync(join(UNIT_SOURCES, name), "utf8").replace(HARDENING_MARK, hardening);
      return { path: join(UNITS, name), kind: "file", executable: false, bytes: Buffer.from(text) };
    }),
    { path: join(UNITS, "multi-user.target.wants/moult.service"), kind: "link", target: "../moult.service" },
  ];
}

/** The folders above `entries` that are not among them. */
function foldersOf(entries: readonly ImageEntry[]): readonly ImageEntry[] {
  const known = new Set(entries.map(({ path }) => path));
  const folders = new Set<string>();
  for (const { path } of entries) {
    for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) {
      if (!known.has(folder)) folders.add(folder);
    }
  }
  return [...folders].map((path) => ({ path, kind: "directory" }));
}
