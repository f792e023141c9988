/**
 * What the rules against anomalies cost an ask: `pnpm bench:anomalies [--json]`. A million nodes ask in turn, with strings
 * that are new each time, as those from the wire are. Asks are made in batches outside the measured time; the median batch
 * counts, and processor time, because others use the machine too.
 */
import { createHash, randomUUID } from "node:crypto";
import type { AskSight } from "../anomalies/kinds.ts";
import { Suspicions, look } from "../anomalies/rules.ts";

const NODES = 1_000_000;
/** Few enough to be in the processor's cache still, as an ask is that was just decoded. */
const BATCH = 1_000;
const BATCHES = 3_000;
const START_MS = 1_800_000_000_000;
/** One in so many is suspected: its ask is soon, late or from an unknown build. */
const ODD = 1000;

const DIGESTS = Array.from({ length: 8 }, (_, nth) => createHash("sha256").update(`build ${nth}`).digest("hex"));

/** A string of its own, as a decoder makes it: nothing that was worked out for an equal one is known of it. */
function fresh(text: string): string {
  return Buffer.from(text).toString("latin1");
}

function askOf(nth: number, round: number): AskSight {
  const sequence = START_MS * 1000 + round;
  const digest = nth % ODD === 1 ? "f".repeat(64) : (DIGESTS[nth % DIGESTS.length] ?? "");
  return {
    kind: "ask",
    nodeId: fresh(`n${(nth * 2_654_435_761).toString(16).padStart(16, "0").slice(-16)}`),
    poolId: "home",
    askId: fresh(randomUUID()),
    bootId: fresh(`00000000-0000-4000-8000-${nth.toString(16).padStart(12, "0")}`),
    sequence,
    digest: fresh(digest),
    deniedBefore: [],
    deniedNow: [],
    lastBootId: fresh(`00000000-0000-4000-8000-${nth.toString(16).padStart(12, "0")}`),
    lastSequence: sequence - 1,
    answeredAtMs: START_MS + round * 1000 - (nth % ODD === 0 ? 1000 : 900_000),
  };
}

const state = new Suspicions();
const listed = new Set(DIGESTS);
const nsPerAsk: number[] = [];
let found = 0;
for (let batch = 0; batch < BATCHES; batch += 1) {
  const asks = Array.from({ length: BATCH }, (_, at) => askOf((batch * BATCH + at) % NODES, Math.floor(batch / 20)));
  const started = process.cpuUsage();
  for (const ask of asks) found += look(state, ask, START_MS + Math.floor(batch / 20) * 1000, listed).length;
  const { user, system } = process.cpuUsage(started);
  nsPerAsk.push(((user + system) * 1000) / BATCH);
}
nsPerAsk.sort((a, b) => a - b);
const at = (share: number): number => Math.round(nsPerAsk[Math.floor(share * (nsPerAsk.length - 1))] ?? 0);
const facts = {
  asks: BATCH * BATCHES,
  nodes: NODES,
  found,
  ask_median_ns: at(0.5),
  ask_p90_ns: at(0.9),
};
process.stdout.write(
  process.argv.includes("--json")
    ? `${JSON.stringify(facts)}\n`
    : `${facts.asks} asks of ${facts.nodes} nodes: ${facts.ask_median_ns} ns an ask (90 % of batches within ${facts.ask_p90_ns} ns)\n`,
);
