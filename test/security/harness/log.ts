/** A real coordinator's log: grown by real calls, read from its own socket, and served again by a server that lies. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readKeyFile } from "@moult/trust";
import type { CapturedLog, Resources } from "../../audit/served-log.ts";
import { until } from "../../audit/processes.ts";
import type { Fort } from "./fort.ts";
import { releaseToAll } from "./release.ts";

const HASHES_OF_A_TILE = 256;

/** More than fits an entry, so that its body stands beside the log. */
const NAMED = 400;

/** Turns the brake on and off, and the dial of a release: each turn leaves a leaf. */
export async function grow(fort: Fort, leaves: number): Promise<void> {
  const { rollout, operator } = fort.clients;
  for (let n = 0; n < leaves; n += 1) {
    if (n % 2 === 0) await rollout.engageBrake({ reason: `drill ${n}` }, operator);
    else await rollout.releaseBrake({ reason: `drill ${n}` }, operator);
  }
}

/** Leaves one leaf whose body stands beside the log: a release, and a dial that names many nodes. */
export async function growApart(fort: Fort): Promise<void> {
  await releaseToAll(fort);
  const { rollout, operator } = fort.clients;
  const nodes = Array.from({ length: NAMED }, (_, node) => `nodes/${"n".repeat(90)}${node}`);
  const dial = { release: "releases/2.0.0", setting: { case: "named" as const, value: { nodes, selectors: [] } } };
  await rollout.setDial({ dial }, operator);
}

/** What a resource of the log holds now; undefined where it is not there. */
async function read(fort: Fort, path: string): Promise<Uint8Array | undefined> {
  const { status, body } = await fort.clients.http("GET", `/v1/audit/${path}`);
  return status === 200 ? new Uint8Array(body) : undefined;
}

/** The size that the last checkpoint says. */
export async function sizeOf(fort: Fort): Promise<number> {
  const checkpoint = await read(fort, "checkpoint");
  return Number(
    Buffer.from(checkpoint ?? [])
      .toString("utf8")
      .split("\n")[1] ?? 0,
  );
}

/** All that the log serves once it has so many leaves. */
export async function capture(fort: Fort, leavesMin: number): Promise<CapturedLog> {
  const size = await until(`${leavesMin} leaves`, async () => {
    const now = await sizeOf(fort);
    return now >= leavesMin ? now : undefined;
  });
  if (size >= HASHES_OF_A_TILE) throw new Error("a captured log has one tile");
  const resources: Resources = new Map();
  const keep = async (path: string): Promise<Uint8Array> => {
    const bytes = await read(fort, path);
    if (bytes === undefined) throw new Error(`${path} is not served`);
    resources.set(path, bytes);
    return bytes;
  };
  await keep("checkpoint");
  await keep(`tile/0/000.p/${size}`);
  const bundle = await keep(`tile/entries/000.p/${size}`);
  const digests = Buffer.from(bundle)
    .toString("latin1")
    .matchAll(/"body_sha256":"([0-9a-f]{64})"/g);
  for (const [, digest] of digests) await keep(`body/${digest}`);
  const vkey = readFileSync(join(fort.stateDir, "audit", "log.vkey"), "utf8").trim();
  const privateKey = readKeyFile(readFileSync(join(fort.stateDir, "audit", "log.key"), "utf8"));
  const origin = vkey.split("+")[0] ?? "";
  return { resources, size, vkey, privateKey, origin };
}
