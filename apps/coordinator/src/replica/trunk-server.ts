/** Takes the calls and streams that other replicas hand on in bulk, and answers them as if each had come by itself. */
import { status } from "@grpc/grpc-js";
import { type Call, type Interceptor, RpcError, WireImplementation } from "@moult/contracts";
import { ErrorReason } from "@moult/contracts/v1";
import type { Principal } from "../rpc/access.ts";
import { nobodyDecides } from "./forward-errors.ts";
import type { LocalMethod } from "./local-method.ts";
import { type CallFrame, type PartFrame, readHanded } from "./trunk-codec.ts";
import { Desk } from "./trunk-desk.ts";
import { type KnownCaller, KnownCallers, METHODS_MAX } from "./trunk-numbers.ts";
import { TrunkStream } from "./trunk-stream.ts";

/** What one answer may take, so that it fits into a message of 4 MiB with those before it. */
const ANSWER_BYTES_MAX = 3_145_728;

type OnDefect = (error: unknown, method: string) => RpcError | void;

/** What it works with. */
export interface TrunkServerParts {
  readonly speaks: () => boolean;
  readonly term: () => AbortSignal;
}

/** What all trunks have in common. */
interface Common extends TrunkServerParts {
  readonly methods: ReadonlyMap<string, LocalMethod>;
  readonly check: Interceptor<Principal>;
  readonly onDefect: OnDefect;
}

/** The methods that may be handed on, and the service that takes them. */
export class TrunkServer {
  readonly #parts: TrunkServerParts;
  readonly #methods = new Map<string, LocalMethod>();
  #check: Interceptor<Principal> | undefined;
  #onDefect: OnDefect = () => undefined;

  constructor(parts: TrunkServerParts) {
    this.#parts = parts;
  }

  /** By whom calls are judged, and what becomes of errors that are nobody's refusal. */
  judgedBy(check: Interceptor<Principal>, onDefect: OnDefect): void {
    this.#check = check;
    this.#onDefect = onDefect;
  }

  /** Makes a method known by its path. */
  add(path: string, method: LocalMethod): void {
    this.#methods.set(path, method);
  }

  /** The service, by its messages' bytes; lasts as long as this replica decides. */
  get implementation(): WireImplementation<unknown> {
    return new WireImplementation({
      stream: (_, requests, { signal }) => this.hand(requests as AsyncIterable<Uint8Array>, signal),
      unary: (method) => {
        const message = `${method.name} is no call with one answer`;
        return Promise.reject(new RpcError(status.UNIMPLEMENTED, ErrorReason.UNSPECIFIED, message));
      },
    });
  }

  /** Serves one trunk, until the other's end, the signal, or the end of this replica's term. */
  async *hand(requests: AsyncIterable<Uint8Array>, gone: AbortSignal): AsyncGenerator<Uint8Array> {
    const { speaks, term } = this.#parts;
    if (!speaks() || this.#check === undefined) throw nobodyDecides();
    const signal = AbortSignal.any([gone, term()]);
    const common = { ...this.#parts, methods: this.#methods, check: this.#check, onDefect: this.#onDefect };
    const trunk = new Trunk(common, signal);
    try {
      void trunk.takeAll(requests);
      yield* trunk.desk.messages();
    } finally {
      trunk.cut();
    }
    if (signal.aborted) throw nobodyDecides();
  }
}

/** A stream of a device's that came over the trunk. */
interface HeldStream {
  readonly stream: TrunkStream;
  readonly abort: AbortController;
}

/** One trunk. */
class Trunk {
  readonly desk: Desk;
  readonly #common: Common;
  readonly #signal: AbortSignal;
  readonly #callers = new KnownCallers();
  readonly #paths: (string | undefined)[] = [];
  readonly #streams = new Map<number, HeldStream>();

  constructor(common: Common, signal: AbortSignal) {
    this.#common = common;
    this.#signal = signal;
    this.desk = new Desk(signal, common.onDefect);
    // Whoever attends through it attends no more, whatever else still waits.
    signal.addEventListener("abort", () => this.cut(), { once: true });
  }

  /** Takes in what the other hands on. Its end, good or bad, ends the trunk. Never rejects. */
  async takeAll(requests: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const bytes of requests) {
        const { calls, parts } = readHanded(bytes);
        for (const call of calls) this.#begin(call);
        for (const part of parts) this.#take(part);
        await this.desk.room();
      }
    } catch (cause) {
      // A trunk that broke is as good as ended; one whose bytes are none of ours is the other's defect.
      if (!this.#signal.aborted && cause instanceof RangeError) this.#common.onDefect(cause, "a trunk's message");
    } finally {
      this.cut();
      this.desk.close();
    }
  }

  /** Ends all streams that came over it. */
  cut(): void {
    for (const { stream, abort } of this.#streams.values()) {
      stream.cut();
      abort.abort();
    }
    this.#streams.clear();
  }

  #begin(frame: CallFrame): void {
    const { id, method: number } = frame;
    const path = frame.path === "" ? (this.#paths[number] ?? "") : frame.path;
    if (frame.path !== "" && number > 0 && number <= METHODS_MAX) this.#paths[number] = path;
    // Before anything else: numbers hold from here on, whatever becomes of this call.
    const caller = this.#callers.of(frame.callerNumber, frame.caller);
    const method = this.#common.methods.get(path);
    if (method?.method.methodKind === "bidi_streaming") {
      const stream = new TrunkStream({
        message: (message) => this.desk.message(id, message),
        taken: (count) => this.desk.taken(id, count),
      });
      const abort = new AbortController();
      this.#streams.set(id, { stream, abort });
      void this.#serveStream(id, path, method, caller, { stream, abort });
    } else {
      this.desk.began();
      void this.#serveCall(id, path, method, caller, frame.request);
    }
  }

  async #serveCall(
    id: number,
    path: string,
    method: LocalMethod | undefined,
    caller: KnownCaller | undefined,
    request: Uint8Array,
  ): Promise<void> {
    try {
      if (method?.method.methodKind !== "unary") throw notHandedOn(path);
      const admitted = this.#admit(method, caller, this.#signal);
      const answer = await method.unary(request, admitted instanceof Promise ? await admitted : admitted);
      this.desk.answer(id, fitting(answer));
    } catch (error) {
      this.desk.refuse(id, error, path);
    }
  }

  async #serveStream(
    id: number,
    path: string,
    method: LocalMethod,
    caller: KnownCaller | undefined,
    { stream, abort }: HeldStream,
  ): Promise<void> {
    let failure: unknown;
    try {
      const call = await this.#admit(method, caller, abort.signal);
      if (!abort.signal.aborted) {
        for await (const answer of method.stream(stream.messages(), call)) {
          if (!(await stream.send(fitting(answer)))) break;
        }
      }
    } catch (error) {
      failure = error;
    }
    // Where it is not there any more, the other knows that it is over, or is gone.
    if (this.#streams.delete(id)) this.desk.end(id, failure, path);
    stream.cut();
    abort.abort();
  }

  /** Who calls, judged now. Throws or rejects with RpcError. */
  #admit(
    method: LocalMethod,
    caller: KnownCaller | undefined,
    signal: AbortSignal,
  ): Call<Principal> | Promise<Call<Principal>> {
    const { speaks, check } = this.#common;
    if (!speaks()) throw nobodyDecides();
    if (caller === undefined) {
      const message = "the call's caller was not introduced on this trunk";
      throw new RpcError(status.UNAUTHENTICATED, ErrorReason.UNSPECIFIED, message);
    }
    const { metadata, peer, certificate } = caller;
    const principal = check(method.method, metadata, peer, certificate);
    if (principal instanceof Promise) return principal.then((who) => ({ principal: who, metadata, peer, signal }));
    return { principal, metadata, peer, signal };
  }

  #take({ id, message, taken = 0, ended = false, cancelled = false }: PartFrame): void {
    const held = this.#streams.get(id);
    if (held === undefined) return;
    const { stream, abort } = held;
    if (taken > 0) stream.grant(taken);
    const isWithin = message === undefined || stream.put(message);
    if (ended) stream.end();
    if (!cancelled && isWithin) return;
    this.#streams.delete(id);
    stream.cut();
    abort.abort();
    if (!cancelled) {
      const text = "more messages came than may";
      this.desk.end(id, new RpcError(status.RESOURCE_EXHAUSTED, ErrorReason.UNSPECIFIED, text), "a stream");
    }
  }
}

function notHandedOn(path: string): RpcError {
  return new RpcError(status.UNIMPLEMENTED, ErrorReason.UNSPECIFIED, `${path} is not handed on`);
}

function fitting(answer: Uint8Array): Uint8Array {
  if (answer.length <= ANSWER_BYTES_MAX) return answer;
  const message = `the answer has ${answer.length} bytes, and ${ANSWER_BYTES_MAX} are handed on at most`;
  throw new RpcError(status.RESOURCE_EXHAUSTED, ErrorReason.UNSPECIFIED, message);
}
