/** docs/sizing.md: what fleets of a million nodes and more take, by what was measured and by arithmetic that is shown. */
import { type Row, figure, shown, table } from "./rows.ts";
import { ASSUMED, MAPPED_MAX, type Measured, UNMAPPED_KB, fleetOf, perProcess } from "./sizing.ts";

/** What the sizes are computed from. Throws where a figure is missing that all of them need. */
function measuredIn(rows: readonly Row[]): Measured {
  const needed = (which: Parameters<typeof figure>[1], name: string): number => {
    const value = figure(rows, which, name);
    if (value === undefined) throw new Error(`the rows lack ${name} of ${JSON.stringify(which)}; measure it first`);
    return value;
  };
  const one = { engine: "sqlite", replicas: 1 };
  const few = needed({ case: "cold-start", ...one, nodes: 100_000 }, "rssMB");
  const many = needed({ case: "cold-start", ...one, nodes: 1_000_000 }, "rssMB");
  const nodeKb = ((many - few) * 1024) / 900_000;
  const startMs = figure(rows, { case: "cold-start", engine: "postgres", nodes: 1_000_000 }, "startMs");
  return {
    askUs: needed({ case: "ask-256", ...one }, "cpuUsPerCall"),
    pulseUs: needed({ case: "pulse", ...one }, "cpuUsPerCall"),
    freshUs: needed({ case: "ask-fresh", ...one }, "cpuUsPerCall"),
    streamKb: needed({ case: "streams", ...one }, "kbEach"),
    nodeKb,
    baseMb: few - (nodeKb * 100_000) / 1024,
    writtenBytesPerAsk: figure(
      rows,
      { case: "ask", engine: "postgres", replicas: 1, nodes: 100_000 },
      "writtenBytesPerCall",
    ),
    millionStartS: startMs === undefined ? undefined : startMs / 1000,
  };
}

const SIZES = [100_000, 1_000_000, 10_000_000, 100_000_000];

/** The page. */
export function sizingPage(rows: readonly Row[]): string {
  const measured = measuredIn(rows);
  const bounds = perProcess(measured);
  const { askEveryS, pulseEveryS, connectionsPerDay, coreShare, backWithinS, backCoreShare, streamGib, cellNodes } =
    ASSUMED;
  const usPerNode =
    measured.askUs / askEveryS + measured.pulseUs / pulseEveryS + (measured.freshUs * connectionsPerDay) / 86_400;
  return `# Sizes

What a fleet takes: processes, memory, a database. Made by \`pnpm bench:pages\` of what \`pnpm bench\` measured
([performance](performance.md)); what was chosen and not measured is named. A fleet is a number of cells; a cell is one ledger, in one
database, decided by one process, with replicas that hold the connections ([store](store.md#replicas)).

## What was measured

${table(
  ["of one process", "is"],
  [
    ["an ask on a connection of the node's own, durable before the answer", `${shown(measured.askUs)} µs`],
    ["a pulse that comes alone over a held stream", `${shown(measured.pulseUs)} µs`],
    ["a new TLS connection, and an ask", `${shown(measured.freshUs)} µs`],
    ["a held stream with its connection", `${shown(measured.streamKb, 1)} KiB`],
    [
      "a held stream on a connection that a hundred share, as behind a proxy",
      `${shown(figure(rows, { case: "streams-shared", replicas: 1 }, "kbEach"), 1)} KiB`,
    ],
    ["a node in the ledger", `${shown(measured.nodeKb, 2)} KiB`],
    ["a coordinator without nodes", `${shown(measured.baseMb)} MiB`],
    [
      "what PostgreSQL writes to its log for an ask",
      measured.writtenBytesPerAsk === undefined ? "–" : `${shown(measured.writtenBytesPerAsk)} bytes`,
    ],
    [
      "the start with a million nodes on PostgreSQL",
      measured.millionStartS === undefined ? "–" : `${shown(measured.millionStartS, 1)} s`,
    ],
  ],
)}

## How many nodes a process holds

Chosen: a node asks every ${askEveryS} s and says its load every ${pulseEveryS} s, connects ${connectionsPerDay} times a day, and
all nodes of a process that was restarted are back within ${backWithinS} s. A process may take ${coreShare} of a core on average,
${backCoreShare} while nodes come back, and ${streamGib} GiB for streams. gRPC on Node runs on one thread, so a second core is of little use to it.

${table(
  ["bound by", "arithmetic", "nodes"],
  [
    [
      "calls",
      `${coreShare} s ÷ (${shown(measured.askUs)} µs ÷ ${askEveryS} + ${shown(measured.pulseUs)} µs ÷ ${pulseEveryS} + ${shown(measured.freshUs)} µs × ${connectionsPerDay} ÷ 86,400 = ${shown(usPerNode, 2)} µs)`,
      shown(bounds.byCalls),
    ],
    ["all coming back", `${backCoreShare} × ${backWithinS} s ÷ ${shown(measured.freshUs)} µs`, shown(bounds.byReturns)],
    [
      "streams",
      `${streamGib} GiB ÷ ${shown(measured.streamKb, 1)} KiB, ${UNMAPPED_KB} KiB more beyond ${shown(MAPPED_MAX)}`,
      shown(bounds.byStreams),
    ],
  ],
)}

The tightest is ${{ calls: "calls", returns: "all coming back", streams: "streams" }[bounds.bound]}: **${shown(bounds.nodes)} nodes a process**.
More memory moves the bound of streams, up to the next.

## What fleets take

Cells of at most ${shown(cellNodes)} nodes, because a takeover loads the cell's ledger and a fleet should be without a word no longer than that;
replicas by the bound above, and one to spare in each cell.

${table(
  [
    "nodes",
    "cells",
    "replicas a cell",
    "asks/s",
    "pulses/s",
    "connections/s",
    "memory for streams, GiB",
    "ledger of a cell, GiB",
    "WAL, MB/s",
  ],
  SIZES.map((nodes) => {
    const fleet = fleetOf(nodes, measured);
    return [
      shown(fleet.nodes),
      shown(fleet.cells),
      shown(fleet.replicasPerCell),
      shown(fleet.asksPerS),
      shown(fleet.pulsesPerS),
      shown(fleet.connectionsPerS, 1),
      shown(fleet.streamGib, 1),
      shown(fleet.ledgerGib, 2),
      shown(fleet.writtenMbPerS, 1),
    ];
  }),
)}

Measured up to a million nodes in one process; everything beyond is the arithmetic above. The columns of asks to connections, of streams and of WAL
are of the whole fleet.

- **Cells do not know of each other.** Each has its own name, its own database and its own log, and the nodes of a pool are all in one. A network's
  metadata is one: the council signs once, and each cell carries the same list. Devices are told their cell's address when they are made, or by the name that it has in the network's DNS.
- **PostgreSQL** of a cell writes what is in the last column divided by the cells; any disk that syncs 300 times a second keeps up, because what comes meanwhile
  is one batch. Keep the log of a day beside a base backup, and a synchronous standby, or a failover loses acknowledged grants.
- **File descriptors**: one for each node, and \`LimitNOFILE\` above that.
- **Less is possible**: a node that need not be told at once need not hold a stream. It asks every ${askEveryS} s on a connection that it closes, which costs
  ${shown(measured.freshUs)} µs instead of ${shown(measured.askUs)} µs and holds no memory: then calls alone bound a process,
  at ${shown(Math.floor((coreShare * 1_000_000) / (measured.freshUs / askEveryS)))} nodes, and the brake reaches a node at its next ask.
`;
}
