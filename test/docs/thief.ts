/**
 * A thief with the publisher's key, for the runbook of that theft: publishes a timestamp with the largest version there is, so
 * that nothing can follow it. `node thief.ts KEY_FILE FOLDER`, where FOLDER is a mirror of the metadata; the coordinator is
 * the one of MOULT_STATE_DIR.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createClient, secureChannel } from "@moult/contracts";
import { MetadataService } from "@moult/contracts/v1";
import { digestOf, readKeyFile } from "@moult/trust";
import { signFile } from "@moult/trust/tuf";

const CALL_MS = 10_000;

interface File {
  signatures: unknown[];
  readonly signed: { version: number; meta: Record<string, object> };
}

const [keyFile, folder] = process.argv.slice(2);
const stateDir = process.env["MOULT_STATE_DIR"];
if (keyFile === undefined || folder === undefined || stateDir === undefined) throw new Error("KEY_FILE FOLDER");
const key = readKeyFile(readFileSync(keyFile, "utf8"));

function read(name: string): File {
  return JSON.parse(readFileSync(join(folder ?? "", name), "utf8")) as File;
}

function forge(file: File): Uint8Array {
  return signFile(new TextEncoder().encode(JSON.stringify({ ...file, signatures: [] })), key);
}

const timestampFile = read("timestamp.json");
const { version } = timestampFile.signed.meta["snapshot.json"] as { readonly version: number };
const snapshotFile = read(`${version}.snapshot.json`);
snapshotFile.signed.version = version + 1;
const snapshot = forge(snapshotFile);
timestampFile.signed.version = Number.MAX_SAFE_INTEGER;
timestampFile.signed.meta = {
  "snapshot.json": { version: version + 1, length: snapshot.length, hashes: { sha256: digestOf(snapshot) } },
};
const timestamp = forge(timestampFile);

const { grpc } = JSON.parse(readFileSync(join(stateDir, "endpoints.json"), "utf8")) as { grpc: string };
const channel = secureChannel(grpc, readFileSync(join(stateDir, "tls", "ca.pem")));
const client = createClient(MetadataService, grpc, channel.credentials, channel.options);
const bearer = readFileSync(join(stateDir, "publisher.token"), "utf8").trim();
await client.publishMetadata({ files: [snapshot, timestamp] }, { bearer, timeoutMs: CALL_MS });
client.close();
