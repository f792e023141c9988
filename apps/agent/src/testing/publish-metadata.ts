/** Hands a network's metadata to a real coordinator, as its publisher. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createClient, secureChannel } from "@moult/contracts";
import { MetadataService } from "@moult/contracts/v1";

/** A call's deadline, in milliseconds: far above what it takes. */
const CALL_MS = 10_000;

/** Publishes files at the coordinator on `grpc` (`host:port`), whose state folder holds its authority and tokens. */
export async function publishMetadata(grpc: string, stateDir: string, files: readonly Uint8Array[]): Promise<void> {
  const channel = secureChannel(grpc, readFileSync(join(stateDir, "tls", "ca.pem")));
  const client = createClient(MetadataService, grpc, channel.credentials, channel.options);
  try {
    const bearer = readFileSync(join(stateDir, "publisher.token"), "utf8").trim();
    await client.publishMetadata({ files: [...files] }, { bearer, timeoutMs: CALL_MS });
  } finally {
    client.close();
  }
}
