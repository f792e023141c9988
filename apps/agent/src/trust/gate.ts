/**
 * Gate 1 on the device: whether the council's allowlist lets this device move to this build now. Pure. A coordinator's word
 * counts for nothing here; the worst it can do is offer an approved build at a bad moment.
 */
import { type AllowedBuild, withinCohort } from "@moult/trust/tuf";
import type { Refusal, RunningBuild } from "../update/state.ts";
import { type Times, type TrustView, brakesHolding, missingBrake } from "./view.ts";

/** What the device is. */
export interface DeviceFacts {
  /** Its id, as its own key makes it: nobody else has a say in where it stands in a cohort. */
  readonly node: string;
  readonly network: string;
  readonly platform: { readonly os: string; readonly arch: string };
}

/** The list's word on a build, or why it is not to be gone by. */
export type Judgement = { readonly allowed: AllowedBuild } | { readonly refused: Refusal };

/** What is judged, and by what. */
export interface GateInput {
  readonly view: TrustView;
  readonly device: DeviceFacts;
  readonly digest: string;
  readonly running: Pick<RunningBuild, "digest" | "version" | "releaseCounter">;
  readonly denied: readonly string[];
  /** T, milliseconds since 1970. */
  readonly nowMs: number;
  /** The slow T, by which cohorts widen and brakes end. */
  readonly slowMs: number;
}

/** Judges a move to the build with this digest, now. */
export function judgeMove(input: GateInput): Judgement {
  const { view, device, digest, nowMs, slowMs } = input;
  const listed = judgeListed(input);
  if ("refused" in listed) return listed;
  const braked = judgeBrakes(view, { nowMs, slowMs });
  if (braked !== undefined) return { refused: braked };
  const { cohort } = listed.allowed;
  if (cohort !== undefined && !withinCohort(cohort, device.node, slowMs)) {
    return refuse(
      "OUTSIDE_COHORT",
      `${digest.slice(0, 12)} is not for this device yet: the council lets a share move first.`,
    );
  }
  return listed;
}

/** What brakes speak against any move now: one that holds, or one that the publisher names and nobody has shown. */
export function judgeBrakes(view: TrustView, times: Times): Refusal | undefined {
  const [brake] = brakesHolding(view, times);
  if (brake !== undefined) {
    const until = new Date(brake.expiresMs).toISOString();
    return { reason: "BRAKED", message: `A breaker's brake holds until ${until}: ${brake.reason}` };
  }
  const missing = missingBrake(view);
  if (missing === undefined) return undefined;
  const message = `The publisher names the brake ${missing.slice(0, 12)}, and nobody has shown it to this device.`;
  return { reason: "BRAKED", message };
}

/** Whether the build is approved for this device as it is, whatever the moment. */
export function judgeListed(input: GateInput): Judgement {
  const { view, device, digest, running, denied, nowMs } = input;
  const { network } = view;
  if (network === undefined) return refuse("METADATA", `There is no allowlist to go by: ${view.gap}`);
  if (network.staleFromMs <= nowMs) {
    const when = new Date(network.staleFromMs).toISOString();
    return refuse("METADATA", `The allowlist is stale since ${when}, and nothing newer could be had.`);
  }
  if (network.root.network !== device.network) {
    return refuse("METADATA", `The root is of network ${network.root.network}, this device is of ${device.network}.`);
  }
  const allowed = network.allowlist.builds.get(digest);
  if (allowed === undefined) {
    const { version } = network.allowlist;
    return refuse(
      "NOT_APPROVED",
      `Version ${version} of the allowlist does not name the build ${digest.slice(0, 12)}.`,
    );
  }
  const unfit = unfitness(allowed, counterOf(view, running), input);
  if (unfit !== undefined) return refuse("UNSUITABLE", unfit);
  if (denied.includes(digest)) return refuse("UNSUITABLE", "The build was tried here and reverted.");
  return { allowed };
}

/** The release counter of what runs: the list's where it names the build, for old bytes may be approved under a new one. */
export function counterOf({ network }: TrustView, running: Pick<RunningBuild, "digest" | "releaseCounter">): number {
  return network?.allowlist.builds.get(running.digest)?.releaseCounter ?? running.releaseCounter;
}

function unfitness(allowed: AllowedBuild, runningCounter: number, { device, running }: GateInput): string | undefined {
  const { os, arch } = device.platform;
  const { platform, releaseCounter, fromVersions } = allowed;
  if (platform.os !== os || platform.arch !== arch) {
    return `The build is for ${platform.os}-${platform.arch}, this device is ${os}-${arch}.`;
  }
  if (releaseCounter <= runningCounter) {
    return `The build's release counter is ${releaseCounter}, and ${runningCounter} runs; a device moves only forward.`;
  }
  if (fromVersions.length > 0 && !fromVersions.includes(running.version)) {
    return `The build cannot be reached from version ${running.version}.`;
  }
  return undefined;
}

function refuse(reason: Refusal["reason"], message: string): Judgement {
  return { refused: { reason, message } };
}
