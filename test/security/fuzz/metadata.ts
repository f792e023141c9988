/** Metadata of a network with everything that metadata may say: what mutations of metadata begin with. */
import { writeBrakeStatement } from "@moult/contracts";
import { TestNetwork } from "@moult/trust/testing";
import type { MetadataSource } from "@moult/trust/tuf";
import { buildOf } from "../../../apps/coordinator/src/testing/network.ts";

const HOUR_MS = 3_600_000;

/** When all of it is good. */
export const SAMPLES_NOW_MS: number = Date.UTC(2026, 10, 21);

/** Files and what is around them. */
export interface MetadataSamples {
  readonly network: TestNetwork;
  readonly source: MetadataSource;
  readonly files: Readonly<Record<"root" | "targets" | "snapshot" | "timestamp", Uint8Array>>;
  /** A breaker's signed brake. */
  readonly brake: Uint8Array;
}

let made: MetadataSamples | undefined;

/** Made once in each thread; keys are new each time, so that an input is replayed in form and not in its signatures. */
export function metadataSamples(): MetadataSamples {
  if (made !== undefined) return made;
  const network = new TestNetwork({ nowMs: () => SAMPLES_NOW_MS });
  network.allow(network.entry(buildOf("2.0.0", 2).manifest));
  const file = (name: string): Uint8Array => network.files.get(name) ?? new Uint8Array();
  const files = {
    root: file("1.root.json"),
    targets: file("targets.json"),
    snapshot: file("snapshot.json"),
    timestamp: file("timestamp.json"),
  };
  const facts = { network: network.network, issuedMs: SAMPLES_NOW_MS, expiresMs: SAMPLES_NOW_MS + HOUR_MS };
  const brake = network.brake(writeBrakeStatement({ ...facts, body: { reason: "smoke" } }));
  made = { network, source: network.source, files, brake };
  return made;
}
