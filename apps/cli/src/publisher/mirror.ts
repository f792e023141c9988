/**
 * A static mirror of a network's metadata: every file verified before it is written, each whole or not at all, and the
 * timestamp last, so that whoever reads meanwhile finds what it names. Old files stay, for those who have begun to read.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { readBrakeStatement } from "@moult/contracts";
import { brakesInForce } from "@moult/trust/statement";
import { type TrustedNetwork, fileNameOf, headIn, refreshNetwork } from "@moult/trust/tuf";
import type { RootChain } from "../ceremony/roots.ts";
import type { Coordinator } from "../connection/coordinator.ts";
import { replaceFile } from "../files.ts";
import { coordinatorSource } from "./coordinator-source.ts";
import { openMemory } from "./memory.ts";

/** Under which path of the mirror metadata stands. */
export const MIRROR_FOLDER = "v1/metadata";

/** What a mirror holds now. */
export interface Mirrored {
  readonly network: TrustedNetwork;
  /** Names below `v1/metadata/`. */
  readonly names: readonly string[];
  /** Digests of the signed brakes that hold. */
  readonly brakes: readonly string[];
}

/** Brings the mirror in `out` up to date. Throws TufError; what stood there then stays. */
export async function mirror(
  coordinator: Pick<Coordinator, "metadata" | "call">,
  roots: RootChain,
  out: string,
  nowMs: number,
): Promise<Mirrored> {
  const source = coordinatorSource(coordinator);
  const memory = openMemory(roots.newest.bytes, undefined);
  const network = await refreshNetwork({ source, store: memory }, nowMs);
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
  // Only those that hold by our own judgement; the others would be so much ballast.
  const held = source.brakes().flatMap((bytes) => heldBrake(bytes, network, nowMs));
  const texts = held.map(({ statement }) => Buffer.from(statement).toString("base64"));
  files.set("brakes.json", new TextEncoder().encode(`${JSON.stringify(texts)}\n`));
  if (timestamp !== undefined) files.set("timestamp.json", timestamp);
  mkdirSync(join(out, MIRROR_FOLDER), { recursive: true });
  for (const [name, bytes] of files) replaceFile(join(out, MIRROR_FOLDER, name), bytes);
  return { network, names: [...files.keys()], brakes: held.map(({ digest }) => digest) };
}

/** The brake where it holds; nothing where it does not. */
function heldBrake(statement: Uint8Array, network: TrustedNetwork, nowMs: number) {
  const { root, allowlist } = network;
  const rules = { network: root.network, breakers: root.breakers, lifted: allowlist.liftedBrakes, nowMs };
  const { inForce } = brakesInForce([statement], { ...rules, read: readBrakeStatement });
  return inForce.map(({ digest }) => ({ digest, statement }));
}
