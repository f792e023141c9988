/** Metadata as a coordinator hands it out. Nothing it says is believed; who walks it verifies each file. */
import { readRpcError } from "@moult/contracts";
import { type MetadataSource, fileNameOf } from "@moult/trust/tuf";
import type { Coordinator } from "../connection/coordinator.ts";

/** A source, and what else came through it. */
export interface CoordinatorSource extends MetadataSource {
  /** Every file that came, by its TUF name. Unverified. */
  readonly seen: ReadonlyMap<string, Uint8Array>;
  /** The brakes that came with the timestamp. Unverified. */
  readonly brakes: () => readonly Uint8Array[];
}

/** The source. `first`: roots that are at hand already, by version; they go before what the coordinator has. */
export function coordinatorSource(
  { metadata, call }: Pick<Coordinator, "metadata" | "call">,
  first: ReadonlyMap<number, Uint8Array> = new Map(),
): CoordinatorSource {
  const seen = new Map<string, Uint8Array>();
  let brakes: readonly Uint8Array[] = [];
  return {
    seen,
    brakes: () => brakes,
    async fetch(file) {
      const own = file.role === "root" && file.version !== undefined ? first.get(file.version) : undefined;
      if (own !== undefined) return own;
      try {
        const answer = await metadata.getMetadata({ role: file.role, version: BigInt(file.version ?? 0) }, call);
        if (file.role === "timestamp") ({ brakes } = answer);
        seen.set(fileNameOf(file), answer.file);
        return answer.file;
      } catch (error) {
        if (error instanceof Error && readRpcError(error).reason === "METADATA_UNKNOWN") return undefined;
        throw error;
      }
    },
  };
}
