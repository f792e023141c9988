/**
 * Every metric of the coordinator: its name, kind, unit, what it says, and its attributes. The one source of what is made
 * with OpenTelemetry, of docs/metrics.md and of the golden test. Names that OpenTelemetry's semantic conventions have are
 * theirs; ours begin with `moult.`. A name here is a promise to whoever wrote an alert: it is added to, not changed.
 */

/** What sort of instrument it is: what only grows, what goes up and down and can be summed, what is read, what is spread. */
export type MetricKind = "counter" | "up-down-counter" | "gauge" | "histogram";

/** One metric. */
export interface Metric {
  readonly kind: MetricKind;
  /** UCUM, as OpenTelemetry has it: `s`, `By`, `1`, or a thing in braces. */
  readonly unit: string;
  /** One sentence. */
  readonly about: string;
  /** Attributes and the values that they can have. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Of a histogram: inclusive upper bounds. */
  readonly bounds?: readonly number[];
}

/** The convention's bounds, and two below: a good part of our calls takes less than 5 ms. In seconds. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** As the convention has them, in seconds. */
const GC_SECONDS = [0.01, 0.1, 1, 10];
/** A batch has at most some thousand changes. */
const CHANGES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

const METHOD = "`package.Service/Method`";
const POOL = "the pool; beyond 200 pools the smaller ones together are `(others)`";
const PORT = "`grpc`, `json`, `artifacts`, `operators`";
const STATE = "`SERVING`, `LEAVING`, `AWAY`, `RETURNED`, `LOST`";

/** A metric's name. */
export type MetricName =
  | "rpc.server.call.duration"
  | "db.client.operation.duration"
  | "process.cpu.time"
  | "process.memory.usage"
  | "process.uptime"
  | "process.unix.file_descriptor.count"
  | "nodejs.eventloop.delay.min"
  | "nodejs.eventloop.delay.max"
  | "nodejs.eventloop.delay.mean"
  | "nodejs.eventloop.delay.stddev"
  | "nodejs.eventloop.delay.p50"
  | "nodejs.eventloop.delay.p90"
  | "nodejs.eventloop.delay.p99"
  | "nodejs.eventloop.utilization"
  | "v8js.memory.heap.used"
  | "v8js.gc.duration"
  | "moult.ready"
  | "moult.store.up"
  | "moult.seat.held"
  | "moult.seat.taken"
  | "moult.asks"
  | "moult.moves"
  | "moult.permits"
  | "moult.nodes"
  | "moult.pool.capacity"
  | "moult.pool.demand"
  | "moult.pool.need"
  | "moult.brake"
  | "moult.batch.changes"
  | "moult.queue.moves"
  | "moult.overload.refused"
  | "moult.attend.streams"
  | "moult.streams"
  | "moult.connections"
  | "moult.connections.refused"
  | "moult.handshakes.failed"
  | "moult.audit.size"
  | "moult.audit.age"
  | "moult.audit.round.age"
  | "moult.metadata.expiry"
  | "moult.tls.expiry"
  | "moult.tls.reloads"
  | "moult.log.joined";

const METRICS: Readonly<Record<MetricName, Metric>> = {
  "rpc.server.call.duration": {
    kind: "histogram",
    unit: "s",
    about: "How long calls with one answer took from their handler's beginning to its end; refused ones included.",
    bounds: SECONDS,
    attributes: {
      "rpc.system.name": "`grpc`, `connectrpc`",
      "rpc.method": METHOD,
      "rpc.response.status_code": "the status by name, as in `OK`",
    },
  },
  "db.client.operation.duration": {
    kind: "histogram",
    unit: "s",
    about: "How long the store took to make a batch durable, or to fail.",
    bounds: SECONDS,
    attributes: {
      "db.system.name": "`sqlite`, `postgresql`",
      "db.operation.name": "`COMMIT`",
      "error.type": "only where it failed: the store's word for why, as in `UNWRITABLE`",
    },
  },
  "process.cpu.time": {
    kind: "counter",
    unit: "s",
    about: "CPU time of the process.",
    attributes: { "cpu.mode": "`user`, `system`" },
  },
  "process.memory.usage": { kind: "up-down-counter", unit: "By", about: "Memory of the process that is resident." },
  "process.uptime": { kind: "gauge", unit: "s", about: "How long the process has been running." },
  "process.unix.file_descriptor.count": {
    kind: "up-down-counter",
    unit: "{file_descriptor}",
    about: "Descriptors that are open: connections, files, the store.",
  },
  "nodejs.eventloop.delay.min": {
    kind: "gauge",
    unit: "s",
    about: "Least delay of the event loop since the last look.",
  },
  "nodejs.eventloop.delay.max": {
    kind: "gauge",
    unit: "s",
    about: "Largest delay of the event loop since the last look; over 0.05 something blocks it.",
  },
  "nodejs.eventloop.delay.mean": {
    kind: "gauge",
    unit: "s",
    about: "Mean delay of the event loop since the last look.",
  },
  "nodejs.eventloop.delay.stddev": {
    kind: "gauge",
    unit: "s",
    about: "Standard deviation of the event loop's delay since the last look.",
  },
  "nodejs.eventloop.delay.p50": {
    kind: "gauge",
    unit: "s",
    about: "Median delay of the event loop since the last look.",
  },
  "nodejs.eventloop.delay.p90": {
    kind: "gauge",
    unit: "s",
    about: "90th percentile of the event loop's delay since the last look.",
  },
  "nodejs.eventloop.delay.p99": {
    kind: "gauge",
    unit: "s",
    about: "99th percentile of the event loop's delay since the last look.",
  },
  "nodejs.eventloop.utilization": {
    kind: "gauge",
    unit: "1",
    about:
      "Share of the time since the last look in which the event loop was at work. Near 1 the process is at its limit.",
  },
  "v8js.memory.heap.used": {
    kind: "up-down-counter",
    unit: "By",
    about: "Heap in use.",
    attributes: { "v8js.heap.space.name": "a space of V8's heap, as in `old_space`" },
  },
  "v8js.gc.duration": {
    kind: "histogram",
    unit: "s",
    about: "How long garbage collections took.",
    bounds: GC_SECONDS,
    attributes: { "v8js.gc.type": "`major`, `minor`, `incremental`, `weakcb`" },
  },
  "moult.ready": { kind: "gauge", unit: "1", about: "1 while this coordinator can answer, as `/readyz` says." },
  "moult.store.up": { kind: "gauge", unit: "1", about: "1 while the store can be used." },
  "moult.seat.held": {
    kind: "gauge",
    unit: "1",
    about: "1 while this coordinator decides. Over all replicas the sum is 1.",
  },
  "moult.seat.taken": { kind: "counter", unit: "{takeover}", about: "How often this coordinator began to decide." },
  "moult.asks": {
    kind: "counter",
    unit: "{ask}",
    about:
      "Asks that were answered. The gate is the one that refused; where none did, the one that was evaluated last.",
    attributes: {
      "moult.decision": "`STAY`, `PREPARE`, `GO`",
      "moult.gate": "`NONE`, `ALLOWLIST`, `DIAL`, `CAPACITY`",
    },
  },
  "moult.moves": {
    kind: "counter",
    unit: "{move}",
    about: "How moves ended, since the store was made.",
    attributes: { "moult.outcome": "`committed`, `reverted`, `lost`" },
  },
  "moult.permits": {
    kind: "up-down-counter",
    unit: "{permit}",
    about: "Nodes that have leave and are charged for it.",
    attributes: { "moult.pool": POOL },
  },
  "moult.nodes": {
    kind: "up-down-counter",
    unit: "{node}",
    about: "Nodes, as routers see them. Counted in the background, at most every 10 s.",
    attributes: { "moult.pool": POOL, "moult.state": STATE },
  },
  "moult.pool.capacity": {
    kind: "gauge",
    unit: "{request}/s",
    about: "Capacity that is fresh and not on leave.",
    attributes: { "moult.pool": POOL },
  },
  "moult.pool.demand": {
    kind: "gauge",
    unit: "{request}/s",
    about: "Load of the pool now.",
    attributes: { "moult.pool": POOL },
  },
  "moult.pool.need": {
    kind: "gauge",
    unit: "{request}/s",
    about: "What gate 3 keeps: forecast and reserve. Above the capacity nobody may leave.",
    attributes: { "moult.pool": POOL },
  },
  "moult.brake": { kind: "gauge", unit: "1", about: "1 while this coordinator's brake is on." },
  "moult.batch.changes": {
    kind: "histogram",
    unit: "{change}",
    about: "Changes that were made durable together.",
    bounds: CHANGES,
  },
  "moult.queue.moves": {
    kind: "up-down-counter",
    unit: "{move}",
    about: "Decisions that wait for their batch. What grows here is answered late.",
  },
  "moult.overload.refused": {
    kind: "counter",
    unit: "{call}",
    about: "Calls that were refused or thrown away because there was too much to do.",
    attributes: { "moult.kind": "`pulse`, `ask`, `permit`, `other`" },
  },
  "moult.attend.streams": { kind: "up-down-counter", unit: "{stream}", about: "Streams over which devices attend." },
  "moult.streams": {
    kind: "up-down-counter",
    unit: "{stream}",
    about: "Streams that are open, by method.",
    attributes: { "rpc.method": METHOD },
  },
  "moult.connections": {
    kind: "up-down-counter",
    unit: "{connection}",
    about: "Connections that are open.",
    attributes: { "moult.port": PORT },
  },
  "moult.connections.refused": {
    kind: "counter",
    unit: "{connection}",
    about: "Connections that were ended because there were too many.",
    attributes: { "moult.port": PORT, "moult.bound": "`connections_max`, `connections_per_address_max`" },
  },
  "moult.handshakes.failed": {
    kind: "counter",
    unit: "{handshake}",
    about: "TLS handshakes that failed.",
    attributes: { "moult.port": PORT },
  },
  "moult.audit.size": {
    kind: "gauge",
    unit: "{leaf}",
    about: "Leaves that the last checkpoint covers.",
    attributes: { "moult.checkpoint": "`signed`, `witnessed`" },
  },
  "moult.audit.age": {
    kind: "gauge",
    unit: "s",
    about: "Time since the last checkpoint was signed or cosigned. A log in which nothing happens is not signed again.",
    attributes: { "moult.checkpoint": "`signed`, `witnessed`" },
  },
  "moult.audit.round.age": {
    kind: "gauge",
    unit: "s",
    about: "Time since the log last did all there was to do. It grows while the log is stuck.",
  },
  "moult.metadata.expiry": {
    kind: "gauge",
    unit: "s",
    about: "Time until a published file runs out; below 0 devices do not move.",
    attributes: { "moult.role": "`root`, `targets`, `snapshot`, `timestamp`" },
  },
  "moult.tls.expiry": { kind: "gauge", unit: "s", about: "Time until the certificate that is shown ends." },
  "moult.tls.reloads": {
    kind: "counter",
    unit: "{reload}",
    about: "How often the certificate was read again: another was taken, or what was there could not be used.",
    attributes: { "moult.outcome": "`taken`, `refused`" },
  },
  "moult.log.joined": {
    kind: "counter",
    unit: "{line}",
    about: "Log lines that were not written by themselves because the same was said within the minute.",
  },
};

/** By name. */
export const CATALOGUE: ReadonlyMap<string, Metric> = new Map(Object.entries(METRICS));

/** Bounds of a histogram. */
export function boundsOf(name: MetricName): readonly number[] {
  return CATALOGUE.get(name)?.bounds ?? [];
}
