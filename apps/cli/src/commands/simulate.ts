/** `moult simulate`: what would happen if the dial of a release were turned to everyone now. Changes nothing. */
import { type Node, NodeState, type Pool, type ListNodesResponse } from "@moult/contracts/v1";
import type { FleetForecast, FleetPool } from "@moult/simulation";
import type { Command } from "commander";
import { fullName } from "../arguments/names.ts";
import { wholeNumber } from "../arguments/numbers.ts";
import { type Coordinator, withCoordinator } from "../connection/coordinator.ts";
import { allPages } from "../connection/pages.ts";
import { CliError, usageError } from "../errors.ts";
import { print } from "../output/print.ts";
import { renderPairs, renderTable } from "../output/table.ts";
import type { Style } from "../output/style.ts";
import type { Ports } from "../ports.ts";
import { type CallOptions, about, addCall } from "../verb.ts";

/** Longer than a rollout should take; a fleet that needs more says "not within" so many days. */
const DAYS_MAX = 30;
const DAYS_DEFAULT = 3;

interface Options extends CallOptions {
  readonly release?: string;
  readonly days: number;
}

/** Adds the verb. */
export function addSimulate(program: Command, ports: Ports): void {
  addCall(program, {
    usage: "simulate",
    summary: "Ask what would happen if the dial stood at everyone now",
    detail:
      "Takes the fleet as the coordinator knows it and lets five futures of it pass under the real gates, in simulated " +
      "time. Changes nothing. What is not known is assumed: that half the nodes are home boxes which are often off, and " +
      "that the demand goes through the day as people's demand does.",
    examples: ["moult simulate", "moult simulate --release 2.0.0 --days 7 -o json"],
  })
    .option("--release <version>", "the release to move to; the newest where not given")
    .option("--days <n>", "days to look ahead", about("--days", wholeNumber(1, DAYS_MAX)), DAYS_DEFAULT)
    .action(async (options: Options) => {
      const { version, pools } = await withCoordinator(ports, options, (coordinator) => present(coordinator, options));
      const forecast = await simulate(pools, options.days, ports);
      print(ports, options.output, {
        json: { release: version, days: options.days, ...forecast, pools: forecast.pools.map((pool) => ({ ...pool })) },
        table: (style) => show(version, options.days, forecast, style),
      });
    });
}

/** The fleet as it is. */
async function present(
  { fleet, releases, call }: Coordinator,
  options: Options,
): Promise<{ readonly version: string; readonly pools: readonly FleetPool[] }> {
  const version = options.release ?? (await releases.listReleases({ pageSize: 1 }, call)).releases[0]?.version;
  if (version === undefined) throw usageError("There is no release to simulate; publish one first.");
  await releases.getRelease({ name: fullName("releases", version) }, call);
  const { pools } = await fleet.listPools({}, call);
  const nodes = await allPages<ListNodesResponse, Node>(
    (page) => fleet.listNodes({ pool: "", ...page }, call),
    (answer) => answer.nodes,
  );
  return { version, pools: pools.map((pool) => asPresent(pool, nodes, version)) };
}

/** Nodes that serve nothing now cannot be missed, and are left out. */
function asPresent(pool: Pool, nodes: readonly Node[], version: string): FleetPool {
  const members = nodes.filter((node) => node.pool === pool.name && node.state !== NodeState.LOST);
  const serving = members.filter((node) => (node.situation?.capacityRps ?? 0) > 0);
  return {
    poolId: pool.name.replace(/^pools\//, ""),
    demandRps: pool.demandRps,
    nodes: serving.map((node) => ({
      capacityRps: node.situation?.capacityRps ?? 0,
      upToDate: node.version === version,
    })),
  };
}

async function simulate(pools: readonly FleetPool[], days: number, ports: Ports): Promise<FleetForecast> {
  // Loaded only here: no other verb needs the simulator.
  const { FleetError, simulateFleet } = await import("@moult/simulation");
  const now = new Date(ports.now());
  try {
    return simulateFleet({ pools: pools.filter(({ nodes }) => nodes.length > 0), hour: now.getHours(), days });
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    throw new CliError("REFUSED", `The fleet cannot be simulated: ${error.message}.`, { cause: error });
  }
}

function show(version: string, days: number, forecast: FleetForecast, style: Style): string {
  const hours = (value: number | null): string => (value === null ? `not within ${days} d` : `${value.toFixed(1)} h`);
  const summary = renderPairs(
    [
      ["release", version],
      ["nodes", String(forecast.nodes)],
      ["half of them", hours(forecast.t50H)],
      ["nine in ten", hours(forecast.t90H)],
      ["all but one in a hundred", hours(forecast.t99H)],
      ["most away at once", String(forecast.awayMax)],
      ["pool-minutes short", `${forecast.violations} in each future, on average`],
    ],
    style,
  );
  const rows = forecast.pools.map((p) => [p.poolId, String(p.nodes), hours(p.t50H), hours(p.t90H), hours(p.t99H)]);
  return `${summary}\n${renderTable({ head: ["POOL", "NODES", "T50", "T90", "T99"], rows }, style, "No pools.")}`;
}
