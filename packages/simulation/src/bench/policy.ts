/**
 * `pnpm bench:policy`: how many asks a second the ledger decides on one core, and how long one takes. Real events of a fleet of
 * 10,000 nodes in 40 pools; every kind of ask is timed by itself. The only file here that looks at a clock.
 */
import { type AskEvent, type Ledger, type Node, ask, report, setDial } from "@moult/policy";
import { POOL_DEFAULTS } from "@moult/policy";
import { freshLedger, nodeName } from "../moult/fresh-ledger.ts";
import { EPOCH_MS, RELEASE, RUNNING_NEW, RUNNING_OLD, askEvent, pulseEvent, situation } from "../moult/messages.ts";
import { buildFleet } from "../world/fleet.ts";
import { worldOptions } from "../world/options.ts";

const NODES = 10_000;
/** Asks of a kind that are made before anything is measured, and that are measured. */
const WARM_UP = 200_000;
const MEASURED = 2_000_000;
/** Asks that are timed together. */
const BATCH = 1000;
/** Between two asks of the fleet, in virtual milliseconds. */
const BETWEEN_MS = 30;
const RETRY = { allowlistMs: 900_000, dialMs: 900_000, capacityMs: 300_000 };

interface Bench {
  readonly name: string;
  readonly event: (node: number, count: number) => AskEvent;
}

const fleet = buildFleet(worldOptions({ nodes: NODES }));
const nodes: Node[] = [];
const ledger = busyLedger();

/** A fleet that has reported, at a load at which nobody may go. */
function busyLedger(): Ledger {
  const made = freshLedger({ pool: { ...POOL_DEFAULTS, marginRatio: 0 }, retry: RETRY }, fleet, EPOCH_MS);
  nodes.push(...made.nodes.values());
  setDial(made, RELEASE.version, { kind: "everyone" }, EPOCH_MS);
  for (const [index, node] of nodes.entries()) {
    const capacity = fleet.capacity[index] as number;
    const doing = situation(capacity, capacity * 0.97, "SERVING");
    report(made, node, pulseEvent({ nodeId: nodeName(index), bootId: "1", sequence: 1 }, doing), EPOCH_MS);
  }
  return made;
}

const told = { permitId: "", drained: false, denied: false, freshPermitId: "p" };
const benches: readonly Bench[] = [
  {
    name: "up to date",
    event: (node, count) => askOf(node, count, { ...told, running: RUNNING_NEW, staged: false }),
  },
  {
    name: "not staged: PREPARE",
    event: (node, count) => askOf(node, count, { ...told, running: RUNNING_OLD, staged: false }),
  },
  {
    name: "eight plain, two leaving",
    event: (node, count) => {
      const plain = count % 10 < 8;
      return askOf(node, count, { ...told, running: plain ? RUNNING_NEW : RUNNING_OLD, staged: !plain });
    },
  },
  {
    name: "all three gates: STAY",
    event: (node, count) => askOf(node, count, { ...told, running: RUNNING_OLD, staged: true }),
  },
];

function askOf(node: number, count: number, what: Parameters<typeof askEvent>[1]): AskEvent {
  const capacity = fleet.capacity[node] as number;
  const load = capacity * (0.95 + (count % 5) / 100);
  const speaker = { nodeId: nodeName(node), bootId: "1", sequence: count + 2 };
  return askEvent(speaker, what, situation(capacity, load, "SERVING"));
}

/** How fast a kind of ask is decided. */
interface Speed {
  readonly asksPerS: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/**
 * Runs a bench; events are made outside what is timed. Virtual time passes so that every node asks each five minutes. Batches
 * are timed by turns as a whole, for the rate, and ask by ask, for the latencies: a look at the clock costs a tenth of an ask.
 */
function measure(bench: Bench, from: number): Speed {
  const latenciesNs = new Float64Array(MEASURED);
  let now = EPOCH_MS + 1000;
  let spentNs = 0;
  let counted = 0;
  let timed = 0;
  for (let count = 0; count < WARM_UP + MEASURED; count += BATCH) {
    const events = Array.from({ length: BATCH }, (_, index) => {
      const node = ((count + index) * 7919) % NODES;
      return { node: nodes[node] as Node, event: bench.event(node, from + count + index) };
    });
    const askByAsk = (count / BATCH) % 2 === 1;
    const begunNs = process.hrtime.bigint();
    if (askByAsk) {
      let lastNs = begunNs;
      for (const { node, event } of events) {
        ask(ledger, node, event, now);
        now += BETWEEN_MS;
        const atNs = process.hrtime.bigint();
        if (count >= WARM_UP) latenciesNs[timed++] = Number(atNs - lastNs);
        lastNs = atNs;
      }
    } else {
      for (const { node, event } of events) {
        ask(ledger, node, event, now);
        now += BETWEEN_MS;
      }
      if (count < WARM_UP) continue;
      spentNs += Number(process.hrtime.bigint() - begunNs);
      counted += events.length;
    }
  }
  const sorted = latenciesNs.subarray(0, timed).toSorted();
  const quantileUs = (share: number): number => (sorted[Math.floor(share * (timed - 1))] as number) / 1000;
  return { asksPerS: (counted / spentNs) * 1e9, p50Us: quantileUs(0.5), p99Us: quantileUs(0.99) };
}

let from = 0;
for (const bench of benches) {
  const { asksPerS, p50Us, p99Us } = measure(bench, from);
  from += WARM_UP + MEASURED;
  const rate = `${(asksPerS / 1e6).toFixed(2)} M asks/s`.padStart(16);
  process.stdout.write(`${bench.name.padEnd(24)}${rate}   p50 ${p50Us.toFixed(2)} µs   p99 ${p99Us.toFixed(2)} µs\n`);
}
