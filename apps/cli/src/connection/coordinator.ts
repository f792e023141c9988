/** A connection to a coordinator for the length of one command. */
import { type Client, createClient, secureChannel } from "@moult/contracts";
import { FleetService, MetadataService, ReleaseService, RolloutService } from "@moult/contracts/v1";
import type { ClientOptions } from "@grpc/grpc-js";
import { CliError } from "../errors.ts";
import type { Ports } from "../ports.ts";
import { type Caller, type ConnectionOptions, type ConnectionSettings, readSettings } from "./settings.ts";

/** The operators' services, and what goes with each call. */
export interface Coordinator {
  readonly releases: Client<typeof ReleaseService>;
  readonly rollout: Client<typeof RolloutService>;
  readonly fleet: Client<typeof FleetService>;
  readonly metadata: Client<typeof MetadataService>;
  /** For calls with one answer. */
  readonly call: { readonly bearer?: string; readonly timeoutMs: number };
  /** For streams, which last. */
  readonly who: { readonly bearer?: string };
  readonly settings: ConnectionSettings;
}

/**
 * A call that met a coordinator in its restart is made again: every call but one may be repeated with the same effect.
 * Four tries over some two seconds, on a channel that reconnects faster than it would by itself, outlast a coordinator
 * that is just being started again, and a person can wait for that.
 */
const RETRY_POLICY = {
  maxAttempts: 4,
  initialBackoff: "0.4s",
  maxBackoff: "1s",
  backoffMultiplier: 2,
  retryableStatusCodes: ["UNAVAILABLE"],
};

/** The one call that has an effect each time: a token that nobody saw would stay valid. */
const NOT_REPEATED = { service: FleetService.typeName, method: FleetService.method.createEnrollmentToken.name };

/** A watch over a router that forgets quiet lines after 30 s is kept alive, and a dead one noticed; in milliseconds. */
const KEEPALIVE_MS = 20_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;

const OPTIONS: ClientOptions = {
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 500,
  "grpc.keepalive_time_ms": KEEPALIVE_MS,
  "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
  "grpc.service_config": JSON.stringify({
    methodConfig: [
      { name: [NOT_REPEATED] },
      {
        name: [ReleaseService, RolloutService, FleetService, MetadataService].map(({ typeName }) => ({
          service: typeName,
        })),
        retryPolicy: RETRY_POLICY,
      },
    ],
  }),
  "grpc.service_config_disable_resolution": 1,
};

/** Does `work` with a coordinator, called as `caller`, and hangs up. */
export async function withCoordinator<T>(
  ports: Ports,
  options: ConnectionOptions,
  work: (coordinator: Coordinator) => Promise<T>,
  caller?: Caller,
): Promise<T> {
  const settings = readSettings(options, ports.env, caller);
  const { address, token, own, timeoutMs, caPem } = settings;
  const channel = secureChannel(address, caPem, own);
  const who = token === undefined ? {} : { bearer: token };
  const clientOptions = { ...OPTIONS, ...channel.options };
  const releases = createClient(ReleaseService, address, channel.credentials, clientOptions);
  const rollout = createClient(RolloutService, address, channel.credentials, clientOptions);
  const fleet = createClient(FleetService, address, channel.credentials, clientOptions);
  const metadata = createClient(MetadataService, address, channel.credentials, clientOptions);
  try {
    return await work({ releases, rollout, fleet, metadata, call: { ...who, timeoutMs }, who, settings });
  } finally {
    for (const client of [releases, rollout, fleet, metadata]) client.close();
  }
}

/** What an answer must have to be one. A coordinator that leaves it out is not one this command understands. */
export function present<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw new CliError("UNEXPECTED", `The coordinator's answer has no ${what}.`);
}
