/** Where metadata comes from, in the order in which it is asked for. */
import type { WireSettings } from "../config/settings.ts";
import type { TrustSource, TrustSources } from "../trust/ports.ts";
import { GrpcMetadataSource } from "./coordinator/metadata.ts";
import { MirrorMetadataSource, type MirrorParts } from "./mirror-metadata.ts";
import type { PeerTrust } from "./tls/peer-trust.ts";

/** What the sources need. */
export interface TrustSourcesParts extends Omit<MirrorParts, "url" | "signal"> {
  readonly settings: Pick<WireSettings, "coordinators" | "rpcTimeoutMs">;
  /** Base URLs from the configuration. */
  readonly mirrors: readonly string[];
  readonly trust: PeerTrust;
  /** The coordinator that is spoken to, `host:port`; it is asked first. */
  readonly present: () => string;
}

/** Coordinators, mirrors, and as a last resort the origins of a verdict's sources, each once. */
export function createTrustSources(parts: TrustSourcesParts): TrustSources {
  const { settings, mirrors, trust, present, ...mirror } = parts;
  return {
    *open(artifactSources: readonly string[], signal: AbortSignal): Generator<TrustSource> {
      const { rpcTimeoutMs } = settings;
      for (const address of new Set([present(), ...settings.coordinators])) {
        yield new GrpcMetadataSource({ address, trust, rpcTimeoutMs, signal });
      }
      for (const url of new Set([...mirrors, ...artifactSources.flatMap(originOf)])) {
        yield new MirrorMetadataSource({ ...mirror, url, signal });
      }
    },
  };
}

function originOf(source: string): readonly string[] {
  return URL.canParse(source) ? [new URL(source).origin] : [];
}
