/**
 * Passes a request on to one node and its answer back. A request is given to exactly one node, once: what fails there
 * has failed, and nothing waits for a node to turn up.
 */
import { type IncomingMessage, type Server, type ServerResponse, createServer, request as ask } from "node:http";
import type { Balancer, Member } from "./balancer.ts";
import type { Connections } from "./connections.ts";

/** How a request ended, as the router sees it. GONE: the asker hung up first. */
export type Ending = "PASSED" | "NOBODY" | "UNREACHABLE" | "GONE";

/** Longer than any client of the demo keeps a quiet connection. In milliseconds. */
const KEEP_ALIVE_MS = 60_000;

/** What the proxy needs of its surroundings. */
export interface Proxying {
  readonly balancer: Balancer;
  /** The kept connections to a node that takes work. */
  readonly connectionsOf: (node: string) => Connections;
  /** A node refused or broke a connection. */
  readonly onUnreachable: (member: Member) => void;
  readonly onEnd: (ending: Ending) => void;
}

/** The reverse proxy, not listening yet. */
export function createProxy(proxying: Proxying): Server {
  const server = createServer((request, response) => pass(proxying, request, response));
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  return server;
}

function pass(proxying: Proxying, request: IncomingMessage, response: ServerResponse): void {
  const { balancer, connectionsOf, onUnreachable, onEnd } = proxying;
  const member = balancer.choose();
  if (member === undefined) {
    refuse(response, 503, "no node takes work");
    onEnd("NOBODY");
    return;
  }
  let ended = false;
  const end = (ending: Ending): void => {
    if (ended) return;
    ended = true;
    balancer.release(member.node);
    onEnd(ending);
  };
  const [host, port] = splitEndpoint(member.endpoint);
  const { method, url: path, headers } = request;
  const upstream = ask({ host, port, method, path, headers, agent: connectionsOf(member.node).agent });
  upstream.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, {
      ...answer.headers,
      connection: "keep-alive",
      "x-moult-node": member.node,
    });
    answer.pipe(response);
    answer.on("error", () => {
      onUnreachable(member);
      response.destroy();
      end("UNREACHABLE");
    });
    answer.on("end", () => end("PASSED"));
  });
  upstream.on("error", (error) => {
    if (ended) return;
    onUnreachable(member);
    refuse(response, 502, `${member.node} could not be reached: ${error.message}`, member.node);
    end("UNREACHABLE");
  });
  response.on("close", () => {
    if (ended) return;
    end("GONE");
    upstream.destroy();
  });
  request.pipe(upstream);
}

function refuse(response: ServerResponse, status: number, error: string, node?: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const named = node === undefined ? {} : { "x-moult-node": node };
  response.writeHead(status, { "content-type": "application/json", ...named }).end(JSON.stringify({ error }));
}

function splitEndpoint(endpoint: string): [string, number] {
  const colon = endpoint.lastIndexOf(":");
  return [endpoint.slice(0, colon), Number(endpoint.slice(colon + 1))];
}
