/**
 * Hands small calls on in bulk: those that come in one turn of the event loop go out as one message over one stream. A call of its
 * own costs several times what it carries.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { DescMethod, Message } from "@bufbuild/protobuf";
import { type Client, type ClientDuplexStream, Metadata, status } from "@grpc/grpc-js";
import { type Call, RpcError, methodDefinition } from "@moult/contracts";
import {
  type HandRequest,
  HandRequestSchema,
  type HandResponse,
  type HandedCall,
  HandedCallSchema,
  TrunkService,
} from "@moult/contracts/replica";
import { ErrorReason } from "@moult/contracts/v1";
import { nobodyDecides, passedOn } from "./forward-errors.ts";
import type { Caller, Hop } from "./hop.ts";

/** Calls without an answer at a time; more are refused. Each is some hundred bytes here and there. */
const WAITING_MAX = 20_000;
/** What one message may take, below the server's 4 MiB. */
const BATCH_BYTES_MAX = 1_048_576;
/** Far above what a small call takes. A replica that hangs is noticed by its lease long before. */
const ANSWER_MS = 10_000;
const SWEEP_MS = 1_000;

interface Waiting {
  readonly output: DescMethod["output"];
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: RpcError) => void;
  readonly sinceMs: number;
}

/** One stream to the replica that decides. */
export class TrunkClient {
  readonly #stream: ClientDuplexStream<HandRequest, HandResponse>;
  readonly #waiting = new Map<bigint, Waiting>();
  readonly #sweeping: NodeJS.Timeout;
  #calls: HandedCall[] = [];
  #bytes = 0;
  #nextId = 1n;
  #isFlushing = false;
  #hasEnded = false;

  constructor(client: Client, hop: Hop) {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(TrunkService, TrunkService.method.hand);
    const metadata = hop.write(new Metadata(), { peer: "", certificate: undefined });
    this.#stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, {});
    this.#stream.on("data", (response: HandResponse) => this.#take(response));
    this.#stream.on("error", (error) => this.#end(error));
    this.#stream.on("end", () => this.#end(undefined));
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  /** Whether it is of no use any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Hands a call on. Rejects with an RpcError. */
  call(path: string, method: DescMethod, request: Message, call: Call<unknown>, caller: Caller): Promise<unknown> {
    if (this.#hasEnded) return Promise.reject(nobodyDecides());
    if (this.#waiting.size >= WAITING_MAX) {
      const message = `${WAITING_MAX} calls wait for the replica that decides`;
      const options = { retryAfterMs: SWEEP_MS };
      return Promise.reject(new RpcError(status.RESOURCE_EXHAUSTED, ErrorReason.OVERLOADED, message, options));
    }
    const [authorization] = call.metadata.get("authorization");
    const bytes = toBinary(method.input, request);
    const id = this.#nextId;
    this.#nextId += 1n;
    if (this.#bytes + bytes.length > BATCH_BYTES_MAX) this.#flush();
    this.#bytes += bytes.length;
    this.#calls.push(
      create(HandedCallSchema, {
        id,
        path,
        request: bytes,
        authorization: typeof authorization === "string" ? authorization : "",
        peer: caller.peer,
        ...(caller.certificate === undefined ? {} : { certificate: caller.certificate }),
      }),
    );
    if (!this.#isFlushing) {
      this.#isFlushing = true;
      setImmediate(() => this.#flush());
    }
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { output: method.output, resolve, reject, sinceMs: performance.now() });
    });
  }

  close(): void {
    this.#stream.cancel();
    this.#end(undefined);
  }

  #flush(): void {
    this.#isFlushing = false;
    const calls = this.#calls;
    if (calls.length === 0) return;
    this.#calls = [];
    this.#bytes = 0;
    // What waits to be written is bounded by what waits for an answer.
    if (!this.#hasEnded) this.#stream.write(create(HandRequestSchema, { calls }));
  }

  #take({ answers }: HandResponse): void {
    for (const { id, code, body, message } of answers) {
      const waiting = this.#waiting.get(id);
      if (waiting === undefined) continue;
      this.#waiting.delete(id);
      if (code === 0) waiting.resolve(fromBinary(waiting.output, body, { readUnknownFields: false }));
      else waiting.reject(passedOn(code, message, body));
    }
  }

  #sweep(): void {
    const beforeMs = performance.now() - ANSWER_MS;
    for (const [id, { sinceMs, reject }] of this.#waiting) {
      // In the order of their coming.
      if (sinceMs > beforeMs) break;
      this.#waiting.delete(id);
      reject(nobodyDecides());
    }
  }

  #end(cause: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearInterval(this.#sweeping);
    const refused = nobodyDecides(cause);
    for (const { reject } of this.#waiting.values()) reject(refused);
    this.#waiting.clear();
  }
}
