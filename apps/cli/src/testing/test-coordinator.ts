/**
 * A coordinator for tests: the real contract over real TLS, with a state folder as operators find it. It answers what a
 * test tells it to, and remembers what it was asked.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DescMethod, type JsonValue, create, toJson } from "@bufbuild/protobuf";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { RpcError, bindService } from "@moult/contracts";
import { ErrorReason, FleetService, MetadataService, ReleaseService, RolloutService } from "@moult/contracts/v1";
import { testCertificate } from "./certificate.ts";
import { type TestArtifacts, startArtifacts } from "./test-artifacts.ts";

/** The token operators have. */
export const TEST_TOKEN = "operator-token-of-the-test";

/** One call that came in. */
interface ReceivedCall {
  readonly method: string;
  /** In the JSON mapping of protobuf. */
  readonly request: JsonValue;
}

/** Gives the answer to a call; may throw an RpcError. Several for a stream. */
type Answerer = (request: JsonValue) => object | Promise<object>;

/** A running one. */
export interface TestCoordinator {
  readonly stateDir: string;
  readonly calls: ReceivedCall[];
  readonly artifacts: TestArtifacts;
  /** Answers `method` (as in `getDial`) from now on. */
  readonly answer: (method: string, answerer: Answerer) => void;
  readonly stop: () => Promise<void>;
}

/** Starts one on free ports. */
export async function startTestCoordinator(): Promise<TestCoordinator> {
  const stateDir = mkdtempSync(join(tmpdir(), "moult-cli-coordinator-"));
  const tls = testCertificate();
  const calls: ReceivedCall[] = [];
  // Nothing is published where a test does not say otherwise.
  const answers = new Map<string, Answerer>([["getMetadataStatus", () => ({})]]);
  const server = new Server();
  const respond = async (method: DescMethod, request: object): Promise<object> => {
    const json: JsonValue = toJson(method.input, request as never);
    calls.push({ method: method.localName, request: json });
    const answerer = answers.get(method.localName);
    if (answerer === undefined)
      throw new RpcError(status.INTERNAL, ErrorReason.UNSPECIFIED, `no answer for ${method.name}`);
    return answerer(json);
  };
  const defects: unknown[] = [];
  for (const service of [ReleaseService, RolloutService, FleetService, MetadataService]) {
    const handlers: Record<string, unknown> = {};
    for (const method of service.methods) {
      handlers[method.localName] =
        method.methodKind === "unary"
          ? async (request: object) => create(method.output, (await respond(method, request)) as never)
          : async function* stream(request: object, call: { readonly signal: AbortSignal }): AsyncGenerator<object> {
              for (const message of (await respond(method, request)) as object[])
                yield create(method.output, message as never);
              // A watch stays open until the caller has seen enough.
              if (!call.signal.aborted) await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
            };
    }
    bindService(
      server,
      service,
      handlers as never,
      (_, metadata) => {
        if (metadata.get("authorization") === `Bearer ${TEST_TOKEN}`) return "operator";
        // As the contract has it: anybody may fetch metadata.
        if (service === MetadataService && metadata.get("authorization") === undefined) return "stranger";
        throw new RpcError(status.UNAUTHENTICATED, ErrorReason.CREDENTIALS_MISSING, "no such operator");
      },
      (error) => void defects.push(error),
    );
  }
  const credentials = ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.key) },
  ]);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const artifacts = await startArtifacts(tls, TEST_TOKEN);
  mkdirSync(join(stateDir, "tls"));
  writeFileSync(join(stateDir, "tls", "ca.pem"), tls.certificate);
  for (const name of ["operator.token", "publisher.token", "breaker.token"]) {
    writeFileSync(join(stateDir, name), `${TEST_TOKEN}\n`, { mode: 0o600 });
  }
  const endpoints = { grpc: `127.0.0.1:${port}`, artifacts: artifacts.url, pid: process.pid };
  writeFileSync(join(stateDir, "endpoints.json"), JSON.stringify(endpoints));
  return {
    stateDir,
    calls,
    artifacts,
    answer: (method, answerer) => void answers.set(method, answerer),
    async stop() {
      server.forceShutdown();
      await artifacts.stop();
      rmSync(stateDir, { recursive: true });
      if (defects.length > 0) throw new AggregateError(defects, "the test's answers are wrong");
    },
  };
}
