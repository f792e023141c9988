/**
 * `pnpm bench:trunk`: what it costs to hand asks on over a trunk, both ends in this process and a socket between them. Nothing is
 * decided: what is measured is the way, with the request's decoding and the answer's encoding at its end.
 */
import { parseArgs } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { AskRequestSchema, AskResponseSchema } from "@moult/contracts/v1";
import { callOf, trunkPair } from "../replica/testing/trunk-pair.ts";

const HELP = `Measures what it costs to hand an ask on over a trunk, both ends together.

Usage: pnpm bench:trunk [--json] [--calls N]

Options:
  --json     one line of JSON a row, then nothing else
  --calls N  asks a row (default 5000)

Rows: {atOnce, cpuUsPerCall}. atOnce asks go out as one message; cpuUsPerCall is the processor time of an ask at the edge and
at the seat, all threads, without TLS and without deciding.

Exit codes: 0 measured, 1 failed.

Example: pnpm bench:trunk --json
`;

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    calls: { type: "string", default: "5000" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const calls = Number(values.calls);
if (!(calls >= 1)) throw new Error("--calls is a number, 1 or more");

const AT_ONCE = [1, 3, 10, 30, 100];
/** Who asks: each has a token of a session's length. */
const DEVICES = 500;
const TOKEN_CHARACTERS = 240;
const ASK = "/moult.v1.AgentService/Ask";

const answer = create(AskResponseSchema, {});
const { trunk, stop } = await trunkPair({ agent: { ask: async () => answer } });
const devices = Array.from({ length: DEVICES }, (_, n) => ({
  call: callOf(`Bearer ${String(n).padStart(TOKEN_CHARACTERS, "x")}`),
  caller: { peer: `192.0.2.1:${n}`, certificate: undefined },
}));
const request = toBinary(AskRequestSchema, create(AskRequestSchema, { node: "nodes/n1", askId: "a".repeat(64) }));

/** Microseconds of processor time for a call. */
async function measure(atOnce: number, count: number): Promise<number> {
  const before = process.cpuUsage();
  let made = 0;
  while (made < count) {
    const asked = devices.slice(0, atOnce).map(({ call, caller }) => trunk.call(ASK, request, call, caller));
    made += asked.length;
    await Promise.all(asked);
  }
  const { user, system } = process.cpuUsage(before);
  return Number(((user + system) / made).toFixed(1));
}

for (const atOnce of AT_ONCE) await measure(atOnce, calls / 5);
for (const atOnce of AT_ONCE) {
  const row = { atOnce, cpuUsPerCall: await measure(atOnce, calls) };
  const { cpuUsPerCall } = row;
  process.stdout.write(values.json ? `${JSON.stringify(row)}\n` : `${atOnce} at once: ${cpuUsPerCall} µs an ask\n`);
}
stop();
