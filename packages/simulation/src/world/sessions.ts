/**
 * When each node is up by itself, whatever the policy does: its own sessions, and the outages of its ISP. All times are
 * milliseconds since the world began.
 */
import { STREAM, exponential, uniform } from "../random.ts";
import { type Fleet, ISPS } from "./fleet.ts";
import { MINUTE_MS, type WorldOptions } from "./options.ts";
import type { AvailabilityRow } from "./trace.ts";

/** Mean time up: half of the nodes 96 hours, the others 10. */
const UP_MINUTES = { stable: 96 * 60, home: 10 * 60 };
/** Down times: 70 % a short break of 2 + exp(10) minutes, the others exp(3.5 hours). */
const DOWN = { shortShare: 0.7, shortLeast: 2, shortMean: 10, longMean: 210 };
const DOWN_MEAN_MINUTES = DOWN.shortShare * (DOWN.shortLeast + DOWN.shortMean) + (1 - DOWN.shortShare) * DOWN.longMean;
/** An ISP is out for 10 to 40 minutes. */
const OUTAGE = { least: 10, most: 40 };

/** The flips of all nodes: node i has flips first[i] to first[i + 1] - 1, in turn down and up; all start up. */
export interface Sessions {
  readonly first: Int32Array;
  readonly atMs: Int32Array;
  /** 1 where an ISP's outage took the node down. */
  readonly byOutage: Uint8Array;
}

/** An interval in which a node is down. */
interface Gap {
  readonly from: number;
  to: number;
  readonly byOutage: boolean;
}

/** Share of the time that a node is up by its own sessions. */
export function upShare(stable: boolean): number {
  const up = stable ? UP_MINUTES.stable : UP_MINUTES.home;
  return up / (up + DOWN_MEAN_MINUTES);
}

/** Builds the sessions of a world that lasts `lengthMs`. */
export function buildSessions(options: WorldOptions, fleet: Fleet, lengthMs: number): Sessions {
  const outages = buildOutages(options, lengthMs);
  const replayed = options.availability === undefined ? undefined : gapsByNode(options.availability, lengthMs);
  const first = new Int32Array(fleet.nodes + 1);
  const times: number[] = [];
  const causes: number[] = [];
  for (let node = 0; node < fleet.nodes; node += 1) {
    const own =
      replayed === undefined ? ownGaps(options.seed, fleet, node, lengthMs) : (replayed[node + fleet.offset] ?? []);
    for (const gap of united(own, outages[fleet.isp[node] as number] ?? [])) {
      times.push(gap.from, gap.to);
      causes.push(gap.byOutage ? 1 : 0, 0);
    }
    first[node + 1] = times.length;
  }
  return { first, atMs: Int32Array.from(times), byOutage: Uint8Array.from(causes) };
}

function ownGaps(seed: number, fleet: Fleet, node: number, lengthMs: number): Gap[] {
  const stable = fleet.stable[node] === 1;
  const upMean = stable ? UP_MINUTES.stable : UP_MINUTES.home;
  const gaps: Gap[] = [];
  let count = 0;
  let at = 0;
  const subject = node + fleet.offset;
  let up = uniform(seed, STREAM.session, subject, count++) < upShare(stable);
  while (at < lengthMs) {
    if (up) {
      at += Math.ceil(exponential(upMean, seed, STREAM.session, subject, count++) * MINUTE_MS);
    } else {
      const from = at;
      at += Math.ceil(downMinutes(seed, subject, count) * MINUTE_MS);
      count += 2;
      gaps.push({ from, to: at, byOutage: false });
    }
    up = !up;
  }
  return gaps.filter((gap) => gap.from < lengthMs);
}

function downMinutes(seed: number, node: number, count: number): number {
  const short = uniform(seed, STREAM.session, node, count) < DOWN.shortShare;
  return short
    ? DOWN.shortLeast + exponential(DOWN.shortMean, seed, STREAM.session, node, count + 1)
    : exponential(DOWN.longMean, seed, STREAM.session, node, count + 1);
}

/** Outages of each ISP, in order. */
function buildOutages({ seed, outageEveryHours }: WorldOptions, lengthMs: number): readonly Gap[][] {
  const byIsp: Gap[][] = Array.from({ length: ISPS }, () => []);
  if (outageEveryHours <= 0) return byIsp;
  let at = 0;
  for (let count = 0; ; count += 1) {
    at += exponential(outageEveryHours * 60, seed, STREAM.outage, 0, count) * MINUTE_MS;
    if (at >= lengthMs) return byIsp;
    const isp = Math.floor(uniform(seed, STREAM.outage, 1, count) * ISPS);
    const minutes = OUTAGE.least + uniform(seed, STREAM.outage, 2, count) * (OUTAGE.most - OUTAGE.least);
    byIsp[isp]?.push({ from: Math.round(at), to: Math.round(at + minutes * MINUTE_MS), byOutage: true });
  }
}

/** The union of two rows of gaps; a gap is by an outage where an outage began it. */
function united(own: readonly Gap[], outages: readonly Gap[]): readonly Gap[] {
  if (outages.length === 0) return own;
  const joined: Gap[] = [];
  for (const gap of [...own, ...outages].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last !== undefined && gap.from <= last.to) last.to = Math.max(last.to, gap.to);
    else joined.push({ ...gap });
  }
  return joined;
}

/** Replayed sessions as the gaps between them. Names are taken as nodes in the order in which they first appear. */
function gapsByNode(rows: readonly AvailabilityRow[], lengthMs: number): readonly Gap[][] {
  const sessions = new Map<string, AvailabilityRow[]>();
  for (const row of rows) {
    const known = sessions.get(row.node);
    if (known === undefined) sessions.set(row.node, [row]);
    else known.push(row);
  }
  return [...sessions.values()].map((node) => {
    const gaps: Gap[] = [];
    let upUntil = 0;
    for (const { startMinute, endMinute } of node.sort((a, b) => a.startMinute - b.startMinute)) {
      const from = Math.round(startMinute * MINUTE_MS);
      if (from > upUntil) gaps.push({ from: upUntil, to: from, byOutage: false });
      upUntil = Math.max(upUntil, Math.round(endMinute * MINUTE_MS));
    }
    if (upUntil < lengthMs) gaps.push({ from: upUntil, to: lengthMs, byOutage: false });
    return gaps;
  });
}
