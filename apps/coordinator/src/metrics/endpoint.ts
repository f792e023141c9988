/**
 * The port for those who watch over the process: `/metrics` in Prometheus' text, `/healthz` (is it alive?), `/readyz` (can
 * it answer?). Plain HTTP, off unless it is configured, on the loopback by default: nothing here is secret from whoever runs
 * the machine, and nothing here is for anybody else.
 */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import type { Readiness } from "../operations/readiness.ts";
import type { Log } from "../ports.ts";
import type { Meter } from "./meter.ts";

/** Those who look are few. */
const CONNECTIONS_MAX = 64;
/** A request is a line and some headers, in milliseconds. */
const REQUEST_MS = 5_000;
const PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8";

/** What it works with. */
export interface MetricsEndpointParts {
  readonly meter: Meter;
  readonly readiness: () => Readiness;
  readonly log: Log;
}

/** A port that listens. */
export interface RunningMetricsEndpoint {
  readonly port: number;
  readonly stop: () => void;
}

/** Starts listening. */
export async function startMetricsEndpoint(
  parts: MetricsEndpointParts,
  listen: { readonly host: string; readonly port: number },
): Promise<RunningMetricsEndpoint> {
  const serializer = new PrometheusSerializer(undefined, false, undefined, false, true);
  const server: Server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS },
    (request, response) => {
      answer(parts, serializer, request, response).catch((error: unknown) => {
        parts.log.error({ err: error }, "the metrics could not be collected");
        if (response.headersSent) response.destroy();
        else say(response, 500, "the metrics could not be collected");
      });
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(
  { meter, readiness }: MetricsEndpointParts,
  serializer: PrometheusSerializer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.resume();
  const path = (request.url ?? "").split("?", 1)[0];
  const known = path === "/metrics" || path === "/healthz" || path === "/readyz";
  if (!known) return say(response, 404, "there is /metrics, /healthz and /readyz here");
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("Allow", "GET, HEAD");
    return say(response, 405, "this is for reading");
  }
  // That the process answers at all is what is asked: a coordinator whose store is down is alive, and is not to be restarted.
  if (path === "/healthz") return say(response, 200, "alive");
  if (path === "/readyz") {
    const { isReady, why } = readiness();
    return say(response, isReady ? 200 : 503, why);
  }
  const { resourceMetrics } = await meter.collect();
  say(response, 200, serializer.serialize(resourceMetrics), PROMETHEUS);
}

function say(response: ServerResponse, code: number, text: string, type = "text/plain; charset=utf-8"): void {
  const body = Buffer.from(text.endsWith("\n") ? text : `${text}\n`);
  response.writeHead(code, { "Content-Type": type, "Content-Length": body.length, "Cache-Control": "no-store" });
  response.end(body);
}
