/**
 * The cohort bound: how much of the fleet may move to a build, and from when. The council signs it, and each device works
 * out alone whether it is inside; whoever steers the rollout can only be tighter.
 */
import { createHmac } from "node:crypto";
import { DIGEST, DIGEST_RULE } from "./patterns.ts";
import type { Reader } from "./reader.ts";
import type { Json } from "./strict-json.ts";

/** From this moment on, this share. */
export interface CohortStep {
  /** Milliseconds since 1970, judged by T. */
  readonly notBeforeMs: number;
  /** Parts per million of the fleet; 0 to 1,000,000. */
  readonly sharePpm: number;
}

/** Who may move when, at most. */
export interface CohortBound {
  /** 64 hexadecimal digits; a release's own, so that the same households are not always first. */
  readonly seed: string;
  /** 1 to 32, later ones later and never smaller. */
  readonly steps: readonly CohortStep[];
}

/** The whole fleet, in parts per million. */
export const WHOLE_PPM = 1_000_000;

const STEPS_MAX = 32;

/** 2^53: as many positions as a double tells apart. */
const POSITIONS = 2n ** 53n;

/**
 * A node's place in the row: HMAC-SHA256(seed, node id), the top 53 bits of its first eight bytes as a big-endian number,
 * 0 to 2^53-1. The same place as in a share of the dial with the same seed.
 */
export function cohortPosition(seed: string, nodeId: string): bigint {
  return createHmac("sha256", Buffer.from(seed, "hex")).update(nodeId, "utf8").digest().readBigUInt64BE(0) >> 11n;
}

/** The share that may move at `nowMs`, parts per million: the last step that has come; before the first, 0. */
export function cohortShare(bound: CohortBound, nowMs: number): number {
  return bound.steps.findLast((step) => step.notBeforeMs <= nowMs)?.sharePpm ?? 0;
}

/** Whether the node may move at `nowMs`: position / 2^53 < share / 1,000,000, in whole numbers, so nothing is rounded. */
export function withinCohort(bound: CohortBound, nodeId: string, nowMs: number): boolean {
  return cohortPosition(bound.seed, nodeId) * BigInt(WHOLE_PPM) < BigInt(cohortShare(bound, nowMs)) * POSITIONS;
}

/** Reads a bound. Throws TufError FORM_INVALID. */
export function readCohort(value: Json, where: string, reader: Reader): CohortBound {
  const fields = reader.object(value, where, { required: ["seed", "steps"] });
  const steps = reader.list(fields["steps"], `${where}.steps`, 1, STEPS_MAX).map((item, n) => {
    const at = `${where}.steps[${n}]`;
    const step = reader.object(item, at, { required: ["not_before", "share_ppm"] });
    return {
      notBeforeMs: reader.time(step["not_before"], `${at}.not_before`),
      sharePpm: reader.integer(step["share_ppm"], `${at}.share_ppm`, 0, WHOLE_PPM),
    };
  });
  for (const [n, step] of steps.entries()) {
    const before = steps[n - 1];
    if (before !== undefined && (step.notBeforeMs <= before.notBeforeMs || step.sharePpm < before.sharePpm)) {
      reader.fail(`${where}.steps[${n}]`, "is not later than the step before, or smaller");
    }
  }
  return { seed: reader.string(fields["seed"], `${where}.seed`, DIGEST, DIGEST_RULE), steps };
}
