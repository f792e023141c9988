/**
 * Where metadata comes from, in the order in which it is asked for.
 *
 * Servers are judged here by authority, name and dates, and not by the keys that the root pins: a device that missed two
 * rotations of those keys could otherwise never fetch the root that names the present ones. The files prove themselves, so
 * an impostor can withhold and waste, as any mirror can. Sessions, asks and parts keep the pins.
 *
 * Dates stay, by T as ADR 0017 has it: where T has gone past the end of every certificate that is shown, nothing is fetched
 * until somebody, a mirror will do, shows one that ends later.
 */
import type { WireSettings } from "../config/settings.ts";
import type { TrustSource, TrustSources } from "../trust/ports.ts";
import { GrpcMetadataSource } from "./coordinator/metadata.ts";
import { createHttpsFetcher } from "./https-fetcher.ts";
import { MirrorMetadataSource, type MirrorParts } from "./mirror-metadata.ts";
import type { PeerTrust } from "./tls/peer-trust.ts";

/** What the sources need. */
export interface TrustSourcesParts extends Omit<MirrorParts, "url" | "signal" | "fetcher"> {
  readonly settings: Pick<WireSettings, "coordinators" | "rpcTimeoutMs">;
  /** Base URLs from the configuration. */
  readonly mirrors: readonly string[];
  /** Its pins do not count here. */
  readonly trust: PeerTrust;
  /** The coordinator that is spoken to, `host:port`; it is asked first. */
  readonly present: () => string;
}

/** Coordinators, mirrors, and as a last resort the origins of a verdict's sources, each once. */
export function createTrustSources(parts: TrustSourcesParts): TrustSources {
  const { settings, mirrors, present, ...mirror } = parts;
  const trust: PeerTrust = { ...parts.trust, pins: () => [] };
  const fetcher = createHttpsFetcher(trust);
  return {
    *open(artifactSources: readonly string[], signal: AbortSignal): Generator<TrustSource> {
      const { rpcTimeoutMs } = settings;
      for (const address of new Set([present(), ...settings.coordinators])) {
        yield new GrpcMetadataSource({ address, trust, rpcTimeoutMs, signal });
      }
      for (const url of new Set([...mirrors, ...artifactSources.flatMap(originOf)])) {
        yield new MirrorMetadataSource({ ...mirror, fetcher, url, signal });
      }
    },
  };
}

function originOf(source: string): readonly string[] {
  return URL.canParse(source) ? [new URL(source).origin] : [];
}
