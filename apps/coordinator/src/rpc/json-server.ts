/** The second port: operators' services as Connect and JSON over HTTPS. */
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { RpcError } from "@moult/contracts";
import { FleetService, MembershipService, MetadataService, ReleaseService, RolloutService } from "@moult/contracts/v1";
import { type ConnectionCounts, boundConnections } from "../artifacts/connections.ts";
import type { Operators } from "../identity/operators.ts";
import { isGood } from "../tls/operator-listener.ts";
import { STOP_GRACE_MS, drainHttp } from "../operations/grace.ts";
import { DIRECT, type Through } from "../replica/through.ts";
import type { TlsMaterial } from "../tls/certificate.ts";
import { addressOf, createAccessCheck } from "./access.ts";
import { addRoutes, callerOf } from "./connect.ts";
import { createFleetService } from "./fleet-service.ts";
import { createMembershipService } from "./membership-service.ts";
import { createMetadataService } from "./metadata-service.ts";
import { createReleaseService } from "./release-service.ts";
import { createRolloutService } from "./rollout-service.ts";
import { type Parts, storeRefusal } from "./services.ts";

/** As over gRPC. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

/** A server that listens. */
export interface RunningJsonServer {
  readonly port: number;
  /** New connections are shown this from now on. */
  readonly setTls: (tls: TlsMaterial) => void;
  /** Ends streams, lets calls end, then closes. */
  readonly stop: () => Promise<void>;
}

/** Starts serving. */
export async function startJsonServer(
  parts: Parts,
  operators: Operators,
  tls: TlsMaterial,
  listen: { readonly host: string; readonly port: number; readonly bounds: ConnectionCounts },
  operatorsCaPem?: string,
  through: Through = DIRECT,
): Promise<RunningJsonServer> {
  const { sessions, clock, anomalies } = parts;
  const onFailure = (peer: string): void => anomalies.see({ kind: "failure", address: addressOf(peer) });
  const defect = (error: unknown, method: string): RpcError | void => {
    const refusal = storeRefusal(error);
    if (refusal === undefined) parts.log.error({ err: error, method }, "a call failed");
    return refusal;
  };
  const check = through.check(createAccessCheck({ sessions, operators, clock, onFailure }), defect);
  const stopping = new AbortController();
  const handler = connectNodeAdapter({
    shutdownSignal: stopping.signal,
    readMaxBytes: MESSAGE_BYTES_MAX,
    writeMaxBytes: MESSAGE_BYTES_MAX,
    contextValues: ({ socket }) => callerOf(socket, (tls) => isGood(tls, { operatorsCaPem, operators, clock })),
    routes: (router) => {
      addRoutes(
        router,
        MembershipService,
        through.messages(MembershipService, createMembershipService(parts)),
        check,
        defect,
      );
      addRoutes(router, ReleaseService, through.messages(ReleaseService, createReleaseService(parts)), check, defect);
      addRoutes(router, RolloutService, through.messages(RolloutService, createRolloutService(parts)), check, defect);
      addRoutes(router, FleetService, through.messages(FleetService, createFleetService(parts)), check, defect);
      addRoutes(
        router,
        MetadataService,
        through.messages(MetadataService, createMetadataService(parts)),
        check,
        defect,
      );
    },
  });
  const server = createServer(
    {
      cert: tls.certificate,
      key: tls.key,
      // Asked for and not insisted on: who has none may show a token.
      requestCert: true,
      rejectUnauthorized: false,
      ...(operatorsCaPem === undefined ? {} : { ca: operatorsCaPem }),
    },
    parts.largeFiles.bound(handler),
  );
  // Node's own limits on headers and bodies end what drips; a stream of events may be still for as long as it likes.
  boundConnections(server, listen.bounds, parts.log, "JSON");
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    setTls: ({ certificate, key }) =>
      server.setSecureContext({
        cert: certificate,
        key,
        ...(operatorsCaPem === undefined ? {} : { ca: operatorsCaPem }),
      }),
    stop() {
      stopping.abort();
      return drainHttp(server, STOP_GRACE_MS);
    },
  };
}
