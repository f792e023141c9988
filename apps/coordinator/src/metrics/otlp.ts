/**
 * Sends metrics to a collector over OTLP, where OpenTelemetry's own environment variables ask for it:
 * `OTEL_METRICS_EXPORTER=otlp`, with `OTEL_EXPORTER_OTLP_ENDPOINT` and the others that the exporter reads by itself.
 */
import type { MetricProducer, MetricReader } from "@opentelemetry/sdk-metrics";

/** OpenTelemetry's default, in milliseconds. */
const EVERY_MS = 60_000;
const EVERY_MS_MIN = 1_000;
/** A collector that does not answer is given up after this, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** The environment. */
type Env = Readonly<Record<string, string | undefined>>;

/** Whether the environment asks for it. */
export function wantsOtlp(env: Env): boolean {
  return env["OTEL_SDK_DISABLED"] !== "true" && env["OTEL_METRICS_EXPORTER"] === "otlp";
}

/** A reader that sends; what it needs is loaded only here. */
export async function otlpReader(env: Env, metricProducers: MetricProducer[]): Promise<MetricReader> {
  const { PeriodicExportingMetricReader } = await import("@opentelemetry/sdk-metrics");
  const { OTLPMetricExporter } = await import("@opentelemetry/exporter-metrics-otlp-http");
  const asked = Number(env["OTEL_METRIC_EXPORT_INTERVAL"] ?? EVERY_MS);
  const every = Number.isFinite(asked) ? Math.max(EVERY_MS_MIN, asked) : EVERY_MS;
  return new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(),
    exportIntervalMillis: every,
    exportTimeoutMillis: Math.min(every, TIMEOUT_MS),
    metricProducers,
  });
}
