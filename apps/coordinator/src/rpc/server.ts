/**
 * The gRPC servers: services bound behind the access check, health, reflection, limits, and a graceful end. Devices are
 * served on HTTP/2 itself, the operators' own port by grpc-js.
 */
import type { DescService } from "@bufbuild/protobuf";
import { Server } from "@grpc/grpc-js";
import { type Implementation, type RpcError, type Served, bindService } from "@moult/contracts";
import { Http2Server, type MethodLimits } from "@moult/contracts/http2";
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
import { type Principal, addressOf, createAccessCheck } from "./access.ts";
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
/**
 * What devices and probes send, most of whom are anybody: the longest is a report that names 256 shards of 128 characters, in
 * UTF-8 99,072 bytes, and all else that it says has less than 8 KiB.
 */
const DEVICE_MESSAGE_BYTES_MAX = 128 * 1024;
/** Below the 30 s after which home routers forget a connection. */
const KEEPALIVE_MS = 25_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;
/** On one connection. A device has two; tools have up to 100 calls under way. */
const STREAMS_MAX = 100;

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
  const server = new Http2Server({
    tls,
    receiveBytesMax: MESSAGE_BYTES_MAX,
    sendBytesMax: MESSAGE_BYTES_MAX,
    keepaliveMs: KEEPALIVE_MS,
    keepaliveTimeoutMs: KEEPALIVE_TIMEOUT_MS,
    streamsMax: STREAMS_MAX,
    methods: { ...smallRequests(), ...parts.largeFiles.methods },
  });
  const operatorsServer = operatorsPort && createOperatorsServer(parts);
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
  const bind = <S extends DescService>(service: S, implementation: Served<S, Principal>): void => {
    server.bind(service, implementation, check, defect, options);
    if (operatorsServer !== undefined) bindService(operatorsServer, service, implementation, check, defect, options);
  };
  const decided = <S extends DescService>(service: S, implementation: Implementation<S, Principal>): void =>
    bind(service, through.implementation(service, implementation));
  decided(AgentService, createAgentService(parts));
  decided(MembershipService, createMembershipService(parts));
  decided(ReleaseService, createReleaseService(parts));
  decided(RolloutService, createRolloutService(parts));
  decided(FleetService, createFleetService(parts));
  decided(MetadataService, createMetadataService(parts));
  bind(Health, health.implementation);
  bind(ServerReflection, reflection);
  bind(ServerReflectionAlpha, reflection);
  through.bind(server, defect, options);
  const devices = await startDeviceListener(server, { bounds: listen.bounds, log: parts.log }, listen);
  let own: RunningOperatorListener | undefined;
  if (operatorsPort !== undefined && operatorsServer !== undefined) {
    const { operatorsCaPem, tally } = operatorsPort;
    const seen = (address: string): void => anomalies.see({ kind: "failure", address });
    own = await startOperatorListener(
      operatorsServer,
      { tls, operatorsCaPem, operators, clock, onFailure: seen, tally },
      operatorsPort.listen,
    ).catch((cause: unknown) => {
      devices.close();
      operatorsServer.forceShutdown();
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
      await stop(operatorsServer, parts, health, stopping, devices);
      own?.stop();
    },
  };
}

/** By path, the limit of the methods whose requests are small. */
function smallRequests(): Readonly<Record<string, MethodLimits>> {
  const services: readonly DescService[] = [AgentService, Health, ServerReflection, ServerReflectionAlpha];
  const limits: MethodLimits = { receiveBytesMax: DEVICE_MESSAGE_BYTES_MAX };
  return Object.fromEntries(
    services.flatMap(({ typeName, methods }) => methods.map(({ name }) => [`/${typeName}/${name}`, limits])),
  );
}

/** grpc-js is the server of few connections, whose certificates their listener has seen. */
function createOperatorsServer({ largeFiles }: Parts): Server {
  return new Server({
    "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
    "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.max_concurrent_streams": STREAMS_MAX,
    "grpc.enable_channelz": 0,
    interceptors: [largeFiles.interceptor],
  });
}

async function stop(
  operatorsServer: Server | undefined,
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
  await Promise.all([devices.drain(STOP_GRACE_MS), operatorsServer && shutDown(operatorsServer)]);
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
