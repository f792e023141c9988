/** `moult fleet get`: nodes, pools, or one node. */
import { create } from "@bufbuild/protobuf";
import {
  GetNodeResponseSchema,
  type ListNodesResponse,
  ListNodesResponseSchema,
  ListPoolsResponseSchema,
  type Node,
} from "@moult/contracts/v1";
import type { Command } from "commander";
import { fullName } from "../../arguments/names.ts";
import { type Coordinator, present, withCoordinator } from "../../connection/coordinator.ts";
import { allPages } from "../../connection/pages.ts";
import { usageError } from "../../errors.ts";
import { type Answer, messageJson, print } from "../../output/print.ts";
import type { Ports } from "../../ports.ts";
import { type CallOptions, addCall } from "../../verb.ts";
import { nodeDetail, nodeTable } from "../../views/node.ts";
import { poolTable } from "../../views/pool.ts";

interface Options extends CallOptions {
  readonly pool?: string;
}

/** Adds the verb. */
export function addFleetGet(parent: Command, ports: Ports): void {
  addCall(parent, {
    usage: "get [what]",
    summary: "Show nodes, pools, or one node",
    detail:
      "WHAT is `nodes` (also where it is left out), `pools`, or a node. A node whose id is one of these words is nodes/ID.",
    examples: [
      "moult fleet get",
      "moult fleet get nodes --pool home",
      "moult fleet get pools",
      "moult fleet get n1 -o yaml",
    ],
  })
    .option("--pool <id>", "only nodes of this pool")
    .action(async (what: string | undefined, options: Options) => {
      const one = what !== undefined && what !== "nodes" && what !== "pools";
      if (options.pool !== undefined && (one || what === "pools")) throw usageError("--pool belongs to nodes.");
      const node = one ? fullName("nodes", what) : "";
      const pool = options.pool === undefined ? "" : fullName("pools", options.pool);
      await withCoordinator(ports, options, async (coordinator) => {
        const answer = one
          ? await getNode(coordinator, node, ports)
          : what === "pools"
            ? await getPools(coordinator)
            : await getNodes(coordinator, pool, ports);
        print(ports, options.output, answer);
      });
    });
}

async function getNodes({ fleet, call }: Coordinator, pool: string, ports: Ports): Promise<Answer> {
  const nodes = await allPages<ListNodesResponse, Node>(
    (page) => fleet.listNodes({ pool, ...page }, call),
    (answer) => answer.nodes,
  );
  return {
    json: messageJson(ListNodesResponseSchema, create(ListNodesResponseSchema, { nodes })),
    table: (style) => nodeTable(nodes, style, ports.now()),
  };
}

async function getPools({ fleet, call }: Coordinator): Promise<Answer> {
  const answer = await fleet.listPools({}, call);
  return {
    json: messageJson(ListPoolsResponseSchema, answer),
    table: (style) => poolTable(answer.pools, style),
  };
}

async function getNode({ fleet, call }: Coordinator, name: string, ports: Ports): Promise<Answer> {
  const answer = await fleet.getNode({ name }, call);
  const node = present(answer.node, "node");
  return {
    json: messageJson(GetNodeResponseSchema, answer),
    table: (style) => nodeDetail(node, style, ports.now()),
  };
}
