/** Finds a target through the tree of delegations, and downloads it. Plain TUF; Moult's own list has no tree. */
import { createHash } from "node:crypto";
import { readFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Metadata, MetadataKind, type TargetFile } from "@tufjs/models";
import type { Refresh } from "@moult/trust/tuf";
import { place } from "./folder-store.ts";
import { fetchBounded, under } from "./http-source.ts";

/** Roles that one search visits. */
const ROLES_MAX = 32;

/** Where to download from and to. */
export interface Places {
  readonly baseUrl: string;
  readonly folder: string;
}

/**
 * The target's entry, searched in pre-order, depth first, as the specification (5.6.7) says; undefined where no role that
 * may speak for the path lists it. Throws TufError.
 */
export async function findTarget(walk: Refresh, path: string): Promise<TargetFile | undefined> {
  const toVisit: { role: string; parent: string }[] = [{ role: "targets", parent: "root" }];
  const visited = new Set<string>();
  while (visited.size <= ROLES_MAX) {
    const next = toVisit.pop();
    if (next === undefined) return undefined;
    if (visited.has(next.role)) continue;
    visited.add(next.role);
    if (walk.session.targets(next.role) === undefined) await walk.targets(next.role, next.parent);
    const document = walk.session.targets(next.role);
    if (document === undefined) continue;
    const { signed } = Metadata.fromJSON(
      MetadataKind.Targets,
      JSON.parse(Buffer.from(document.bytes).toString("utf8")),
    );
    if (Object.hasOwn(signed.targets, path)) return signed.targets[path];
    const children: typeof toVisit = [];
    for (const { role, terminating } of signed.delegations?.rolesForTarget(path) ?? []) {
      children.push({ role, parent: next.role });
      if (terminating) {
        toVisit.length = 0;
        break;
      }
    }
    toVisit.push(...children.toReversed());
  }
  return undefined;
}

/** Downloads the target, unless it is there already. The file's name is the path in escaped form. Throws on any mismatch. */
export async function download(target: TargetFile, hashedName: boolean, { baseUrl, folder }: Places): Promise<void> {
  const file = join(folder, encodeURIComponent(target.path).replaceAll(".", "%2E"));
  const there = await readFile(file).catch(absent);
  if (there !== undefined && fits(target, there)) return;
  const bytes = await fetchBounded(under(baseUrl, addressOf(target, hashedName)), target.length);
  if (bytes === undefined) throw new Error(`the mirror has no ${target.path}`);
  if (!fits(target, bytes)) throw new Error(`${target.path} is not what the list names`);
  await mkdir(folder, { recursive: true });
  await place(file, bytes);
}

function fits(target: TargetFile, bytes: Uint8Array): boolean {
  const known = Object.entries(target.hashes).filter(([name]) => name === "sha256" || name === "sha512");
  // A list of hashes that is empty, or of broken ones only, would fit any bytes.
  if (known.length === 0 || bytes.length !== target.length) return false;
  return known.every(([name, value]) => createHash(name).update(bytes).digest("hex") === value);
}

/** No segment climbs; every character that means something in an address is escaped. */
function addressOf(target: TargetFile, hashedName: boolean): string {
  const segments = target.path.split("/");
  if (segments.some((s) => s === "." || s === "..")) throw new Error(`${target.path} climbs`);
  const name = segments.pop() ?? "";
  const prefix = hashedName ? `${Object.values(target.hashes)[0]}.` : "";
  return [...segments, `${prefix}${name}`].map((s) => encodeURIComponent(s)).join("/");
}

function absent(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
