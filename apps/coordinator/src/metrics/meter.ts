/**
 * OpenTelemetry: makes an instrument for each entry of the catalogue and hands the readings over when a reader collects.
 * Histograms go through a metric producer, since they were counted before OpenTelemetry looks: recording each value with
 * attributes costs more than a gate. Readers are Prometheus' and, where the environment asks for it, OTLP's.
 */
import { ValueType } from "@opentelemetry/api";
import { envDetector, detectResources, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type Histogram,
  MeterProvider,
  type MetricProducer,
  MetricReader,
} from "@opentelemetry/sdk-metrics";
import { CATALOGUE, type MetricName } from "./catalogue.ts";
import type { Reading, Spread } from "./readings.ts";

/** A collector that does not answer keeps nobody from stopping for longer, in milliseconds. */
const CLOSE_MS = 2_000;
/** OpenTelemetry's name for who measures. */
const SCOPE = "moult.coordinator";

/** Who measures. */
export interface MeterParts {
  readonly network: string;
  readonly version: string;
  /** Of this process. */
  readonly instance: string;
  /** Asked once a collection, as are the next. */
  readonly readings: () => Promise<readonly Reading[]>;
  readonly spreads: () => readonly Spread[];
  /** Further readers, made with the producer of histograms. */
  readonly readers: (producers: MetricProducer[]) => Promise<readonly MetricReader[]>;
}

/** Collects when it is asked. */
class PullReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

/** What collects. */
export interface Meter {
  readonly collect: () => Promise<CollectionResult>;
  readonly close: () => Promise<void>;
}

/** Makes it. */
export async function openMeter(parts: MeterParts): Promise<Meter> {
  const resource = resourceFromAttributes({
    "service.name": "moult-coordinator",
    "service.version": parts.version,
    "service.instance.id": parts.instance,
    "moult.network": parts.network,
  }).merge(detectResources({ detectors: [envDetector] }));
  const startTime = hrTime(Date.now());
  const producer: MetricProducer = {
    async collect() {
      const metrics = histograms(parts.spreads(), startTime);
      return { resourceMetrics: { resource, scopeMetrics: [{ scope: { name: SCOPE }, metrics }] }, errors: [] };
    },
  };
  const pull = new PullReader({ metricProducers: [producer] });
  const provider = new MeterProvider({ resource, readers: [pull, ...(await parts.readers([producer]))] });
  const meter = provider.getMeter(SCOPE);
  const instruments = [...CATALOGUE].flatMap(([name, { kind, unit, about: description }]) => {
    const options = { unit, description, valueType: ValueType.DOUBLE };
    switch (kind) {
      case "counter":
        return [[name, meter.createObservableCounter(name, options)] as const];
      case "up-down-counter":
        return [[name, meter.createObservableUpDownCounter(name, options)] as const];
      case "gauge":
        return [[name, meter.createObservableGauge(name, options)] as const];
      case "histogram":
        return [];
    }
  });
  const byName = new Map<string, (typeof instruments)[number][1]>(instruments);
  meter.addBatchObservableCallback(
    async (result) => {
      for (const { name, value, attributes } of await parts.readings()) {
        const instrument = byName.get(name);
        if (instrument !== undefined) result.observe(instrument, value, attributes);
      }
    },
    instruments.map(([, instrument]) => instrument),
  );
  return { collect: () => pull.collect(), close: () => provider.shutdown({ timeoutMillis: CLOSE_MS }) };
}

function histograms(
  spreads: readonly Spread[],
  startTime: [number, number],
): CollectionResult["resourceMetrics"]["scopeMetrics"][number]["metrics"] {
  const endTime = hrTime(Date.now());
  const byName = new Map<MetricName, DataPoint<Histogram>[]>();
  for (const { name, values, attributes } of spreads) {
    const points = byName.get(name) ?? [];
    byName.set(name, points);
    const { bounds, counts, count, sum } = values;
    const value = { buckets: { boundaries: [...bounds], counts: [...counts] }, count, sum };
    points.push({ startTime, endTime, attributes, value });
  }
  return [...byName].map(([name, dataPoints]) => {
    const { unit = "", about: description = "" } = CATALOGUE.get(name) ?? {};
    return {
      descriptor: { name, unit, description, valueType: ValueType.DOUBLE },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints,
    };
  });
}

/** Seconds and nanoseconds, as OpenTelemetry has it. */
function hrTime(ms: number): [number, number] {
  return [Math.floor(ms / 1_000), (ms % 1_000) * 1_000_000];
}
