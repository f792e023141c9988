/**
 * Hands devices' calls and streams on in bulk: those that come in one turn of the event loop go out as one message over one stream. A
 * call or a stream of its own costs several times what it carries.
 */
import { type Client, type ClientDuplexStream, type ServiceError, status } from "@grpc/grpc-js";
import { type Call, RelayedError, RpcError, bufferOf, methodDefinition } from "@moult/contracts";
import { TrunkService } from "@moult/contracts/replica";
import { ErrorReason } from "@moult/contracts/v1";
import { nobodyDecides, tooMany } from "./forward-errors.ts";
import type { Caller, Hop } from "./hop.ts";
import { type AnswerFrame, type PartFrame, TrunkWriter, readAnswered } from "./trunk-codec.ts";
import { CallerNumbers, METHODS_MAX } from "./trunk-numbers.ts";
import { TrunkStream } from "./trunk-stream.ts";

/** Calls without an answer at a time; more are refused. Each is some hundred bytes here and there. */
const WAITING_MAX = 20_000;
/** Streams at a time; more are refused. As many as connections fit into a large machine, at some 30 KB each. */
const STREAMS_MAX = 200_000;
/** Requests that the other does not read; further ones are refused. Many times what goes out in the time of a lease. */
const UNWRITTEN_BYTES_MAX = 33_554_432;
/** What one message may take, below the server's 4 MiB, with one more request. */
const BATCH_BYTES_MAX = 1_048_576;
/**
 * Between two messages at least: what comes meanwhile goes along. A message costs as much as some fifteen calls in it, and the seat
 * writes what it decides every few milliseconds anyway.
 */
const GATHER_MS = 3;
/** Far above what a device says; a longer request is refused. */
const REQUEST_BYTES_MAX = 1_048_576;
/** Far above what a small call takes. A replica that hangs is noticed by its lease long before. */
const ANSWER_MS = 10_000;
const SWEEP_MS = 1_000;

interface Waiting {
  readonly resolve: (answer: Uint8Array) => void;
  readonly reject: (error: RpcError) => void;
  readonly sinceMs: number;
}

/** What a trunk may hold; a test may want less. */
export interface TrunkLimits {
  readonly streamsMax?: number;
  readonly unwrittenBytesMax?: number;
}

/** One stream to the replica that decides. */
export class TrunkClient {
  readonly #stream: ClientDuplexStream<Uint8Array, Uint8Array>;
  readonly #streamsMax: number;
  readonly #unwrittenBytesMax: number;
  readonly #callers = new CallerNumbers();
  readonly #methods = new Map<string, number>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #streams = new Map<number, TrunkStream>();
  readonly #sweeping: NodeJS.Timeout;
  readonly #writer = new TrunkWriter();
  #unwrittenBytes = 0;
  #lastId = 0;
  #isFlushing = false;
  #flushedAtMs = Number.NEGATIVE_INFINITY;
  #hasEnded = false;
  #isUnknown = false;

  constructor(client: Client, hop: Hop, limits: TrunkLimits = {}) {
    this.#streamsMax = limits.streamsMax ?? STREAMS_MAX;
    this.#unwrittenBytesMax = limits.unwrittenBytesMax ?? UNWRITTEN_BYTES_MAX;
    const { path } = methodDefinition(TrunkService, TrunkService.method.hand);
    const metadata = hop.write(undefined, { peer: "", certificate: undefined });
    this.#stream = client.makeBidiStreamRequest<Uint8Array, Uint8Array>(path, bufferOf, (bytes) => bytes, metadata, {});
    this.#stream.on("data", (bytes: Uint8Array) => this.#take(bytes));
    this.#stream.on("error", (error: ServiceError) => {
      this.#isUnknown ||= error.code === status.UNIMPLEMENTED;
      this.#end(error);
    });
    this.#stream.on("end", () => this.#end(undefined));
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  /** Whether it is of no use any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether the other knows of no trunk. */
  get isUnknown(): boolean {
    return this.#isUnknown;
  }

  /** Hands a call on: its request's bytes, its answer's bytes. Rejects with an RpcError. */
  call(path: string, request: Uint8Array, call: Call<unknown>, caller: Caller): Promise<Uint8Array> {
    if (this.#hasEnded) return Promise.reject(nobodyDecides());
    if (this.#waiting.size >= WAITING_MAX) return Promise.reject(tooMany(`${WAITING_MAX} calls`));
    if (request.length > REQUEST_BYTES_MAX) return Promise.reject(tooLong(request.length));
    if (this.#isFull(request)) return Promise.reject(this.#tooMuch());
    const id = this.#begin(path, request, call, caller);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, sinceMs: performance.now() });
    });
  }

  /** Hands a stream on, until it ends, the caller goes, or the trunk ends. Throws RpcError. */
  async *stream(
    path: string,
    requests: AsyncIterable<Uint8Array>,
    call: Call<unknown>,
    caller: Caller,
  ): AsyncGenerator<Uint8Array> {
    if (this.#hasEnded) throw nobodyDecides();
    if (this.#streams.size >= this.#streamsMax) throw tooMany(`${this.#streamsMax} streams`);
    if (this.#isFull()) throw this.#tooMuch();
    const { signal } = call;
    if (signal.aborted) return;
    const id = this.#begin(path, new Uint8Array(), call, caller);
    const stream: TrunkStream = new TrunkStream({
      message: (message) => (this.#isFull(message) ? stream.cut(this.#tooMuch()) : this.#part({ id, message })),
      taken: (taken) => this.#part({ id, taken }),
    });
    this.#streams.set(id, stream);
    const gone = (): void => stream.cut();
    signal.addEventListener("abort", gone, { once: true });
    void this.#pumpUp(id, requests, stream);
    try {
      yield* stream.messages();
    } finally {
      signal.removeEventListener("abort", gone);
      stream.cut();
      // Still there: not the seat has ended it.
      if (this.#streams.delete(id)) this.#part({ id, cancelled: true });
    }
  }

  close(): void {
    this.#stream.cancel();
    this.#end(undefined);
  }

  async #pumpUp(id: number, requests: AsyncIterable<Uint8Array>, stream: TrunkStream): Promise<void> {
    try {
      for await (const request of requests) {
        if (request.length > REQUEST_BYTES_MAX) return stream.cut(tooLong(request.length));
        if (!(await stream.send(request))) return;
      }
      if (this.#streams.has(id)) this.#part({ id, ended: true });
    } catch {
      // The caller broke off: so does its stream here.
      stream.cut();
    }
  }

  /** Says that a call or a stream begins; its id. */
  #begin(path: string, request: Uint8Array, call: Call<unknown>, { peer, certificate }: Caller): number {
    const authorization = call.metadata.get("authorization") ?? "";
    const id = this.#freeId();
    const known = this.#methods.get(path);
    if (known === undefined && this.#methods.size < METHODS_MAX) this.#methods.set(path, this.#methods.size + 1);
    this.#writer.call({
      id,
      path: known === undefined ? path : "",
      method: this.#methods.get(path) ?? 0,
      ...this.#callers.of({ authorization, peer, certificate }),
      request,
    });
    this.#written();
    return id;
  }

  /** Ids come round after some thousand million calls, when a stream may still have one. */
  #freeId(): number {
    do this.#lastId = (this.#lastId + 1) >>> 0;
    while (this.#waiting.has(this.#lastId) || this.#streams.has(this.#lastId));
    return this.#lastId;
  }

  #part(part: PartFrame): void {
    if (this.#hasEnded) return;
    this.#writer.part(part);
    this.#written();
  }

  #written(): void {
    if (this.#writer.bytes > BATCH_BYTES_MAX) return this.#flush();
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    const leftMs = this.#flushedAtMs + GATHER_MS - performance.now();
    if (leftMs > 0) setTimeout(this.#flushDue, leftMs);
    else setImmediate(this.#flushDue);
  }

  readonly #flushDue = (): void => {
    this.#isFlushing = false;
    this.#flush();
  };

  #flush(): void {
    if (this.#writer.bytes === 0 || this.#hasEnded) return;
    this.#flushedAtMs = performance.now();
    const message = this.#writer.finish();
    this.#unwrittenBytes += message.length;
    this.#stream.write(message, () => (this.#unwrittenBytes -= message.length));
  }

  /** Whether so much waits to be written that this does not go along; what streams say besides messages is small and always goes. */
  #isFull(request?: Uint8Array): boolean {
    // Counted here: the stream itself counts messages, not their bytes.
    return this.#unwrittenBytes + this.#writer.bytes + (request?.length ?? 0) > this.#unwrittenBytesMax;
  }

  #tooMuch(): RpcError {
    return tooMany(`${this.#unwrittenBytesMax} bytes`);
  }

  #take(bytes: Uint8Array): void {
    if (this.#hasEnded) return;
    try {
      const { answers, parts } = readAnswered(bytes);
      for (const part of parts) this.#takePart(part);
      for (const answer of answers) this.#takeAnswer(answer);
    } catch (cause) {
      this.#stream.cancel();
      this.#end(cause);
    }
  }

  #takePart({ id, message, taken = 0 }: PartFrame): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    if (taken > 0) stream.grant(taken);
    if (message !== undefined && !stream.put(message)) stream.cut(nobodyDecides("more messages came than may"));
  }

  #takeAnswer({ id, code, body, message }: AnswerFrame): void {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) {
      this.#waiting.delete(id);
      if (code === 0) waiting.resolve(body);
      else waiting.reject(new RelayedError(code, message, body));
      return;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#streams.delete(id);
    stream.end(code === 0 ? undefined : new RelayedError(code, message, body));
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
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.end(refused);
  }
}

function tooLong(bytes: number): RpcError {
  const message = `the request has ${bytes} bytes, and a device's may have ${REQUEST_BYTES_MAX}`;
  return new RpcError(status.RESOURCE_EXHAUSTED, ErrorReason.UNSPECIFIED, message);
}
