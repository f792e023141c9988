/**
 * How many nodes a process carries, and what a fleet takes. Pure arithmetic on figures that were measured; every constant
 * that was not is named here and on the page.
 */

/** What was measured of one process. Times are of one core's processor, all threads. */
export interface Measured {
  /** An ask on a warm connection of its own, answered when durable, in microseconds. */
  readonly askUs: number;
  /** A pulse that comes alone over a stream, in microseconds. */
  readonly pulseUs: number;
  /** A new TLS connection and one ask, in microseconds. */
  readonly freshUs: number;
  /** A held stream with its connection, in KiB. */
  readonly streamKb: number;
  /** A node in the ledger, in KiB. */
  readonly nodeKb: number;
  /** An empty coordinator, in MiB. */
  readonly baseMb: number;
  /** What the store writes for an ask, in bytes; undefined where it was not measured. */
  readonly writtenBytesPerAsk: number | undefined;
  /** From the start of a process with a million nodes until it serves, in seconds. */
  readonly millionStartS: number | undefined;
}

/** How a fleet behaves, and what a process may take. Not measured: chosen, and to be chosen anew by who knows better. */
export interface Assumed {
  /** Between two asks and between two pulses of a node, in seconds (the contract's defaults). */
  readonly askEveryS: number;
  readonly pulseEveryS: number;
  /** A node's connections in a day. */
  readonly connectionsPerDay: number;
  /** Of one core, on average. gRPC runs on one thread. */
  readonly coreShare: number;
  /** Within how long all nodes of a process are back after it was restarted, in seconds, and the share of a core for that. */
  readonly backWithinS: number;
  readonly backCoreShare: number;
  /** Memory for streams in a process, in GiB. */
  readonly streamGib: number;
  /** Nodes of one cell: of one ledger, that one process decides. */
  readonly cellNodes: number;
}

/** The defaults. */
export const ASSUMED: Assumed = {
  askEveryS: 900,
  pulseEveryS: 60,
  connectionsPerDay: 2,
  coreShare: 0.6,
  backWithinS: 300,
  backCoreShare: 0.8,
  streamGib: 4,
  cellNodes: 1_000_000,
};

/** What bounds the nodes that hold a connection to one process. */
export interface PerProcess {
  /** By processor time for asks, pulses and new connections in a second. */
  readonly byCalls: number;
  /** By all coming back at once. */
  readonly byReturns: number;
  readonly byStreams: number;
  /** The least of the three. */
  readonly nodes: number;
  readonly bound: "calls" | "returns" | "streams";
}

const DAY_S = 86_400;

/** So many connections have their buffer in a mapping of its own; one beyond costs so much more (decision 0034: 96 to 80 KiB). */
export const MAPPED_MAX = 30_000;
export const UNMAPPED_KB = 16;

/** Nodes per process: the tightest of the three. */
export function perProcess(measured: Measured, assumed: Assumed = ASSUMED): PerProcess {
  const usPerNode =
    measured.askUs / assumed.askEveryS +
    measured.pulseUs / assumed.pulseEveryS +
    (measured.freshUs * assumed.connectionsPerDay) / DAY_S;
  const byCalls = Math.floor((assumed.coreShare * 1_000_000) / usPerNode);
  const byReturns = Math.floor((assumed.backCoreShare * assumed.backWithinS * 1_000_000) / measured.freshUs);
  const streamsKb = assumed.streamGib * 1024 * 1024;
  const mapped = Math.min(MAPPED_MAX, Math.floor(streamsKb / measured.streamKb));
  const byStreams = mapped + Math.floor((streamsKb - mapped * measured.streamKb) / (measured.streamKb + UNMAPPED_KB));
  const nodes = Math.min(byCalls, byReturns, byStreams);
  const bound = nodes === byStreams ? "streams" : nodes === byReturns ? "returns" : "calls";
  return { byCalls, byReturns, byStreams, nodes, bound };
}

/** What a fleet takes. */
export interface Fleet {
  readonly nodes: number;
  readonly cells: number;
  /** In each cell; one of them decides. */
  readonly replicasPerCell: number;
  readonly asksPerS: number;
  readonly pulsesPerS: number;
  readonly connectionsPerS: number;
  /** Of all processes that hold streams. */
  readonly streamGib: number;
  /** Of one cell's ledger, in the process that decides. */
  readonly ledgerGib: number;
  /** What all databases write, in MB a second; undefined where that was not measured. */
  readonly writtenMbPerS: number | undefined;
}

/** Cells, replicas and loads of a fleet. One process more than streams need, so that any may be lost. */
export function fleetOf(nodes: number, measured: Measured, assumed: Assumed = ASSUMED): Fleet {
  const cells = Math.ceil(nodes / assumed.cellNodes);
  const inCell = nodes / cells;
  const asksPerS = nodes / assumed.askEveryS;
  return {
    nodes,
    cells,
    replicasPerCell: Math.ceil(inCell / perProcess(measured, assumed).nodes) + 1,
    asksPerS,
    pulsesPerS: nodes / assumed.pulseEveryS,
    connectionsPerS: (nodes * assumed.connectionsPerDay) / DAY_S,
    streamGib: (nodes * measured.streamKb) / 1024 / 1024,
    ledgerGib: (inCell * measured.nodeKb) / 1024 / 1024 + measured.baseMb / 1024,
    writtenMbPerS:
      measured.writtenBytesPerAsk === undefined ? undefined : (asksPerS * measured.writtenBytesPerAsk) / 1_000_000,
  };
}
