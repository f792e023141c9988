/** The page of the coordinator's metrics, docs/metrics.md: made from the catalogue that OpenTelemetry's instruments are made from. */
import { CATALOGUE, type Metric } from "../apps/coordinator/src/metrics/catalogue.ts";

const HEAD = `# The coordinator's metrics

This page is made from \`apps/coordinator/src/metrics/catalogue.ts\` by \`pnpm generate\`.

\`metrics: { host: 127.0.0.1, port: 9464 }\` in the configuration opens a port of plain HTTP, which is closed by default:

| path       | what                                                                                                       |
| ---------- | ---------------------------------------------------------------------------------------------------------- |
| \`/metrics\` | all below, in Prometheus' text                                                                             |
| \`/healthz\` | 200 while the process answers at all: **liveness**. A store that is down does not change it: no restart would bring it back |
| \`/readyz\`  | 200 while it can answer calls, or 503 and why: **readiness**. Not while it stops, while its store is down, nor on a replica that does not reach the one that decides |

gRPC's own health service (\`grpc.health.v1\`, on the devices' port, as a whole and for each service) says what \`/readyz\` says.
Whoever reaches the port may read it; it shows names of pools and figures of the fleet, no secrets and no node's name.

\`OTEL_METRICS_EXPORTER=otlp\` in the environment sends the same to a collector, by OpenTelemetry's own variables
(\`OTEL_EXPORTER_OTLP_ENDPOINT\`, \`OTEL_EXPORTER_OTLP_HEADERS\`, \`OTEL_METRIC_EXPORT_INTERVAL\`, \`OTEL_RESOURCE_ATTRIBUTES\`), as
OTLP over HTTP. Histograms are always cumulative. With neither, nothing is measured.

Names that OpenTelemetry's semantic conventions have are theirs; ours begin with \`moult.\`. Prometheus writes dots as \`_\` and
adds \`_total\` to what only grows. A name is added to and not changed: \`golden.txt\` beside the catalogue says what is really
sent, and a test compares. Sample alerts: \`apps/coordinator/alerts/moult.rules.yaml\`.

Of several coordinators only the one that decides says anything of the fleet, its log and its metadata; \`moult.asks\` is
counted there, however the ask came, and \`rpc.server.call.duration\` where the call came in.
`;

const KINDS: Readonly<Record<Metric["kind"], string>> = {
  counter: "counter",
  "up-down-counter": "up-down counter",
  gauge: "gauge",
  histogram: "histogram",
};

/** The page. */
export function metricsPage(): string {
  const sections = [...CATALOGUE].map(([name, { kind, unit, about, attributes = {} }]) => {
    const listed = Object.entries(attributes).map(([key, values]) => `- \`${key}\`: ${values}`);
    const facts = `## \`${name}\`\n\n${about}\n\n${KINDS[kind]}, \`${unit}\`; Prometheus: \`${prometheusName(name, kind)}\``;
    return listed.length === 0 ? facts : `${facts}\n\n${listed.join("\n")}`;
  });
  return `${HEAD}\n${sections.join("\n\n")}\n`;
}

/** What Prometheus calls it. */
export function prometheusName(name: string, kind: Metric["kind"]): string {
  return `${name.replaceAll(".", "_")}${kind === "counter" ? "_total" : ""}`;
}
