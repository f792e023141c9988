/** docs/performance.md: what a coordinator carries, against what was aimed at. */
import { type Row, figure, shown, table } from "./rows.ts";

/** Nodes of the cases that are compared with each other. */
const FEW = 100_000;

/** What the figures are held against. */
const AIMS: readonly { readonly what: string; readonly aim: string; readonly is: (rows: readonly Row[]) => string }[] =
  [
    {
      what: "ask to no-op, 10 connections, 100 in flight",
      aim: "≥ 0.6",
      is: (rows) => shown(figure(rows, { case: "ask", engine: "sqlite", replicas: 1 }, "ceilingRatio"), 2),
    },
    {
      what: "ask to no-op, 256 connections",
      aim: "≥ 0.95",
      is: (rows) => shown(figure(rows, { case: "ask-256", engine: "sqlite", replicas: 1 }, "ceilingRatio"), 2),
    },
    {
      what: "p99 of asks at full load (10 / 256 connections)",
      aim: "≤ 100 ms",
      is: (rows) =>
        `${shown(figure(rows, { case: "ask", engine: "sqlite", replicas: 1 }, "p99Ms"))} / ${shown(figure(rows, { case: "ask-256", engine: "sqlite", replicas: 1 }, "p99Ms"))} ms`,
    },
    {
      what: "p99 of asks at half that load",
      aim: "≤ 50 ms",
      is: (rows) => `${shown(figure(rows, { case: "ask-half", engine: "sqlite", replicas: 1 }, "p99Ms"))} ms`,
    },
    {
      what: "permit, departure, return: cycles a second, 1 client",
      aim: "≥ 273 (3 × 91)",
      is: (rows) => shown(cycles(rows, 1)),
    },
    { what: "the same, 64 clients", aim: "≥ 2,500 (100 × 25)", is: (rows) => shown(cycles(rows, 64)) },
    { what: "the same, 256 clients", aim: "no collapse", is: (rows) => shown(cycles(rows, 256)) },
    {
      what: "1,000,000 nodes, 1,111 asks/s and 16,667 pulses/s: share of two cores",
      aim: "≤ 60 %",
      is: (rows) => {
        const of = (name: string): number | undefined => figure(rows, { case: "sustain", nodes: 1_000_000 }, name);
        return `${shown(half(of("cpuPct")))} % at ${shown(of("perS"))} and ${shown(of("pulsesPerS"))}, all that the load came to`;
      },
    },
    {
      what: "the same: memory",
      aim: "≤ 1.5 GB",
      is: (rows) => `${shown(figure(rows, { case: "sustain", nodes: 1_000_000 }, "rssMB"))} MiB`,
    },
    {
      what: "the same: the longest pause, and what of one was work",
      aim: "≤ 50 ms",
      is: (rows) => {
        const of = (name: string): number | undefined => figure(rows, { case: "sustain", nodes: 1_000_000 }, name);
        return `${shown(of("pauseMaxMs"))} / ${shown(of("busyMaxMs"))} ms`;
      },
    },
    {
      what: "a held stream with its connection",
      aim: "≤ 36 KB",
      is: (rows) => `${shown(figure(rows, { case: "streams", replicas: 1 }, "kbEach"), 1)} KiB`,
    },
    {
      what: "the same, where a hundred streams share a connection",
      aim: "≤ 36 KB",
      is: (rows) => `${shown(figure(rows, { case: "streams-shared", replicas: 1 }, "kbEach"), 1)} KiB`,
    },
    {
      what: "a connection of TLS and HTTP/2 without a stream",
      aim: "–",
      is: (rows) => `${shown(figure(rows, { case: "connections", replicas: 1 }, "kbEach"), 1)} KiB`,
    },
    {
      what: "cold start with 1,000,000 nodes, SQLite / PostgreSQL",
      aim: "≤ 10 s",
      is: (rows) => `${startS(rows, "sqlite")} / ${startS(rows, "postgres")} s`,
    },
    {
      what: "processor time for an ask, 4 replicas to 1 (10 / 256 connections)",
      aim: "≤ 1.3",
      is: (rows) => `${fourToOne(rows, "ask", "cpuUsPerCall")} / ${fourToOne(rows, "ask-256", "cpuUsPerCall")}`,
    },
    {
      what: "asks a second, 4 replicas to 1",
      aim: "≥ 1",
      is: (rows) => `${fourToOne(rows, "ask", "perS")} / ${fourToOne(rows, "ask-256", "perS")}`,
    },
  ];

function cycles(rows: readonly Row[], inFlight: number): number | undefined {
  return figure(rows, { case: "permit-cycle", engine: "sqlite", replicas: 1, inFlight }, "perS");
}

function fourToOne(rows: readonly Row[], name: string, what: string): string {
  const of = (replicas: number): number | undefined =>
    figure(rows, { case: name, engine: "postgres", replicas, nodes: FEW }, what);
  const [one, four] = [of(1), of(4)];
  return shown(one === undefined || four === undefined ? undefined : four / one, 2);
}

function half(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value / 2;
}

function startS(rows: readonly Row[], engine: string): string {
  const ms = figure(rows, { case: "cold-start", engine, replicas: 1, nodes: 1_000_000 }, "startMs");
  return shown(ms === undefined ? undefined : ms / 1000, 1);
}

/** Figures of calls, in the order of the columns. */
const FIGURES: readonly (readonly [string, number])[] = [
  ["perS", 0],
  ["p50Ms", 1],
  ["p99Ms", 1],
  ["cpuUsPerCall", 0],
  ["rssMB", 0],
  ["ceilingRatio", 2],
];

/** The page. */
export function performancePage(rows: readonly Row[]): string {
  const calls = groups(
    rows
      .filter((row) => row["perS"] !== undefined)
      // Nobody waits for an answer to these.
      .map((row) =>
        row.case === "pulse" ? { ...row, perS: row["pulsesPerS"], p50Ms: undefined, p99Ms: undefined } : row,
      ),
  );
  const starts = groups(rows.filter(({ case: name }) => name === "cold-start"));
  return `# What a coordinator carries

Made by \`pnpm bench:pages\` of the rows in [figures/coordinator.jsonl](figures/coordinator.jsonl), which \`pnpm bench --json\` printed.
Coordinator, database and load shared one machine of two cores, so rates say little and ratios of one run say much. Where a case was
measured more than once, the middle is shown. What fleets of a million and more take is on the page of [sizes](sizing.md).

\`\`\`
pnpm bench --nodes 100000 --rounds 5 --json
pnpm bench --nodes 100000 --engine postgres --replicas 4 --cases ask,ask-256,permit-cycle --json
pnpm bench --nodes 100000 --cases streams,streams-shared,connections --json
pnpm bench --nodes 1000000 --cases sustain --json
pnpm bench --nodes 1000000 --engine postgres --cases ask --json
\`\`\`

## Against what was aimed at

${table(
  ["what", "aim", "is"],
  AIMS.map(({ what, aim, is }) => [what, aim, is(rows)]),
)}

Nodes that are started with have asked before. The memory of a million is with 2,000 streams. Replicas share the two cores with the
database and the load.

10,000 streams or connections are held by a coordinator that has done nothing else, until its memory stands still; no garbage is
collected for it. Most of a connection is Node's and OpenSSL's ([0034](decisions/0034-what-a-stream-costs.md)).

The aims for cycles are multiples of what a FleetLock server on etcd did on such a machine: 91 a second with one client, 25 with 64.

## Calls

\`noop\` is a grpc-js server with the same TLS that decodes the same ask and encodes a verdict: what gRPC on Node costs. \`ask\` is a
whole ask: three gates, and a commit before the answer. \`ask-fresh\` makes a TLS connection for each ask. \`pulse\` comes over held streams.
Processor time is the coordinators' in microseconds a call, all threads and replicas, without the database's.

${table(
  [
    "case",
    "engine",
    "replicas",
    "nodes",
    "connections",
    "per s",
    "p50 ms",
    "p99 ms",
    "µs a call",
    "RSS MiB",
    "to no-op",
  ],
  calls.map((same) => {
    const [first] = same;
    if (first === undefined) return [];
    const { engine, replicas, nodes } = first;
    const name = first.case === "permit-cycle" ? `permit-cycle, ${first["inFlight"]} at once` : first.case;
    return [
      name,
      first.case.startsWith("noop") ? "" : engine,
      shown(replicas),
      shown(nodes),
      shown(Number(first["connections"])),
      ...FIGURES.map(([figureName, digits]) => shown(figure(same, {}, figureName), digits)),
    ];
  }),
)}

## Starts

From the start of the process until it serves, and its memory then. With replicas, that of the one that decides.

${table(
  ["engine", "replicas", "nodes", "start s", "RSS MiB"],
  starts.map((same) => {
    const [first] = same;
    const ms = figure(same, { case: "cold-start" }, "startMs");
    return [
      first?.engine ?? "",
      shown(first?.replicas),
      shown(first?.nodes),
      shown(ms === undefined ? undefined : ms / 1000, 1),
      shown(figure(same, { case: "cold-start" }, "rssMB")),
    ];
  }),
)}
`;
}

/** Rows of one case under the same conditions, together. */
function groups(rows: readonly Row[]): readonly (readonly Row[])[] {
  const keyOf = (row: Row): string =>
    [row.case, row.engine, row.replicas, row.nodes, row["connections"], row["inFlight"]].join();
  return [...new Set(rows.map(keyOf))].map((key) => rows.filter((row) => keyOf(row) === key));
}
