/** An edge's end of a trunk and a seat's, over a real gRPC connection. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Server, ServerCredentials, credentials } from "@grpc/grpc-js";
import { type Call, type Implementation, type Interceptor, bindService } from "@moult/contracts";
import { TrunkService } from "@moult/contracts/replica";
import { AgentService } from "@moult/contracts/v1";
import type { Principal } from "../../rpc/access.ts";
import type { Caller } from "../hop.ts";
import { Hop } from "../hop.ts";
import { localMethod } from "../local-method.ts";
import { TrunkClient, type TrunkLimits } from "../trunk-client.ts";
import { TrunkServer } from "../trunk-server.ts";

/** Who calls, for the edge. */
export const CALLER: Caller = { peer: "192.0.2.1:7", certificate: undefined };

/** A device's call as the edge has it. */
export function callOf(token: string, signal: AbortSignal = new AbortController().signal): Call<unknown> {
  const metadata = { get: (name: string) => (name === "authorization" ? token : undefined) };
  return { principal: undefined, metadata, peer: CALLER.peer, signal };
}

/** What the seat is. */
export interface SeatParts {
  readonly agent: Partial<Implementation<typeof AgentService, Principal>>;
  readonly check?: Interceptor<Principal>;
  readonly limits?: TrunkLimits;
}

/** Both ends. */
export interface TrunkPair {
  readonly trunk: TrunkClient;
  /** The seat's term ends. */
  readonly rise: () => void;
  /** The edge dies: its connection is cut and nothing is said. */
  readonly die: () => void;
  readonly stop: () => void;
}

/** Connects them. */
export async function trunkPair({ agent, check, limits }: SeatParts): Promise<TrunkPair> {
  const term = new AbortController();
  const seat = new TrunkServer({ speaks: () => !term.signal.aborted, term: () => term.signal });
  seat.judgedBy(check ?? (() => ({ kind: "device", nodeId: "n1" })), () => undefined);
  for (const name of Object.keys(agent) as (keyof typeof agent)[]) {
    const method = AgentService.method[name];
    const implementation = agent as Implementation<typeof AgentService, Principal>;
    seat.add(`/${AgentService.typeName}/${method.name}`, localMethod(AgentService, method, implementation));
  }
  const server = new Server();
  bindService(
    server,
    TrunkService,
    seat.implementation,
    () => undefined,
    () => undefined,
  );
  const folder = mkdtempSync(join(tmpdir(), "moult-trunk-"));
  const address = `unix:${join(folder, "socket")}`;
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
  });
  const client = new Client(address, credentials.createInsecure());
  const trunk = new TrunkClient(client, new Hop(Buffer.alloc(32)), limits);
  return {
    trunk,
    rise: () => term.abort(),
    // As the seat sees it: the connection is gone.
    die: () => server.forceShutdown(),
    stop() {
      trunk.close();
      client.close();
      server.forceShutdown();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
