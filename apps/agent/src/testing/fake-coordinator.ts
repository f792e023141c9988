/** A coordinator for tests: real gRPC over real TLS, with answers that a test decides. */
import { verify as verifySignature, createPublicKey } from "node:crypto";
import { type MessageInitShape, create } from "@bufbuild/protobuf";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { RpcError, bindService } from "@moult/contracts";
import {
  AgentService,
  type AskRequest,
  AskResponseSchema,
  type AttendResponse,
  AttendResponseSchema,
  type DeviceProof,
  EnrollResponseSchema,
  ErrorReason,
  GetChallengeResponseSchema,
  GetMetadataResponseSchema,
  MetadataService,
  NodeState,
  OpenSessionResponseSchema,
  type ReportRequest,
  ReportResponseSchema,
  type VerdictSchema,
} from "@moult/contracts/v1";
import { fileNameOf } from "@moult/trust/tuf";
import { onTestFinished } from "vitest";
import type { TestCertificate } from "./certificate.ts";
import type { AtEnd } from "./folders.ts";

const CHALLENGE = Buffer.from("a challenge");
const TOKEN = "welcome";

/** What a test sees and decides. */
export class FakeCoordinator {
  readonly asks: AskRequest[] = [];
  readonly reports: ReportRequest[] = [];
  readonly streamed: ReportRequest[] = [];
  readonly enrolled: Set<string> = new Set();
  /** Calls by name, in their order. */
  readonly calls: string[] = [];
  sessions: Set<string> = new Set();
  verdict: MessageInitShape<typeof VerdictSchema> = {};
  /** Answers asks, where `verdict` is not enough. */
  judge: (ask: AskRequest) => MessageInitShape<typeof VerdictSchema> = () => this.verdict;
  state: NodeState = NodeState.SERVING;
  /** Fails the next report so. */
  refusal: RpcError | undefined;
  /** Files by TUF's names, and signed brakes, as GetMetadata answers them. */
  metadata: ReadonlyMap<string, Uint8Array> = new Map();
  brakes: readonly Uint8Array[] = [];
  expiresInMs = 3_600_000;
  port = 0;
  /** Answers reports, where `state` is not enough; called before the report is kept. */
  hear: (report: ReportRequest) => NodeState = () => this.state;
  /** Serves on this from the next `start` on. */
  certificate: TestCertificate;
  #server: Server | undefined;
  #streams: ((message: AttendResponse | undefined) => void)[] = [];

  constructor(certificate: TestCertificate, atEnd: AtEnd = onTestFinished) {
    this.certificate = certificate;
    atEnd(() => this.kill());
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get openStreams(): number {
    return this.#streams.length;
  }

  /** Listens; on the same port again after `kill`. */
  async start(): Promise<this> {
    const server = new Server();
    bindService(
      server,
      AgentService,
      this.#implementation(),
      () => undefined,
      () => undefined,
    );
    bindService(
      server,
      MetadataService,
      this.#metadata(),
      () => undefined,
      () => undefined,
    );
    const { cert, key } = this.certificate;
    const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) };
    const credentials = ServerCredentials.createSsl(null, [pair]);
    this.port = await new Promise((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${this.port}`, credentials, (error, port) => (error ? reject(error) : resolve(port)));
    });
    this.#server = server;
    return this;
  }

  /** Is gone at once, as after kill -9. */
  kill(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
    this.#streams = [];
  }

  /** Forgets all devices and sessions. */
  forget(): void {
    this.enrolled.clear();
    this.sessions.clear();
  }

  /** Sends a message down every stream. */
  tell(message: MessageInitShape<typeof AttendResponseSchema>["message"]): void {
    for (const send of this.#streams) send(create(AttendResponseSchema, message === undefined ? {} : { message }));
  }

  /** Ends every stream in an orderly way. */
  endStreams(): void {
    for (const send of this.#streams) send(undefined);
    this.#streams = [];
  }

  #implementation(): Parameters<typeof bindService<typeof AgentService, unknown>>[2] {
    return {
      getChallenge: async () => {
        this.calls.push("getChallenge");
        return create(GetChallengeResponseSchema, { challenge: CHALLENGE });
      },
      enroll: async ({ proof, enrollmentToken }) => {
        this.calls.push("enroll");
        const key = checkProof(proof);
        if (enrollmentToken !== TOKEN) throw refuse(status.UNAUTHENTICATED, ErrorReason.TOKEN_UNKNOWN);
        this.enrolled.add(key);
        return create(EnrollResponseSchema, { node: "nodes/n1", pool: "pools/p" });
      },
      openSession: async ({ proof }) => {
        this.calls.push("openSession");
        if (!this.enrolled.has(checkProof(proof))) throw refuse(status.NOT_FOUND, ErrorReason.NODE_UNKNOWN);
        const sessionToken = `session-${this.calls.length}`;
        this.sessions.add(sessionToken);
        const { expiresInMs } = this;
        return create(OpenSessionResponseSchema, { sessionToken, expiresInMs, node: "nodes/n1", pool: "pools/p" });
      },
      ask: async (request, { metadata }) => {
        this.calls.push("ask");
        this.#admit(metadata.get("authorization"));
        this.asks.push(request);
        return create(AskResponseSchema, { verdict: { askId: request.askId, ...this.judge(request) } });
      },
      report: async (request, { metadata }) => {
        this.calls.push("report");
        this.#admit(metadata.get("authorization"));
        if (this.refusal !== undefined) throw this.refusal;
        const state = this.hear(request);
        this.reports.push(request);
        return create(ReportResponseSchema, { state });
      },
      attend: (requests, { metadata }) => {
        this.calls.push("attend");
        this.#admit(metadata.get("authorization"));
        return this.#attend(requests);
      },
    };
  }

  #metadata(): Parameters<typeof bindService<typeof MetadataService, unknown>>[2] {
    const refused = async (): Promise<never> => {
      throw refuse(status.PERMISSION_DENIED, ErrorReason.UNSPECIFIED);
    };
    return {
      getMetadata: async ({ role, version }) => {
        const name = fileNameOf({ role, ...(version > 0n && { version: Number(version) }) });
        this.calls.push(`getMetadata ${name}`);
        const file = this.metadata.get(name);
        if (file === undefined) throw refuse(status.NOT_FOUND, ErrorReason.METADATA_UNKNOWN);
        const brakes = role === "timestamp" ? [...this.brakes] : [];
        return create(GetMetadataResponseSchema, { file, brakes });
      },
      getMetadataStatus: refused,
      publishMetadata: refused,
      submitBrake: refused,
    };
  }

  async *#attend(
    requests: AsyncIterable<{ readonly message: { case?: string; value?: unknown } }>,
  ): AsyncGenerator<AttendResponse> {
    const queue: (AttendResponse | undefined)[] = [];
    let wake = Promise.withResolvers<void>();
    this.#streams.push((message) => {
      queue.push(message);
      wake.resolve();
    });
    const read = async (): Promise<void> => {
      for await (const { message } of requests) {
        if (message.case === "report") this.streamed.push(message.value as ReportRequest);
      }
    };
    read().catch(() => undefined);
    for (;;) {
      if (queue.length === 0) await wake.promise;
      wake = Promise.withResolvers<void>();
      for (let message = queue.shift(); ; message = queue.shift()) {
        if (message === undefined) break;
        yield message;
      }
      if (this.#streams.length === 0) return;
    }
  }

  #admit(authorization: unknown): void {
    const token = String(authorization).replace("Bearer ", "");
    if (!this.sessions.has(token)) throw refuse(status.UNAUTHENTICATED, ErrorReason.SESSION_EXPIRED);
  }
}

/** The device's key in hexadecimal, once it has proved that it holds it. */
function checkProof(proof: DeviceProof | undefined): string {
  if (proof === undefined) throw refuse(status.INVALID_ARGUMENT, ErrorReason.FIELD_INVALID);
  const x = Buffer.from(proof.publicKey).toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const message = Buffer.concat([Buffer.from("moult device proof v1\0"), CHALLENGE]);
  if (!verifySignature(null, message, key, proof.signature)) {
    throw refuse(status.UNAUTHENTICATED, ErrorReason.SIGNATURE_INVALID);
  }
  return x;
}

/** An error as the contract wants it. */
export function refuse(code: status, reason: ErrorReason): RpcError {
  return new RpcError(code, reason, ErrorReason[reason]);
}
