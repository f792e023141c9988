/** Speaks WorkService with a workload over its Unix socket. */
import { existsSync } from "node:fs";
import { credentials } from "@grpc/grpc-js";
import { type Client, createClient } from "@moult/contracts";
import { WorkService } from "@moult/contracts/work";
import type { Voice } from "../../work/ports.ts";
import { fromSituation } from "../../wire/work.ts";

/** A workload must answer within this, in milliseconds. */
const TIMEOUT_MS = 1_000;

/** The socket is on this device: when it is there, so is the workload, and waiting longer brings nothing. */
const OPTIONS = {
  "grpc.use_local_subchannel_pool": 1,
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.min_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 100,
  "grpc.max_receive_message_length": 1_048_576,
} as const;

/** The voice of the workload that listens at `socketPath`. */
export function createSocketVoice(socketPath: string): Voice {
  let client: Client<typeof WorkService> | undefined;
  const connected = (): Client<typeof WorkService> => {
    // Asking before it listens would only start grpc's waits.
    if (client === undefined && !existsSync(socketPath)) throw new Error(`nothing listens at ${socketPath} yet`);
    client ??= createClient(WorkService, `unix:${socketPath}`, credentials.createInsecure(), OPTIONS);
    return client;
  };
  const options = { timeoutMs: TIMEOUT_MS };
  return {
    situation: async () => fromSituation(await connected().situation({}, options)),
    async drain(deadlineMs) {
      await connected().drain({ deadlineMs }, options);
    },
    async restore(shards) {
      await connected().restore({ shards: [...shards] }, options);
    },
    close() {
      client?.close();
      client = undefined;
    },
  };
}
