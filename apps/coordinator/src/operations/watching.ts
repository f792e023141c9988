/** Puts the metrics together: who is asked when somebody looks, who reads, and the port for it. */
import type { Config } from "../config.ts";
import { Census } from "../metrics/census.ts";
import type { RunningMetricsEndpoint } from "../metrics/endpoint.ts";
import { otlpReader, wantsOtlp } from "../metrics/otlp.ts";
import { watchProcess } from "../metrics/process-readings.ts";
import { type Sources, readings, spreads } from "../metrics/readings.ts";
import { SQLITE } from "../store/engine.ts";
import { cannotListen } from "./addresses.ts";
import type { Readiness } from "./readiness.ts";
import type { Log } from "../ports.ts";

/** What the process knows of itself. */
export interface Self {
  readonly version: string;
  /** Of this process alone. */
  readonly instance: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Log lines that were not written by themselves, so far. */
  readonly joinedLines: () => number;
}

/** What it works with. */
export interface WatchingParts {
  readonly config: Config;
  readonly self: Self;
  readonly sources: () => Omit<Sources, "census" | "databaseSystem" | "joinedLines">;
  readonly readiness: () => Readiness;
  readonly log: Log;
}

/** Metrics that are kept. */
export interface Watching {
  /** Undefined where no port is configured. */
  readonly port: number | undefined;
  readonly stop: () => Promise<void>;
}

/** Starts the port and the exporter that are configured; where there is neither, nothing is measured and nothing runs. */
export async function startWatching({ config, self, sources, readiness, log }: WatchingParts): Promise<Watching> {
  const { metrics } = config;
  const pushes = wantsOtlp(self.env);
  if (metrics === undefined && !pushes) return { port: undefined, stop: async () => {} };
  // Loaded only here: who does not measure need not carry the memory.
  const { openMeter } = await import("../metrics/meter.ts");
  const process = watchProcess();
  const census = new Census(
    () => sources().ledger,
    () => sources().now,
  );
  const databaseSystem = config.store === SQLITE ? "sqlite" : "postgresql";
  const meter = await openMeter({
    network: config.network,
    version: self.version,
    instance: self.instance,
    async readings() {
      const counted = await census.look();
      const now: Sources = { ...sources(), census: counted, databaseSystem, joinedLines: self.joinedLines() };
      return [...process.readings(), ...readings(now)];
    },
    spreads: () => [...process.spreads(), ...spreads({ numbers: sources().numbers, databaseSystem })],
    readers: async (producers) => (pushes ? [await otlpReader(self.env, producers)] : []),
  });
  let endpoint: RunningMetricsEndpoint | undefined;
  if (metrics !== undefined) {
    const { startMetricsEndpoint } = await import("../metrics/endpoint.ts");
    endpoint = await startMetricsEndpoint({ meter, readiness, log }, metrics).catch(async (cause: unknown) => {
      process.close();
      await meter.close();
      throw cannotListen("metrics", metrics, cause as Error);
    });
  }
  return {
    port: endpoint?.port,
    async stop() {
      endpoint?.stop();
      try {
        await meter.close();
      } catch (error) {
        // The last readings did not reach their collector: no reason not to stop.
        log.warn({ err: error }, "the last metrics were not sent");
      }
      process.close();
    },
  };
}
