/** Starts the ports that calls come in by: devices' and operators' gRPC, and the JSON port, each with its calls counted. */
import type { Config } from "../config.ts";
import type { Operators } from "../identity/operators.ts";
import { countedCalls } from "../metrics/counted-calls.ts";
import type { Numbers } from "../metrics/numbers.ts";
import type { Through } from "../replica/through.ts";
import { type RunningJsonServer, startJsonServer } from "../rpc/json-server.ts";
import { type RunningServer, startServer } from "../rpc/server.ts";
import { type Parts, storeRefusal } from "../rpc/services.ts";
import type { TlsMaterial } from "../tls/certificate.ts";
import { cannotListen, countsOf } from "./addresses.ts";

/** What they work with. */
export interface RpcPortsParts {
  readonly config: Config;
  readonly parts: Parts;
  readonly operators: Operators;
  readonly operatorsCaPem: string | undefined;
  readonly tls: TlsMaterial;
  readonly through: Through;
  readonly numbers: Numbers;
}

/** Starts them; where one cannot be had, none is left open. Throws ConfigError. */
export async function startRpcPorts({
  config,
  parts,
  operators,
  operatorsCaPem,
  tls,
  through,
  numbers,
}: RpcPortsParts): Promise<{ readonly server: RunningServer; readonly json: RunningJsonServer }> {
  const { ports } = numbers;
  const operatorsPort = config.operators && { listen: config.operators, operatorsCaPem, tally: ports.operators };
  const counted = (system: "grpc" | "connectrpc") =>
    countedCalls(through, { numbers, system, nowMs: () => performance.now(), refusalOf: storeRefusal });
  const grpcPort = { ...config.grpc, bounds: countsOf(config.grpc, ports.grpc) };
  const server = await startServer(parts, operators, tls, grpcPort, operatorsPort, counted("grpc")).catch(
    (cause: unknown) => {
      throw cannotListen("grpc", config.grpc, cause as Error);
    },
  );
  const jsonPort = { ...config.json, bounds: countsOf(config.json, ports.json) };
  const overJson = counted("connectrpc");
  const json = await startJsonServer(parts, operators, tls, jsonPort, operatorsCaPem, overJson).catch(
    async (cause: unknown) => {
      await server.stop();
      throw cannotListen("json", config.json, cause as Error);
    },
  );
  return { server, json };
}
