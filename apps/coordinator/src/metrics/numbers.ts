/**
 * What is counted while calls are served: plain numbers in plain fields, read when somebody looks. Nothing here allocates
 * for a call, and nothing knows of OpenTelemetry. What the ledger, the log or the process know by themselves is not counted
 * a second time: it is read, see `readings.ts`.
 */
import type { Rank } from "../ledger/shedding.ts";
import { boundsOf } from "./catalogue.ts";
import { Distribution } from "./distribution.ts";

/** What was refused or thrown away because there was too much to do. */
export type LoadKind = "pulse" | "ask" | "permit" | "other";

/** The port that a connection came in by. */
export type PortName = "grpc" | "json" | "artifacts" | "operators";

/** What a connection was refused by. */
export type ConnectionBound = "connections_max" | "connections_per_address_max";

/** One port's connections. */
export interface PortNumbers {
  open: number;
  handshakesFailed: number;
  readonly refused: Record<ConnectionBound, number>;
}

/** One method's calls at one port. */
export interface MethodNumbers {
  /** `grpc` or `connectrpc`. */
  readonly system: string;
  /** `package.Service/Method`. */
  readonly method: string;
  /** Streams that are open. */
  streams: number;
  /** By status, made when it first occurs. */
  readonly durations: Map<string, Distribution>;
}

const KINDS: Readonly<Record<Rank, LoadKind>> = { PULSE: "pulse", ASK: "ask", LEAVE: "permit", STEP: "permit" };

/** The counts of a coordinator. */
export class Numbers {
  /** By `DECISION GATE`. */
  readonly asks: Map<string, number> = new Map();
  readonly methods: MethodNumbers[] = [];
  readonly overloaded: Record<LoadKind, number> = { pulse: 0, ask: 0, permit: 0, other: 0 };
  readonly ports: Record<PortName, PortNumbers> = {
    grpc: portNumbers(),
    json: portNumbers(),
    artifacts: portNumbers(),
    operators: portNumbers(),
  };
  readonly batchChanges: Distribution = new Distribution(boundsOf("moult.batch.changes"));
  /** Seconds, by the store's word for what went wrong; by "" where it went well. */
  readonly commits: Map<string, Distribution> = new Map();
  seatTaken = 0;
  tlsTaken = 0;
  tlsRefused = 0;

  /** Notes a call with one answer. */
  called(numbers: MethodNumbers, status: string, seconds: number): void {
    distributionOf(numbers.durations, status, "rpc.server.call.duration").add(seconds);
  }

  /** Notes an ask's answer. */
  asked(decision: string, gate: string): void {
    const key = `${decision} ${gate}`;
    this.asks.set(key, (this.asks.get(key) ?? 0) + 1);
  }

  /** Notes that something was refused or thrown away because there was too much to do. */
  refused(kind: LoadKind, count = 1): void {
    this.overloaded[kind] += count;
  }

  /** Notes a call that was refused because more comes than can be decided. */
  shed(rank: Rank): void {
    this.refused(KINDS[rank]);
  }

  /** All that was refused or thrown away for overload. */
  get overloadedInAll(): number {
    return Object.values(this.overloaded).reduce((sum, count) => sum + count, 0);
  }

  /** Connections that are open, of all ports. */
  get connections(): number {
    return Object.values(this.ports).reduce((sum, { open }) => sum + open, 0);
  }

  /** Notes a batch that was written, or that failed for a reason. */
  committed(changes: number, seconds: number, failure = ""): void {
    if (failure === "") this.batchChanges.add(changes);
    distributionOf(this.commits, failure, "db.client.operation.duration").add(seconds);
  }

  /** Numbers of a method at a port, to be kept by whoever counts. */
  method(system: string, method: string): MethodNumbers {
    const numbers: MethodNumbers = { system, method, streams: 0, durations: new Map() };
    this.methods.push(numbers);
    return numbers;
  }
}

function portNumbers(): PortNumbers {
  return { open: 0, handshakesFailed: 0, refused: { connections_max: 0, connections_per_address_max: 0 } };
}

function distributionOf(
  map: Map<string, Distribution>,
  key: string,
  name: "rpc.server.call.duration" | "db.client.operation.duration",
): Distribution {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = new Distribution(boundsOf(name));
  map.set(key, made);
  return made;
}
