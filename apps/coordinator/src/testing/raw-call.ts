/** A unary call with bytes of the test's own, as a peer of another version or a hostile one would send them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client, Metadata } from "@grpc/grpc-js";
import { secureChannel } from "@moult/contracts";
import { CALL_MS } from "./clients.ts";
import type { TestCoordinator } from "./coordinator.ts";

/** The answer's bytes. `path` is `/package.Service/Method`. */
export async function rawCall(
  home: TestCoordinator,
  path: string,
  bytes: Uint8Array,
  bearer: string,
): Promise<Uint8Array> {
  const ca = readFileSync(join(home.config.state_dir, "tls", "ca.pem"));
  const channel = secureChannel(home.running.grpc, ca);
  const client = new Client(home.running.grpc, channel.credentials, channel.options);
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${bearer}`);
  const same = (body: Uint8Array): Buffer => Buffer.from(body);
  try {
    return await new Promise<Uint8Array>((resolve, reject) => {
      const options = { deadline: Date.now() + CALL_MS };
      client.makeUnaryRequest(path, same, same, bytes, metadata, options, (error, answer) => {
        if (error) reject(error);
        else resolve(answer ?? new Uint8Array());
      });
    });
  } finally {
    client.close();
  }
}
