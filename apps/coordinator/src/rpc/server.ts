/** The gRPC server: services bound behind the access check, health, reflection, limits, and a graceful end. */
import type { DescService } from "@bufbuild/protobuf";
import { Server } from "@grpc/grpc-js";
import { type RpcError, bindService } from "@moult/contracts";
import { Health, type HealthSwitch, createHealth } from "@moult/contracts/health";
import { ServerReflection, ServerReflectionAlpha, createReflection } from "@moult/contracts/reflection";
import {
  AgentService,
  FleetService,
  MembershipService,
  MetadataService,
  ReleaseService,
  RolloutService,
} from "@moult/contracts/v1";
import { DIRECT, type Through } from "../replica/through.ts";
import type { TlsMaterial } from "../tls/certificate.ts";
import { addressOf, createAccessCheck } from "./access.ts";
import type { ConnectionCounts, ConnectionTally } from "../artifacts/connections.ts";
import type { Operators } from "../identity/operators.ts";
import { STOP_GRACE_MS } from "../operations/grace.ts";
import { type RunningDeviceListener, startDeviceListener } from "../tls/device-listener.ts";
import { type RunningOperatorListener, startOperatorListener } from "../tls/operator-listener.ts";
import { createAgentService } from "./agent-service.ts";
import { drainNotice } from "./drain.ts";
import { createFleetService } from "./fleet-service.ts";
import { createMembershipService } from "./membership-service.ts";
import { createMetadataService } from "./metadata-service.ts";
import { createReleaseService } from "./release-service.ts";
import { createRolloutService } from "./rollout-service.ts";
import { type Parts, storeRefusal } from "./services.ts";

/** gRPC's usual limit; every message of the contract fits. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** Below the 30 s after which home routers forget a connection. */
const KEEPALIVE_MS = 25_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;
/** On one connection. A device has two; tools have up to 100 calls under way. */
const STREAMS_MAX = 100;
const HANDED_STREAMS_MAX = 100_000;

const SERVICES: readonly DescService[] = [
  AgentService,
  MembershipService,
  ReleaseService,
  RolloutService,
  FleetService,
  MetadataService,
];

/** The port on which only operators with client certificates are let in. */
export interface OperatorsPort {
  readonly listen: { readonly host: string; readonly port: number };
  readonly operatorsCaPem: string | undefined;
  /** Where its connections are counted, for the metrics. */
  readonly tally?: ConnectionTally | undefined;
}

/** A server that listens. */
export interface RunningServer {
  readonly port: number;
  /** The operators' own port; undefined where there is none. */
  readonly operatorsPort: number | undefined;
  /** Not serving until told so. */
  readonly health: HealthSwitch;
  /** New connections are shown this from now on. */
  readonly setTls: (tls: TlsMaterial) => void;
  /** Tells devices, lets calls end, then closes. */
  readonly stop: () => Promise<void>;
}

/** Starts serving. */
export async function startServer(
  parts: Parts,
  operators: Operators,
  tls: TlsMaterial,
  listen: { readonly host: string; readonly port: number; readonly bounds: ConnectionCounts },
  operatorsPort?: OperatorsPort,
  through: Through = DIRECT,
): Promise<RunningServer> {
  const server = new Server({
    "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
    "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    // Another replica hands the streams of all its devices on over one connection.
    "grpc.max_concurrent_streams": through.isShared ? HANDED_STREAMS_MAX : STREAMS_MAX,
    "grpc.enable_channelz": 0,
    interceptors: [parts.largeFiles.interceptor],
  });
  const { sessions, clock, anomalies } = parts;
  const onFailure = (peer: string): void => anomalies.see({ kind: "failure", address: addressOf(peer) });
  const defect = (error: unknown, method: string): RpcError | void => {
    const refusal = storeRefusal(error);
    if (refusal === undefined) parts.log.error({ err: error, method }, "a call failed");
    return refusal;
  };
  const check = through.check(createAccessCheck({ sessions, operators, clock, onFailure }), defect);
  const stopping = new AbortController();
  const options = { stopping: stopping.signal };
  const health = createHealth(SERVICES);
  const reflection = createReflection([...SERVICES, Health]);
  bindService(
    server,
    AgentService,
    through.implementation(AgentService, createAgentService(parts)),
    check,
    defect,
    options,
  );
  bindService(
    server,
    MembershipService,
    through.implementation(MembershipService, createMembershipService(parts)),
    check,
    defect,
    options,
  );
  bindService(
    server,
    ReleaseService,
    through.implementation(ReleaseService, createReleaseService(parts)),
    check,
    defect,
    options,
  );
  bindService(
    server,
    RolloutService,
    through.implementation(RolloutService, createRolloutService(parts)),
    check,
    defect,
    options,
  );
  bindService(
    server,
    FleetService,
    through.implementation(FleetService, createFleetService(parts)),
    check,
    defect,
    options,
  );
  bindService(
    server,
    MetadataService,
    through.implementation(MetadataService, createMetadataService(parts)),
    check,
    defect,
    options,
  );
  bindService(server, Health, health.implementation, check, defect, options);
  bindService(server, ServerReflection, reflection, check, defect, options);
  bindService(server, ServerReflectionAlpha, reflection, check, defect, options);
  through.bind(server, defect, options);
  const devices = await startDeviceListener(server, { tls, bounds: listen.bounds, log: parts.log }, listen);
  let own: RunningOperatorListener | undefined;
  if (operatorsPort !== undefined) {
    const { operatorsCaPem, tally } = operatorsPort;
    const seen = (address: string): void => anomalies.see({ kind: "failure", address });
    own = await startOperatorListener(
      server,
      { tls, operatorsCaPem, operators, clock, onFailure: seen, tally },
      operatorsPort.listen,
    ).catch((cause: unknown) => {
      devices.close();
      server.forceShutdown();
      throw cause;
    });
  }
  return {
    port: devices.port,
    operatorsPort: own?.port,
    health,
    setTls(next) {
      devices.setTls(next);
      own?.setTls(next);
    },
    async stop() {
      devices.close();
      await stop(server, parts, health, stopping, devices);
      own?.stop();
    },
  };
}

async function stop(
  server: Server,
  parts: Parts,
  health: HealthSwitch,
  stopping: AbortController,
  devices: RunningDeviceListener,
): Promise<void> {
  health.set(false);
  parts.notices.send("drain", drainNotice());
  await parts.owner.settled();
  // One turn of the event loop, in which the notices go out; then the streams end, because no shutdown waits for them.
  await new Promise((resolve) => setImmediate(resolve));
  stopping.abort();
  await Promise.all([devices.drain(STOP_GRACE_MS), shutDown(server)]);
}

function shutDown(server: Server): Promise<void> {
  return new Promise<void>((resolve) => {
    const force = setTimeout(() => {
      // Not waited for: with a peer that reads nothing, the server would learn only from its keepalive that it is gone.
      server.forceShutdown();
      resolve();
    }, STOP_GRACE_MS);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}
