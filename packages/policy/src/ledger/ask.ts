/**
 * "May I move?" The one place where the three gates are composed. The phases are those of the product: not staged, gates
 * 1 and 2 make PREPARE; staged, all three make GO and charge the pool; drained, everything is checked again and makes GO
 * to be away. A repeated ask changes nothing that the first did not.
 */
import type { Node, NodeRunning } from "../domain/node.ts";
import type { Permit } from "../domain/permit.ts";
import { type Digest, samePlatform } from "../domain/release.ts";
import type { Situation } from "../domain/situation.ts";
import { Stay, type Words } from "../domain/said.ts";
import type { GateResult, Reason, Target, Verdict } from "../domain/verdict.ts";
import { buildFor } from "../gates/allowlist.ts";
import { type TargetInput, chooseTarget, judgeRelease } from "../gates/target.ts";
import { type Change, type Step, joined } from "./changes.ts";
import { watchForClone } from "./clone.ts";
import { type Ledger, memberOf } from "./ledger.ts";
import { depart, endPermit, grant } from "./permits.ts";
import { type Origin, isNews, isOvertaken, memberEffects, noteOrder, routerView, takeIn } from "./situation.ts";
import { ageOut, expireDue } from "./tick.ts";
import { keepWaiting, weighCapacity } from "./weigh-capacity.ts";

/** An ask, as it comes from the wire. */
export interface AskEvent extends Origin {
  readonly running: NodeRunning;
  readonly situation: Situation;
  /** Empty where nothing is staged. */
  readonly stagedDigest: Digest;
  /** Empty where the node holds no permit. */
  readonly permitId: string;
  readonly drained: boolean;
  readonly deniedDigests: readonly Digest[];
  /** Id for the permit, should one be granted; random and never used before. */
  readonly freshPermitId: string;
}

/** Judges an ask. The node must have been admitted. */
export function ask(ledger: Ledger, node: Node, event: AskEvent, now: number): Step<Verdict> {
  const expired = expireDue(ledger, now);
  const found = watchForClone(node, event, now);
  if (isOvertaken(node, event)) {
    const answer = stay(ledger, "PERMIT_INVALID", "a later ask of this node was answered already", []);
    return { answer, changes: joined(expired.changes, found), effects: expired.effects };
  }
  const before = routerView(ledger, node, now);
  const aged = ageOut(ledger, memberOf(ledger, node).pool, now);
  const changes: Change[] = [];
  if (expired.changes.length > 0) changes.push(...expired.changes);
  if (aged.changes.length > 0) changes.push(...aged.changes);
  if (node.running === undefined || !sameRunning(node.running, event.running)) node.running = event.running;
  node.deniedDigests = event.deniedDigests;
  settlePermit(ledger, node, event, now, changes);
  if (isNews(node, event, now)) takeIn(ledger, node, event.situation, now);
  noteOrder(node, event);
  const answer = judge(ledger, node, event, now, changes);
  remember(ledger, node, answer, now);
  changes.push({ kind: "node", node });
  return {
    answer,
    changes,
    effects: joined(joined(expired.effects, aged.effects), memberEffects(ledger, node, before, now)),
  };
}

/** Nearly always a node runs what it ran: then what is kept, and shared with others, goes on being it. */
function sameRunning(a: NodeRunning, b: NodeRunning): boolean {
  return (
    a === b ||
    (a.digest === b.digest &&
      a.version === b.version &&
      a.releaseCounter === b.releaseCounter &&
      samePlatform(a.platform, b.platform))
  );
}

/** Ends a permit that this ask shows to be of no use any more, before the node's word is counted. */
function settlePermit(ledger: Ledger, node: Node, event: AskEvent, now: number, changes: Change[]): void {
  const permit = node.permit;
  if (permit === undefined) return;
  const named = event.permitId === permit.permitId;
  const onOldBuild = event.running.digest === permit.fromDigest;
  // The answer that granted it was lost: the node asks again just as before.
  const grantLost = event.permitId === "" && permit.phase === "DRAINING" && event.stagedDigest === permit.toDigest;
  if (onOldBuild && permit.phase !== "RETURNED" && (named || grantLost)) return;
  if (named && event.running.digest === permit.toDigest) return;
  changes.push(...endPermit(ledger, node, permit, { end: "ABANDONED", now }));
}

function judge(ledger: Ledger, node: Node, event: AskEvent, now: number, changes: Change[]): Verdict {
  const { releases, dials, brake, signedBrakes } = ledger;
  const input: TargetInput = { node, running: event.running, releases, dials, brake, signedBrakes, now };
  const permit = node.permit;
  if (permit !== undefined) return judgeHolder(ledger, input, permit, event, now, changes);
  if (event.permitId !== "") {
    return stay(ledger, "PERMIT_INVALID", `permit ${event.permitId} is not known or has ended`, []);
  }
  const { target, gates } = chooseTarget(input);
  if (target === undefined) return refused(ledger, gates, now);
  const { version } = target.release;
  if (event.stagedDigest !== target.build.digest) {
    return { decision: "PREPARE", gates, message: `pull and stage ${version}; keep working`, target };
  }
  const { gate, overrideId } = weighCapacity(ledger, node, target, now);
  keepWaiting(ledger, node, gate, now);
  const all = [...gates, gate];
  if (!gate.passed) return refused(ledger, all, now);
  const granted = grant(ledger, node, target, { permitId: event.freshPermitId, overrideId }, now);
  changes.push(...granted.changes);
  return { decision: "GO", gates: all, message: `drain, then ask again`, target, permit: granted.permit };
}

/** The answer to a node that holds a live permit. */
function judgeHolder(
  ledger: Ledger,
  input: TargetInput,
  permit: Permit,
  event: AskEvent,
  now: number,
  changes: Change[],
): Verdict {
  const release = ledger.releases.find((candidate) => candidate.version === permit.version);
  const build = release && buildFor(release, event.running.platform);
  if (release === undefined || build === undefined || build.digest !== permit.toDigest) {
    changes.push(...endPermit(ledger, input.node, permit, { end: "REFUSED", now }));
    return stay(ledger, "NOT_LISTED", `build ${permit.toDigest.slice(0, 12)} is not listed any more`, []);
  }
  const target: Target = { release, build };
  if (permit.phase !== "DRAINING" || !event.drained) {
    const message = permit.phase === "DRAINING" ? "drain, then ask again" : "swap";
    return { decision: "GO", gates: [], message, target, permit };
  }
  const policy = judgeRelease(input, release);
  const all = policy.every((gate) => gate.passed)
    ? [...policy, weighCapacity(ledger, input.node, target, now).gate]
    : policy;
  if (!all.every((gate) => gate.passed)) {
    changes.push(...endPermit(ledger, input.node, permit, { end: "REFUSED", now }));
    return refused(ledger, all, now);
  }
  const departed = depart(ledger, input.node, permit, now);
  changes.push(...departed.changes);
  return { decision: "GO", gates: all, message: "swap", target, permit: departed.permit };
}

function refused(ledger: Ledger, gates: readonly GateResult[], now: number): Verdict {
  const refusal = gates.find((gate) => !gate.passed);
  if (refusal === undefined) return stay(ledger, "PASSED", "nothing to do", gates);
  const leftMs = refusal.untilMs === undefined ? undefined : refusal.untilMs - now;
  return stay(ledger, refusal.reason, () => refusal.message, gates, leftMs);
}

/** `leftMs`: how long the refusal will last at most, where that is known; nobody waits longer than that. */
function stay(
  ledger: Ledger,
  reason: Reason,
  words: Words,
  gates: readonly GateResult[],
  leftMs = Number.POSITIVE_INFINITY,
): Verdict {
  const { retry } = ledger.config;
  const gate = gates.find((result) => !result.passed)?.gate;
  const retryAfterMs =
    gate === "CAPACITY"
      ? retry.capacityMs
      : gate === "DIAL"
        ? retry.dialMs
        : gate === "ALLOWLIST"
          ? retry.allowlistMs
          : 0;
  return new Stay(gates, reason, words, Math.min(retryAfterMs, Math.max(1, leftMs)));
}

/** Keeps the last answer for operators, and counts refusals. Being up to date is none. */
function remember(ledger: Ledger, node: Node, verdict: Verdict, now: number): void {
  const gate = verdict.gates.find((result) => !result.passed)?.gate;
  const reason = verdict.decision === "STAY" ? verdict.reason : "PASSED";
  node.lastVerdict = { decision: verdict.decision, gate, reason, atMs: now };
  if (gate !== undefined && reason !== "UP_TO_DATE") ledger.tally.refusals[gate] += 1;
}
