/** What the demo measured, and whether it is what a release through a living fleet has to look like. Pure. */
import type { Refusals } from "./view/scene.ts";

/** The one object that `--json` prints. Everything but `refusals` and part of the counts is measured from outside. */
export interface Figures {
  readonly nodes: number;
  /** Nodes seen on version 2 at the end that had reported it committed. */
  readonly committed: number;
  /** Nodes seen to have tried version 3, seen back on version 2, that reported it reverted. */
  readonly reverted: number;
  readonly requestsTotal: number;
  readonly requestsFailed: number;
  readonly refusals: Refusals;
  readonly awayAtOnceMax: number;
  readonly awayMsMedian: number;
  readonly capacityFloorHeld: boolean;
  readonly durationS: number;
}

/** Something that must be so, and whether it is. */
export interface Claim {
  readonly text: string;
  readonly holds: boolean;
}

/** What was seen beyond the figures. */
export interface Evidence {
  /** Boxes at whose door version 3 ever answered. */
  readonly triedThree: readonly string[];
  /** Boxes that were let try it. */
  readonly namedForThree: readonly string[];
}

/** Fewer requests a node would show too little: 5,040 for twelve. */
const REQUESTS_PER_NODE_MIN = 420;

/** What a run must show. */
export function judge(figures: Figures, evidence: Evidence): Claim[] {
  const { refusals, nodes, committed, reverted, requestsTotal, requestsFailed } = figures;
  const requestsMin = nodes * REQUESTS_PER_NODE_MIN;
  const named = evidence.namedForThree.toSorted().join(", ");
  const tried = evidence.triedThree.toSorted().join(", ");
  return [
    claim(`all ${nodes} nodes run and committed version 2 (${committed} do)`, committed === nodes),
    claim(`no request failed (${requestsFailed} did)`, requestsFailed === 0),
    claim(`at least ${requestsMin} requests were made (${requestsTotal} were)`, requestsTotal >= requestsMin),
    claim(`gate 1, the allowlist, refused (${refusals.allowlist} asks)`, refusals.allowlist > 0),
    claim(`gate 2, the dial, refused (${refusals.dial} asks)`, refusals.dial > 0),
    claim(`gate 3, capacity, refused (${refusals.capacity} asks)`, refusals.capacity > 0),
    claim(`several nodes were away at once (${figures.awayAtOnceMax} at most)`, figures.awayAtOnceMax >= 2),
    claim("the fleet could carry what was asked for at every look", figures.capacityFloorHeld),
    claim(`version 3 was tried by ${named} and by nobody else (${tried} tried)`, tried === named),
    claim(`each of them went back by itself (${reverted} did)`, reverted === evidence.namedForThree.length),
  ];
}

/** What a run with gate 3 forced open must show: that a failing service is noticed. */
export function judgeForced(figures: Figures): Claim[] {
  const { requestsFailed, requestsTotal } = figures;
  return [
    claim(`requests failed while everybody was away (${requestsFailed} of ${requestsTotal})`, requestsFailed > 0),
    claim("the fleet could not carry what was asked for, and that was seen", !figures.capacityFloorHeld),
  ];
}

function claim(text: string, holds: boolean): Claim {
  return { text, holds };
}
