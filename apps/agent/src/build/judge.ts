/**
 * Whether a manifest that was fetched is the one that the council's allowlist means, and for this device. Pure. The
 * envelope around it is what versions before 0.2 went by; its signatures mean nothing here.
 */
import { type BuildManifest, ManifestError, TrustError, digestOf, parseEnvelope, parseManifest } from "@moult/trust";
import type { AllowedBuild } from "@moult/trust/tuf";
import type { DeviceFacts } from "../trust/gate.ts";
import type { Refusal } from "../update/state.ts";

/** A manifest whose every byte the list vouches for. */
export interface ApprovedManifest {
  readonly manifest: BuildManifest;
  readonly bytes: Uint8Array;
  readonly digest: string;
}

/** The manifest, or why not. */
export type ManifestJudgement = { readonly approved: ApprovedManifest } | { readonly refused: Refusal };

/** Judges an envelope that was fetched for `allowed`. Nothing in the payload is read before its digest was found right. */
export function judgeManifest(
  envelope: Uint8Array,
  allowed: AllowedBuild,
  device: Pick<DeviceFacts, "network" | "platform">,
): ManifestJudgement {
  const bytes = payloadOf(envelope);
  if (bytes === undefined) return refuse("NOT_APPROVED", "The source gave no manifest in an envelope.");
  const digest = digestOf(bytes);
  if (digest !== allowed.digest || bytes.length !== allowed.lengthBytes) {
    return refuse("NOT_APPROVED", "The source gave another manifest than the one that the allowlist names.");
  }
  const manifest = parse(bytes);
  if (manifest instanceof ManifestError) return refuse("UNSUITABLE", manifest.message);
  if (manifest.network !== device.network) {
    return refuse("UNSUITABLE", `The build is for network ${manifest.network}, this device is of ${device.network}.`);
  }
  const { os, arch } = device.platform;
  if (manifest.platform.os !== os || manifest.platform.arch !== arch) {
    const other = `${manifest.platform.os}-${manifest.platform.arch}`;
    return refuse("UNSUITABLE", `The build is for ${other}, this device is ${os}-${arch}.`);
  }
  return { approved: { manifest, bytes, digest } };
}

function payloadOf(envelope: Uint8Array): Uint8Array | undefined {
  try {
    return parseEnvelope(envelope).unverifiedPayload;
  } catch (error) {
    if (error instanceof TrustError) return undefined;
    throw error;
  }
}

function parse(bytes: Uint8Array): BuildManifest | ManifestError {
  try {
    return parseManifest(bytes);
  } catch (error) {
    if (error instanceof ManifestError) return error;
    throw error;
  }
}

function refuse(reason: Refusal["reason"], message: string): ManifestJudgement {
  return { refused: { reason, message } };
}
