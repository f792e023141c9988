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
  readonly host: HostNumbers;
  /** Release of its operating system; empty where that could not be read. */
  readonly osRelease: string;
}

/**
 * The numbers among the facts about a host, in the order of HOST_NUMBERS; NaN for what could not be read, empty where
 * nothing could. A row of numbers takes half the memory of an object with names, and every node has one.
 */
export type HostNumbers = readonly number[];

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

/** The facts that are numbers, in the order in which they are kept. */
export const HOST_NUMBERS: readonly Exclude<keyof HostFacts, "osRelease">[] = [
  "cpuCount",
  "cpuBusyRatio",
  "cpuPressureRatio",
  "memoryTotalBytes",
  "memoryAvailableBytes",
  "diskFreeBytes",
  "networkRxBytesPerS",
  "networkTxBytesPerS",
  "uptimeMs",
];

const NO_NUMBERS: HostNumbers = [];

/** The numbers among a host's facts, as they are kept. */
export function hostNumbers(facts: HostFacts): HostNumbers {
  if (HOST_NUMBERS.every((name) => facts[name] === undefined)) return NO_NUMBERS;
  return [
    facts.cpuCount ?? Number.NaN,
    facts.cpuBusyRatio ?? Number.NaN,
    facts.cpuPressureRatio ?? Number.NaN,
    facts.memoryTotalBytes ?? Number.NaN,
    facts.memoryAvailableBytes ?? Number.NaN,
    facts.diskFreeBytes ?? Number.NaN,
    facts.networkRxBytesPerS ?? Number.NaN,
    facts.networkTxBytesPerS ?? Number.NaN,
    facts.uptimeMs ?? Number.NaN,
  ];
}

/** A host's facts by their names. */
export function hostFacts({ host, osRelease }: Pick<Situation, "host" | "osRelease">): HostFacts {
  const facts: Record<string, number | string> = {};
  for (const [at, value] of host.entries()) if (!Number.isNaN(value)) facts[HOST_NUMBERS[at] ?? ""] = value;
  if (osRelease !== "") facts["osRelease"] = osRelease;
  return facts;
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
  host: NO_NUMBERS,
  osRelease: "",
};
