/**
 * Gate 1 on the device: whether the council approved exactly these bytes, and for this device as it is. Pure. A
 * coordinator's word counts for nothing here; the worst it can do is offer an approved build at a bad moment.
 */
import { type BuildManifest, type Council, TrustError, verifySignedManifest } from "@moult/trust";
import type { FailureReason, OfferedBuild, RunningBuild } from "../update/state.ts";

/** What the device goes by. */
export interface JudgeInput {
  readonly envelope: Uint8Array;
  readonly offered: OfferedBuild;
  readonly council: Council;
  readonly network: string;
  readonly platform: { readonly os: string; readonly arch: string };
  readonly running: Pick<RunningBuild, "version" | "releaseCounter">;
  readonly denied: readonly string[];
}

/** An approved build, or why not. */
export type Judgement =
  | { readonly approved: { readonly manifest: BuildManifest; readonly bytes: Uint8Array; readonly digest: string } }
  | { readonly refused: { readonly reason: FailureReason; readonly message: string } };

/** Judges an envelope that was fetched for `offered`. */
export function judgeBuild(input: JudgeInput): Judgement {
  const { offered, running } = input;
  const verified = verify(input);
  if ("refused" in verified) return verified;
  const { manifest, bytes, digest } = verified.approved;
  if (digest !== offered.digest) return refuse("NOT_APPROVED", "The source gave another build than the one offered.");
  if (input.denied.includes(digest)) return refuse("UNSUITABLE", "The build was tried here and reverted.");
  if (manifest.network !== input.network) {
    return refuse("UNSUITABLE", `The build is for network ${manifest.network}, this device is of ${input.network}.`);
  }
  const { os, arch } = input.platform;
  if (manifest.platform.os !== os || manifest.platform.arch !== arch) {
    const other = `${manifest.platform.os}-${manifest.platform.arch}`;
    return refuse("UNSUITABLE", `The build is for ${other}, this device is ${os}-${arch}.`);
  }
  if (manifest.release_counter <= running.releaseCounter) {
    const counters = `${manifest.release_counter}, and ${running.releaseCounter} runs`;
    return refuse("UNSUITABLE", `The build's release counter is ${counters}; a device moves only forward.`);
  }
  if (manifest.from_versions.length > 0 && !manifest.from_versions.includes(running.version)) {
    return refuse("UNSUITABLE", `The build cannot be reached from version ${running.version}.`);
  }
  if (bytes.length !== offered.manifestBytes) {
    return refuse("UNSUITABLE", `The manifest has ${bytes.length} bytes, not ${offered.manifestBytes} as offered.`);
  }
  return verified;
}

function verify({ envelope, council }: JudgeInput): Judgement {
  try {
    return { approved: verifySignedManifest(envelope, council) };
  } catch (error) {
    if (!(error instanceof TrustError)) throw error;
    return refuse(error.code === "MANIFEST_INVALID" ? "UNSUITABLE" : "NOT_APPROVED", error.message);
  }
}

function refuse(reason: FailureReason, message: string): Judgement {
  return { refused: { reason, message } };
}
