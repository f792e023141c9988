/** `moult audit prove`: that one leaf is in the log, with the proof for others. */
import {
  AuditError,
  HASH_BYTES,
  type Subtree,
  checkpointBytes,
  fold,
  hashInTile,
  inclusionPlan,
  leafHash,
  readBundle,
  readLeaf,
  tileOf,
  TILE_WIDTH,
  tileWidth,
  verifyInclusion,
} from "@moult/trust/audit";
import type { Command } from "commander";
import { wholeNumber } from "../../arguments/numbers.ts";
import { type LogSource, openLog } from "../../audit/log-source.ts";
import { type LogOptions, addLogVerb, readLogSettings } from "../../audit/options.ts";
import { leafJson, leafLine } from "../../audit/shown-leaf.ts";
import { fetchCheckpoint } from "../../audit/verify-log.ts";
import { usageError } from "../../errors.ts";
import { print } from "../../output/print.ts";
import { renderPairs } from "../../output/table.ts";
import type { Ports } from "../../ports.ts";

/** Adds the verb. */
export function addAuditProve(parent: Command, ports: Ports): void {
  addLogVerb(parent, {
    usage: "prove <leaf>",
    summary: "Prove that a leaf is in the log, by its index",
    detail:
      "Downloads the few tiles that the proof is made of, and checks it against the signed checkpoint. With -o json the leaf's " +
      "hash, the proof (RFC 6962, base64) and the checkpoint are printed for others to check. Exit code 6 where it does not hold.",
    examples: ["moult audit prove 42 --state-dir ./state", "moult audit prove 42 -o json"],
  }).action(async (argument: string, options: LogOptions) => {
    const index = wholeNumber(0, Number.MAX_SAFE_INTEGER)(argument);
    const settings = readLogSettings(options, ports.env);
    const source = openLog(settings);
    try {
      const { checkpoint } = await fetchCheckpoint(source, settings);
      const { size, root } = checkpoint;
      if (index >= size) throw usageError(`The log has ${size} leaves: 0 to ${size - 1}.`);
      const bundleIndex = Math.floor(index / TILE_WIDTH);
      const width = tileWidth(0, bundleIndex, size);
      const bundle = readBundle(await source.tile({ level: "entries", index: bundleIndex, width }), width);
      const entry = bundle[index % TILE_WIDTH] ?? new Uint8Array();
      const proof = await fetchProof(source, index, size);
      const claim = { index, size, leafHash: leafHash(entry), root };
      if (!verifyInclusion(claim, proof)) {
        throw new AuditError("PROOF_INVALID", `Leaf ${index} as it was served is not in the tree that was signed.`);
      }
      const leaf = readLeaf(entry);
      const base64 = (hash: Uint8Array): string => Buffer.from(hash).toString("base64");
      print(ports, options.output, {
        json: {
          leaf: leafJson(leaf, index),
          leafHash: base64(claim.leafHash),
          proof: proof.map((hash) => base64(hash)),
          size,
          root: base64(root),
          checkpoint: new TextDecoder().decode(checkpointBytes(checkpoint)),
        },
        table: (style) =>
          renderPairs(
            [
              ["proven", { text: `leaf ${index} is in the log of ${size} leaves`, tone: "good" }],
              ["root", base64(root)],
              ["proof", `${proof.length} hashes; -o json prints them`],
              ["leaf", leafLine(leaf, index)],
            ],
            style,
          ),
      });
    } finally {
      source.close();
    }
  });
}

async function fetchProof(source: LogSource, index: number, size: number): Promise<readonly Uint8Array[]> {
  const plan = inclusionPlan(index, size);
  const tiles = new Map<string, Uint8Array>();
  for (const tile of plan.flat().map((subtree) => tileOf(subtree, size))) {
    const key = `${tile.level}/${tile.index}`;
    if (!tiles.has(key)) tiles.set(key, await source.tile({ level: tile.level, index: tile.index, width: tile.width }));
  }
  const hashOf = (subtree: Subtree): Uint8Array => {
    const { level, index, width, from, count } = tileOf(subtree, size);
    const hashes = tiles.get(`${level}/${index}`) ?? new Uint8Array();
    return hashInTile(hashes.subarray(0, width * HASH_BYTES), from, count);
  };
  return plan.map((run) => fold(run, hashOf));
}
