/**
 * The rules by which something looks wrong: state, what was seen and now go in, findings come out. Only what is suspected
 * has memory, and each sort of it a bound, so that a million nodes cost 2 MB for the table of numbers and at most some 8 MB for the rest.
 * It stops nothing and knows no names beyond ids.
 */
import { BoundedMap } from "./bounded-map.ts";
import { Forks } from "./forks.ts";
import type { AskSight, Finding, Sight } from "./kinds.ts";
import { Rates } from "./rates.ts";

const MINUTE_MS = 60_000;
/** An ask this soon after the last answer is nothing that a node's wake-ups explain; they are minutes apart. */
const SOON_MS = 10_000;
/** So many soon asks a minute belong to a move with its retries; every nudge explains one more. */
const SOON_ASKS_MAX = 20;
/** Devices of one token in a minute: what a bench with a rack of boxes does by hand. */
const ENROLMENTS_MAX = 60;
/** Wrong credentials of one address in a minute; a router with many boxes behind it has some after a restart. */
const FAILURES_MAX = 10;
/** Nodes, tokens and addresses that are watched at once, of each; some 150 bytes each. */
const WATCHED_MAX = 10_000;
/** Releases whose dial was turned; 100 bytes each. */
const DIALS_MAX = 1_000;

const NOTHING: readonly Finding[] = [];

/** What is remembered. */
export class Suspicions {
  readonly forks: Forks = new Forks();
  readonly soonAsks: Rates = new Rates(MINUTE_MS, WATCHED_MAX);
  readonly enrolments: Rates = new Rates(MINUTE_MS, WATCHED_MAX);
  readonly failures: Rates = new Rates(MINUTE_MS, WATCHED_MAX);
  readonly nudges: Rates = new Rates(MINUTE_MS, 1);
  readonly dials: BoundedMap<string, number> = new BoundedMap(DIALS_MAX);
  /** When the newest nudges were, and how many; what they explain holds for a minute. */
  nudged: { atMs: number; count: number } = { atMs: 0, count: 0 };
}

/** Looks at what happened. `listed` are all digests that any list named here; while it is empty, nothing is known of any. */
export function look(state: Suspicions, sight: Sight, now: number, listed: ReadonlySet<string>): readonly Finding[] {
  switch (sight.kind) {
    case "ask":
      return lookAtAsk(state, sight, now, listed);
    case "clone":
      return [{ ...about(sight), kind: "CLONE", subject: sight.nodeId, message: sight.message }];
    case "nudge":
      state.nudged = { atMs: now, count: state.nudges.count("", now) };
      return NOTHING;
    case "dial":
      return lookAtDial(state, sight.version, now);
    case "enrolment": {
      const count = state.enrolments.count(sight.tokenId, now);
      const message = `more than ${ENROLMENTS_MAX} devices enrolled with it within a minute`;
      return count > ENROLMENTS_MAX
        ? [{ ...NOBODY, kind: "ENROLMENT_BURST", subject: sight.tokenId, message }]
        : NOTHING;
    }
    case "stale":
      return [{ ...NOBODY, kind: "METADATA_RUNS_OUT", subject: sight.role, message: sight.message }];
    case "failure": {
      const subject = networkOf(sight.address);
      const count = state.failures.count(subject, now);
      const message = `more than ${FAILURES_MAX} calls with wrong credentials within a minute`;
      return count > FAILURES_MAX ? [{ ...NOBODY, kind: "AUTHENTICATION_FAILURES", subject, message }] : NOTHING;
    }
  }
}

const NOBODY = { nodeId: "", poolId: "" };

function about({ nodeId, poolId }: { readonly nodeId: string; readonly poolId: string }): typeof NOBODY {
  return { nodeId, poolId };
}

/** Nearly every ask leaves by the last line without having allocated anything. */
function lookAtAsk(state: Suspicions, ask: AskSight, now: number, listed: ReadonlySet<string>): readonly Finding[] {
  const { digest, nodeId, answeredAtMs } = ask;
  const denied = ask.deniedBefore.includes(digest) || ask.deniedNow.includes(digest);
  const unknown = listed.size > 0 && !listed.has(digest);
  const fork = state.forks.look(ask, now);
  const soon = answeredAtMs !== undefined && now - answeredAtMs < SOON_MS && isStorm(state, nodeId, now);
  if (!denied && !unknown && fork === undefined && !soon) return NOTHING;
  const found: Finding[] = [];
  const node = { ...about(ask), subject: nodeId };
  const short = digest.slice(0, 12);
  if (denied) found.push({ ...node, kind: "DENIED_DIGEST", message: `runs ${short}, which it said it had abandoned` });
  if (unknown) {
    const message = `nodes run it, ${nodeId} for one, and no list ever named it here`;
    found.push({ nodeId, poolId: "", subject: digest, kind: "UNKNOWN_DIGEST", message });
  }
  if (fork !== undefined) found.push({ ...node, kind: "SEQUENCE_FORK", message: fork });
  if (soon) {
    const message = `asked more than ${SOON_ASKS_MAX} times within a minute, each soon after the answer before`;
    found.push({ ...node, kind: "ASK_STORM", message });
  }
  return found;
}

function isStorm(state: Suspicions, nodeId: string, now: number): boolean {
  const explained = now - state.nudged.atMs < MINUTE_MS ? state.nudged.count : 0;
  return state.soonAsks.count(nodeId, now) > SOON_ASKS_MAX + explained;
}

function lookAtDial(state: Suspicions, version: string, now: number): readonly Finding[] {
  const before = state.dials.get(version);
  state.dials.set(version, now);
  if (before === undefined || now - before >= MINUTE_MS) return NOTHING;
  const message = "its dial was turned twice within a minute";
  return [{ ...NOBODY, kind: "DIAL_TURNED_TWICE", subject: version, message }];
}

/** An IPv6 address counts with its /64, of which everybody has a whole one. */
function networkOf(address: string): string {
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined || !address.includes(":")) return v4 ?? address;
  const [head = "", tail] = address.toLowerCase().split("%")[0]?.split("::") ?? [];
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...Array.from({ length: zeros }, () => "0"), ...back];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
