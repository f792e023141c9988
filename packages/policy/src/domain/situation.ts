/** What a node says it is doing. Claims: they were bounded on the way in and count for the node's own pool only. */

/** What a workload is doing. Capacity counts only while it is SERVING, or where there is NONE. */
export type WorkState = "NONE" | "STARTING" | "SERVING" | "DRAINING" | "STOPPED" | "FAILED";

/** Capacity and load are in units of work a second; the unit is the pool's own. */
export interface Situation {
  readonly capacityRps: number;
  readonly loadRps: number;
  readonly inFlight: number;
  readonly shards: readonly string[];
  readonly workState: WorkState;
  readonly interruptible: boolean;
  readonly endpoint: string;
  readonly host: HostFacts;
}

/** Facts about the host; what could not be read is absent. The gates do not weigh them; operators look at them. */
export interface HostFacts {
  readonly cpuCount?: number;
  readonly cpuBusyRatio?: number;
  readonly cpuPressureRatio?: number;
  readonly memoryTotalBytes?: number;
  readonly memoryAvailableBytes?: number;
  readonly diskFreeBytes?: number;
  readonly networkRxBytesPerS?: number;
  readonly networkTxBytesPerS?: number;
  readonly uptimeMs?: number;
  readonly osRelease?: string;
}

/** A node without a word of its own. */
export const NO_SITUATION: Situation = {
  capacityRps: 0,
  loadRps: 0,
  inFlight: 0,
  shards: [],
  workState: "STOPPED",
  interruptible: true,
  endpoint: "",
  host: {},
};
