/** Metadata from coordinators over gRPC. Needs no session, and believes nothing of what comes. */
import { type ClientOptions, status } from "@grpc/grpc-js";
import { type Client, createClient } from "@moult/contracts";
import { MetadataService } from "@moult/contracts/v1";
import { STATEMENT_BYTES_MAX } from "@moult/trust/statement";
import { BYTES_MAX, type FileName } from "@moult/trust/tuf";
import type { TrustSource } from "../../trust/ports.ts";
import { BRAKES_MAX } from "../../trust/view.ts";
import { fromBrakes } from "../../wire/verdict.ts";
import { FloorCredentials } from "../tls/channel-credentials.ts";
import type { PeerTrust } from "../tls/peer-trust.ts";

/** What a source needs. */
export interface GrpcMetadataParts {
  /** `host:port`. */
  readonly address: string;
  readonly trust: PeerTrust;
  readonly rpcTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** The largest file, all brakes, and what goes around them. */
const MESSAGE_BYTES_MAX = 1_048_576 + BRAKES_MAX * STATEMENT_BYTES_MAX + 65_536;

const OPTIONS: ClientOptions = {
  "grpc.use_local_subchannel_pool": 1,
  "grpc.service_config_disable_resolution": 1,
  "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
};

/** The coordinator at one address. Nothing is connected before the first file is wanted. */
export class GrpcMetadataSource implements TrustSource {
  readonly name: string;
  readonly #parts: GrpcMetadataParts;
  #client: Client<typeof MetadataService> | undefined;
  #brakes: readonly Uint8Array[] | undefined;

  constructor(parts: GrpcMetadataParts) {
    this.name = parts.address;
    this.#parts = parts;
  }

  async fetch({ role, version }: FileName, bytesMax: number): Promise<Uint8Array | undefined> {
    const { address, trust, rpcTimeoutMs: timeoutMs, signal } = this.#parts;
    this.#client ??= createClient(MetadataService, address, new FloorCredentials(trust, address), OPTIONS);
    try {
      const wanted = { role, version: BigInt(version ?? 0) };
      const { file, brakes } = await this.#client.getMetadata(wanted, { timeoutMs, signal });
      if (role === "timestamp") this.#brakes = fromBrakes(brakes, BRAKES_MAX);
      if (file.length > bytesMax)
        throw new RangeError(`the file has ${file.length} bytes, at most ${bytesMax} are taken`);
      return Uint8Array.from(file);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === status.NOT_FOUND) return undefined;
      throw error;
    }
  }

  /** Those that came with the timestamp, which is fetched for it where it was not yet. */
  async brakes(): Promise<readonly Uint8Array[]> {
    if (this.#brakes === undefined) await this.fetch({ role: "timestamp" }, BYTES_MAX.timestamp);
    return this.#brakes ?? [];
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }
}
