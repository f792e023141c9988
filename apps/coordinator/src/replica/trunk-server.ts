/** Takes the calls that other replicas hand on in bulk, and answers them as if each had come by itself. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { DescMethod, DescService, Message } from "@bufbuild/protobuf";
import { Metadata, status } from "@grpc/grpc-js";
import { type Call, type Implementation, type Interceptor, RpcError } from "@moult/contracts";
import {
  type HandResponse,
  HandResponseSchema,
  type HandedAnswer,
  HandedAnswerSchema,
  type HandedCall,
  type TrunkService,
} from "@moult/contracts/replica";
import { ErrorReason } from "@moult/contracts/v1";
import type { Principal } from "../rpc/access.ts";
import { detailsOf, nobodyDecides } from "./forward-errors.ts";

/** Calls of one trunk that are worked on at a time; the other waits for the rest. */
const WORKING_MAX = 5_000;

/** A handler of this replica's. */
export type LocalHandler = (request: unknown, call: Call<Principal>) => unknown;

/** What it works with. */
export interface TrunkServerParts {
  readonly speaks: () => boolean;
  readonly term: () => AbortSignal;
}

/** What is worked on for one trunk, and the answers that are ready. */
class Desk {
  readonly #signal: AbortSignal;
  #ready: HandedAnswer[] = [];
  #working = 0;
  #hasEnded = false;
  #changed = Promise.withResolvers<void>();
  #roomier = Promise.withResolvers<void>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    const wake = (): void => {
      this.#changed.resolve();
      this.#roomier.resolve();
    };
    signal.addEventListener("abort", wake, { once: true });
  }

  /** Takes work on. */
  work(answering: Promise<HandedAnswer>): void {
    this.#working += 1;
    void this.#await(answering);
  }

  async #await(answering: Promise<HandedAnswer>): Promise<void> {
    this.#ready.push(await answering);
    this.#working -= 1;
    this.#changed.resolve();
    this.#roomier.resolve();
  }

  /** Nothing more comes. */
  end(): void {
    this.#hasEnded = true;
    this.#changed.resolve();
  }

  /** Waits while too much is worked on. */
  async room(): Promise<void> {
    while (this.#working > WORKING_MAX && !this.#signal.aborted) {
      this.#roomier = Promise.withResolvers<void>();
      await this.#roomier.promise;
    }
  }

  /** Answers as they are ready, those of one turn together; ends when all are given, or with the signal. */
  async *answers(): AsyncGenerator<HandResponse> {
    while (!this.#signal.aborted && !(this.#hasEnded && this.#working === 0 && this.#ready.length === 0)) {
      if (this.#ready.length === 0) {
        await this.#changed.promise;
        // What becomes ready with it goes along.
        await new Promise((resolve) => setImmediate(resolve));
        this.#changed = Promise.withResolvers<void>();
      }
      const answers = this.#ready;
      this.#ready = [];
      if (answers.length > 0) yield create(HandResponseSchema, { answers });
    }
  }
}

/** The methods that may be handed on, and the service that takes them. */
export class TrunkServer {
  readonly #parts: TrunkServerParts;
  readonly #routes = new Map<string, { readonly method: DescMethod; readonly run: LocalHandler }>();
  #check: Interceptor<Principal> | undefined;
  #onDefect: ((error: unknown, method: string) => RpcError | void) | undefined;

  constructor(parts: TrunkServerParts) {
    this.#parts = parts;
  }

  /** By whom calls are judged, and what becomes of errors that are nobody's refusal. */
  judgedBy(check: Interceptor<Principal>, onDefect: (error: unknown, method: string) => RpcError | void): void {
    this.#check = check;
    this.#onDefect = onDefect;
  }

  /** Makes a method known. */
  add(service: DescService, method: DescMethod, run: LocalHandler): void {
    this.#routes.set(`/${service.typeName}/${method.name}`, { method, run });
  }

  /** The service; lasts as long as this replica decides. */
  get implementation(): Implementation<typeof TrunkService, unknown> {
    return {
      hand: (requests, call) => this.#hand(requests, AbortSignal.any([call.signal, this.#parts.term()])),
    };
  }

  async *#hand(
    requests: AsyncIterable<{ readonly calls: readonly HandedCall[] }>,
    signal: AbortSignal,
  ): AsyncGenerator<HandResponse> {
    if (!this.#parts.speaks()) throw nobodyDecides();
    const desk = new Desk(signal);
    // The other's end, good or bad, ends the trunk.
    void this.#take(requests, desk, signal).then(
      () => desk.end(),
      () => desk.end(),
    );
    yield* desk.answers();
    if (signal.aborted) throw nobodyDecides();
  }

  async #take(
    requests: AsyncIterable<{ readonly calls: readonly HandedCall[] }>,
    desk: Desk,
    signal: AbortSignal,
  ): Promise<void> {
    for await (const { calls } of requests) {
      for (const handed of calls) desk.work(this.#answer(handed, signal));
      await desk.room();
    }
  }

  async #answer(handed: HandedCall, signal: AbortSignal): Promise<HandedAnswer> {
    const { id, path } = handed;
    try {
      const route = this.#routes.get(path);
      if (route === undefined || this.#check === undefined) {
        throw new RpcError(status.UNIMPLEMENTED, ErrorReason.UNSPECIFIED, `${path} is not handed on`);
      }
      if (!this.#parts.speaks()) throw nobodyDecides();
      const { method, run } = route;
      const metadata = new Metadata();
      if (handed.authorization !== "") metadata.set("authorization", handed.authorization);
      const certificate = handed.certificate.length === 0 ? undefined : handed.certificate;
      const principal = await this.#check(method, metadata, handed.peer, certificate);
      const request = fromBinary(method.input, handed.request, { readUnknownFields: false });
      const answer = (await run(request, { principal, metadata, peer: handed.peer, signal })) as Message;
      return create(HandedAnswerSchema, { id, body: toBinary(method.output, answer) });
    } catch (error) {
      const told = error instanceof RpcError ? error : this.#onDefect?.(error, path);
      const refusal =
        told ?? new RpcError(status.INTERNAL, ErrorReason.UNSPECIFIED, "internal error", { cause: error });
      const { code, message, metadata } = refusal;
      return create(HandedAnswerSchema, { id, code, message, body: detailsOf(metadata) });
    }
  }
}
