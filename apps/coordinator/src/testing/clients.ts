/** Clients of every service of a coordinator, and of its artifact endpoint. */
import { existsSync, readFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { request } from "node:https";
import { join } from "node:path";
import { type CallOptions, type Client, createClient, secureChannel } from "@moult/contracts";
import {
  AgentService,
  FleetService,
  MembershipService,
  MetadataService,
  ReleaseService,
  RolloutService,
} from "@moult/contracts/v1";

/** A call's deadline: far above what any call takes. */
export const CALL_MS = 10_000;

/** What an HTTPS request was answered with. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Clients and credentials. */
export interface Clients {
  readonly agent: Client<typeof AgentService>;
  readonly fleet: Client<typeof FleetService>;
  readonly membership: Client<typeof MembershipService>;
  readonly metadata: Client<typeof MetadataService>;
  readonly releases: Client<typeof ReleaseService>;
  readonly rollout: Client<typeof RolloutService>;
  readonly operatorToken: string;
  readonly viewerToken: string;
  readonly operator: CallOptions & { readonly timeoutMs: number };
  readonly publisher: CallOptions & { readonly timeoutMs: number };
  readonly breaker: CallOptions & { readonly timeoutMs: number };
  readonly viewer: CallOptions & { readonly timeoutMs: number };
  readonly http: (
    method: string,
    path: string,
    more?: { readonly headers?: Record<string, string>; readonly body?: Uint8Array },
  ) => Promise<HttpAnswer>;
  readonly close: () => void;
}

/** Opens clients with what stands in the coordinator's state folder. They share one connection. */
export function openClients(
  stateDir: string,
  at: { readonly grpc: string; readonly artifacts: string },
  tlsFolder: string = join(stateDir, "tls"),
): Clients {
  const ca = readFileSync(join(tlsFolder, "ca.pem"));
  const channel = secureChannel(at.grpc, ca);
  // Where there is a table of operators, no tokens are made.
  const token = (name: string): string => {
    const path = join(stateDir, name);
    return existsSync(path) ? readFileSync(path, "utf8").trim() : "";
  };
  const operatorToken = token("operator.token");
  const viewerToken = token("viewer.token");
  const clients = {
    agent: createClient(AgentService, at.grpc, channel.credentials, channel.options),
    fleet: createClient(FleetService, at.grpc, channel.credentials, channel.options),
    membership: createClient(MembershipService, at.grpc, channel.credentials, channel.options),
    metadata: createClient(MetadataService, at.grpc, channel.credentials, channel.options),
    releases: createClient(ReleaseService, at.grpc, channel.credentials, channel.options),
    rollout: createClient(RolloutService, at.grpc, channel.credentials, channel.options),
  };
  return {
    ...clients,
    operatorToken,
    viewerToken,
    operator: { bearer: operatorToken, timeoutMs: CALL_MS },
    publisher: { bearer: token("publisher.token"), timeoutMs: CALL_MS },
    breaker: { bearer: token("breaker.token"), timeoutMs: CALL_MS },
    viewer: { bearer: viewerToken, timeoutMs: CALL_MS },
    http: (method, path, { headers = {}, body } = {}) =>
      new Promise((resolve, reject) => {
        const length = body === undefined ? {} : { "content-length": String(body.length) };
        const call = request(`${at.artifacts}${path}`, { method, ca, headers: { ...length, ...headers } }, (answer) => {
          const chunks: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => chunks.push(chunk));
          answer.on("error", reject);
          answer.on("end", () =>
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
          );
        });
        call.on("error", reject);
        call.end(body);
      }),
    close: () => Object.values(clients).forEach((client) => client.close()),
  };
}
