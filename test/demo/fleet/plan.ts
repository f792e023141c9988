/** The demo's fleet in numbers: how many boxes, what each can carry, how much is asked for. Pure. */

/** What one box does at the same time. */
export const SLOTS = 2;
/** How long one request takes, in milliseconds. Two at a time make 31 requests a second at the very most. */
export const SERVICE_MS = 64;
/** What a box says it carries, in requests a second: four fifths of what it could on a machine that does nothing else. */
export const CAPACITY_RPS = 25;
/** Requests that wait in a box before it refuses: those of half a second, so that none waits longer than its asker does. */
export const WAITING_MAX = 16;
/** An asker waits this long, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 1000;

/**
 * Capacity that gate 3 wants above the demand, as a share of the demand. Far more than a large pool would want: when half
 * of twelve nodes leave within a second, what they carried shows in the others' reports only a moment later.
 */
export const MARGIN_RATIO = 0.4;
/** With this share of the fleet's capacity asked for, not even one node can be spared: 0.88 × 1.4 is more than 1. */
const HIGH_RATIO = 0.88;
/** With this share five of twelve can be spared: 0.4 × 1.4 is less than 7/12. */
const LOW_RATIO = 0.4;

/** Names of everything that is named. */
export const NETWORK = "demo";
export const POOL = "home";

/** One box: its name, the loopback port of its service, and how many the fleet has. */
export interface Box {
  readonly box: string;
  readonly port: number;
}

/** The fleet. */
export interface FleetPlan {
  readonly boxes: readonly Box[];
  readonly grpcPort: number;
  readonly artifactsPort: number;
  readonly routerPort: number;
  /** Requests a second, in all. */
  readonly capacityRps: number;
  readonly highRps: number;
  readonly lowRps: number;
}

/** Ports a fleet of `nodes` boxes needs. */
export function portsNeeded(nodes: number): number {
  return nodes + 3;
}

/** The fleet of `nodes` boxes on `ports`. */
export function planFleet(nodes: number, ports: readonly number[]): FleetPlan {
  const port = (at: number): number => {
    const value = ports[at];
    if (value === undefined) throw new Error(`${portsNeeded(nodes)} ports are needed, ${ports.length} were given`);
    return value;
  };
  const capacityRps = nodes * CAPACITY_RPS;
  return {
    boxes: Array.from({ length: nodes }, (_, i) => ({
      box: `box-${String(i + 1).padStart(2, "0")}`,
      port: port(i + 3),
    })),
    grpcPort: port(0),
    artifactsPort: port(1),
    routerPort: port(2),
    capacityRps,
    highRps: Math.round(capacityRps * HIGH_RATIO),
    lowRps: Math.round(capacityRps * LOW_RATIO),
  };
}
