/**
 * Which libraries went into the bundles, for the bill of materials beside an image: name, version and licence from each
 * library's own package.json, its hash from the lock file it was installed by.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "yaml";

/** A library in a bundle. */
export interface Component {
  /** As on npm, as in `@grpc/grpc-js`. */
  readonly name: string;
  readonly version: string;
  /** An SPDX expression, as the library states it. */
  readonly licence: string;
  /** Subresource integrity of its package, as in `sha512-…`; from the lock file. */
  readonly integrity: string;
}

/** A library without what a bill of materials needs. */
export class ComponentUnknown extends Error {
  readonly code = "COMPONENT_UNKNOWN";
}

const LOCK_FILE = join(import.meta.dirname, "../../../../pnpm-lock.yaml");

/** The integrity of `name@version` in the checkout's lock file. Throws ComponentUnknown. */
export function integrityOf(name: string, version: string): string {
  const integrity = readLock()[`${name}@${version}`]?.resolution?.integrity;
  if (integrity !== undefined) return integrity;
  throw new ComponentUnknown(`${name}@${version} is not in ${LOCK_FILE}`);
}

/** The libraries that own `modules`, files that were bundled; sorted, each once. What is ours is left out. Throws ComponentUnknown. */
export function componentsOf(modules: readonly string[]): readonly Component[] {
  const found = new Map<string, Component>();
  for (const folder of new Set(modules.flatMap((file) => packageFolder(file) ?? []))) {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
      readonly name: string;
      readonly version: string;
      readonly license?: string;
    };
    if (license === undefined) throw new ComponentUnknown(`${name}@${version} does not state its licence`);
    found.set(`${name}@${version}`, { name, version, licence: license, integrity: integrityOf(name, version) });
  }
  return [...found].sort(([x], [y]) => (x < y ? -1 : 1)).map(([, component]) => component);
}

/** The library's folder: the nearest with a named and versioned package.json, below `node_modules`. */
function packageFolder(file: string): string | undefined {
  if (!file.includes("/node_modules/")) return undefined;
  for (let folder = dirname(file); !folder.endsWith("/node_modules"); folder = dirname(folder)) {
    const path = join(folder, "package.json");
    if (!existsSync(path)) continue;
    const { name, version } = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    if (name !== undefined && version !== undefined) return folder;
  }
  return undefined;
}

type Lock = Readonly<Record<string, { readonly resolution?: { readonly integrity?: string } }>>;
let lock: Lock | undefined;

function readLock(): Lock {
  lock ??= (parse(readFileSync(LOCK_FILE, "utf8")) as { readonly packages: Lock }).packages;
  return lock;
}
