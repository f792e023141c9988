/**
 * A static mirror of a network's metadata: every file verified before it is written, each whole or not at all, and the
 * timestamp last, so that whoever reads meanwhile finds what it names. Old files stay, for those who have begun to read.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { readBrakeStatement } from "@moult/contracts";
import { STATEMENT_BYTES_MAX, brakesInForce } from "@moult/trust/statement";
import {
  type MetadataSource,
  TufError,
  type TrustedNetwork,
  fileNameOf,
  headIn,
  refreshNetwork,
} from "@moult/trust/tuf";
import type { RootChain } from "../ceremony/roots.ts";
import type { Coordinator } from "../connection/coordinator.ts";
import { CliError } from "../errors.ts";
import { exists, readBounded, replaceFile } from "../files.ts";
import { coordinatorSource } from "./coordinator-source.ts";
import { type PublisherMemory, openMemory } from "./memory.ts";
import { throughAllRoots } from "./published.ts";

/** Under which path of the mirror metadata stands. */
export const MIRROR_FOLDER = "v1/metadata";

const BRAKES = "brakes.json";
const HELD_MAX = 64;
const HELD_OF_ONE_MAX = 8;
/** In base64, and as much again for what stands around. */
const BRAKES_BYTES_MAX = 2 * HELD_MAX * STATEMENT_BYTES_MAX;

interface HeldBrake {
  readonly digest: string;
  readonly statement: Uint8Array;
}

/** What a mirror holds now. */
export interface Mirrored {
  readonly network: TrustedNetwork;
  /** Names below `v1/metadata/`. */
  readonly names: readonly string[];
  /** Digests of the signed brakes that hold. */
  readonly brakes: readonly string[];
}

/** What a mirror is made from. */
export interface MirrorWish {
  readonly roots: RootChain;
  readonly out: string;
  /** Files with signed brakes, straight from breakers. */
  readonly brakes: readonly string[];
  readonly nowMs: number;
}

/**
 * Brings the mirror in `out` up to date. What stands there is memory: an older timestamp is refused, and a brake that holds
 * stays, whatever the coordinator says. Throws CliError, and TufError; what stood there then stays, and brakes are added all
 * the same.
 */
export async function mirror(
  coordinator: Pick<Coordinator, "metadata" | "call">,
  { roots, out, brakes, nowMs }: MirrorWish,
): Promise<Mirrored> {
  const source = coordinatorSource(coordinator);
  const folder = join(out, MIRROR_FOLDER);
  mkdirSync(folder, { recursive: true });
  const memory = openMemory(roots.newest.bytes, undefined);
  const before = await readMirror(folder, memory);
  const offered = [...brakes.map(readStatement), ...readBrakes(folder)];
  const network = await throughAllRoots(() => refreshNetwork({ source, store: memory }, nowMs)).catch(
    (error: unknown) => {
      if (before !== undefined) writeBrakes(folder, heldBrakes(offered, before, nowMs));
      throw error;
    },
  );
  const { timestamp, snapshot, targets } = memory.kept();
  const files = new Map(roots.files.map(({ version, bytes }) => [fileNameOf({ role: "root", version }), bytes]));
  // The walk asked for each root that follows, and went on only where it verified.
  for (let version = roots.newest.version + 1; version <= network.root.version; version += 1) {
    const name = fileNameOf({ role: "root", version });
    const bytes = source.seen.get(name);
    if (bytes !== undefined) files.set(name, bytes);
  }
  const list = targets.get("targets");
  for (const [role, bytes] of [["targets", list] as const, ["snapshot", snapshot] as const]) {
    if (bytes !== undefined) files.set(fileNameOf({ role, version: headIn(bytes).version }), bytes);
  }
  const held = heldBrakes([...offered, ...source.brakes()], network, nowMs);
  for (const [name, bytes] of files) replaceFile(join(folder, name), bytes);
  writeBrakes(folder, held);
  if (timestamp !== undefined) replaceFile(join(folder, "timestamp.json"), timestamp);
  const given = brakes.filter((path) => heldBrakes([readStatement(path)], network, nowMs).length === 0);
  if (given.length > 0) throw new CliError("VERIFICATION", `${given.join(", ")}: no brake that holds by this root.`);
  const names = [...files.keys(), "brakes.json", ...(timestamp === undefined ? [] : ["timestamp.json"])];
  return { network, names, brakes: held.map(({ digest }) => digest) };
}

/** Takes what the folder holds into memory, as far as it verifies; undefined where that is no whole view. */
async function readMirror(folder: string, memory: PublisherMemory): Promise<TrustedNetwork | undefined> {
  const source: MetadataSource = {
    fetch: async (file, bytesMax) => {
      const path = join(folder, fileNameOf(file));
      return exists(path) ? readBounded(path, bytesMax) : undefined;
    },
  };
  try {
    // At time 0 nothing has expired: what is old by now still says what is older.
    return await throughAllRoots(() => refreshNetwork({ source, store: memory }, 0));
  } catch (error) {
    // A new mirror, or one of keys that the roots do not name any more.
    if (error instanceof TufError && error.code !== "SOURCE_FAILED") return undefined;
    throw error;
  }
}

function readStatement(path: string): Uint8Array {
  return readBounded(path, STATEMENT_BYTES_MAX);
}

/** The statements that the mirror holds already, unverified; none where the file is no such list. */
function readBrakes(folder: string): readonly Uint8Array[] {
  const path = join(folder, BRAKES);
  if (!exists(path)) return [];
  try {
    const list: unknown = JSON.parse(new TextDecoder().decode(readBounded(path, BRAKES_BYTES_MAX)));
    if (!Array.isArray(list)) return [];
    return list.flatMap((text: unknown) => (typeof text === "string" ? [Buffer.from(text, "base64")] : []));
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function writeBrakes(folder: string, held: readonly HeldBrake[]): void {
  const texts = held.map(({ statement }) => Buffer.from(statement).toString("base64"));
  replaceFile(join(folder, BRAKES), new TextEncoder().encode(`${JSON.stringify(texts)}\n`));
}

/**
 * Only those that hold by our own judgement, each once; the others would be so much ballast. At most 8 of one breaker and 64
 * in all, as coordinators hold them, so that one stolen key cannot crowd the others out.
 */
function heldBrakes(statements: readonly Uint8Array[], network: TrustedNetwork, nowMs: number): readonly HeldBrake[] {
  const { root, allowlist } = network;
  const rules = { network: root.network, breakers: root.breakers, lifted: allowlist.liftedBrakes, nowMs };
  const held = new Map<string, HeldBrake>();
  const ofBreaker = new Map<string, number>();
  for (const statement of statements) {
    const [brake] = brakesInForce([statement], { ...rules, read: readBrakeStatement }).inForce;
    if (brake === undefined || held.has(brake.digest) || held.size === HELD_MAX) continue;
    const [breaker = ""] = brake.signedBy;
    const count = ofBreaker.get(breaker) ?? 0;
    if (count === HELD_OF_ONE_MAX) continue;
    ofBreaker.set(breaker, count + 1);
    held.set(brake.digest, { digest: brake.digest, statement });
  }
  return [...held.values()];
}
