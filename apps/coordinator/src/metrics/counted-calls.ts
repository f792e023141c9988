/**
 * Counts calls where they pass from the access check to their handlers: how long each took and how it ended, streams that
 * are open, what asks were answered, and what was refused for overload. It changes nothing of any call.
 */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import {
  type Call,
  type Implementation,
  type Interceptor,
  RelayedError,
  RpcError,
  WireImplementation,
} from "@moult/contracts";
import { AgentService, type AskResponse, Decision, ErrorReason, Gate } from "@moult/contracts/v1";
import { Overloaded } from "../ledger/pressure.ts";
import type { Through } from "../replica/through.ts";
import type { Principal } from "../rpc/access.ts";
import type { MethodNumbers, Numbers } from "./numbers.ts";

type OnDefect = Parameters<Through["check"]>[1];
type Handler = (request: unknown, call: Call<Principal>) => unknown;

/** What it works with. */
export interface CountedCallsParts {
  readonly numbers: Numbers;
  /** How the calls come: OpenTelemetry's name. */
  readonly system: "grpc" | "connectrpc";
  /** A clock that only goes forward, in milliseconds. */
  readonly nowMs: () => number;
  /** What callers are told of an error that is no RpcError; undefined for INTERNAL. */
  readonly refusalOf: (error: unknown) => RpcError | undefined;
}

/** `through`, counted. */
export function countedCalls(through: Through, parts: CountedCallsParts): Through {
  const { numbers, system } = parts;
  const methods = new Map<DescMethod, MethodNumbers>();
  const numbersOf = (method: DescMethod): MethodNumbers => {
    const known = methods.get(method);
    if (known !== undefined) return known;
    const made = numbers.method(system, `${method.parent.typeName}/${method.name}`);
    methods.set(method, made);
    return made;
  };
  const failed = (error: unknown): string => {
    const refusal = error instanceof RpcError ? error : parts.refusalOf(error);
    // What is shed by its rank has been counted as such, and what another replica refused is counted there.
    const isCounted = error instanceof Overloaded || error instanceof RelayedError;
    if (refusal?.reason === ErrorReason.OVERLOADED && !isCounted) numbers.refused("other");
    return status[refusal?.code ?? status.INTERNAL];
  };
  return {
    ...through,
    check: (inner: Interceptor<Principal>, onDefect: OnDefect) => {
      const check = through.check(inner, onDefect);
      // What the check refuses never reaches a handler.
      const refuse = (method: DescMethod, error: unknown): never => {
        numbers.called(numbersOf(method), failed(error), 0);
        throw error;
      };
      return (method, metadata, peer, certificate) => {
        try {
          const principal = check(method, metadata, peer, certificate);
          return principal instanceof Promise ? principal.catch((error: unknown) => refuse(method, error)) : principal;
        } catch (error) {
          return refuse(method, error);
        }
      };
    },
    implementation: (service, inner) => {
      const whole = through.implementation(service, countedAsks(service, inner, numbers));
      if (!(whole instanceof WireImplementation)) return countedMethods(service, whole);
      const { unary, stream } = whole.handlers;
      return new WireImplementation<Principal>({
        unary: (method, request, call) => noted(numbersOf(method), () => unary(method, request, call)),
        stream: (method, requests, call) => new Counted(numbersOf(method), stream(method, requests, call)),
      });
    },
    messages: (service, inner) =>
      countedMethods(service, through.messages(service, countedAsks(service, inner, numbers))),
  };

  async function noted<A>(counts: MethodNumbers, run: () => Promise<A>): Promise<A> {
    const startedMs = parts.nowMs();
    let ended = "OK";
    try {
      return await run();
    } catch (error) {
      ended = failed(error);
      throw error;
    } finally {
      numbers.called(counts, ended, (parts.nowMs() - startedMs) / 1_000);
    }
  }

  function countedMethods<S extends DescService>(
    service: S,
    whole: Implementation<S, Principal>,
  ): Implementation<S, Principal> {
    const handlers: Record<string, Handler> = {};
    for (const method of service.methods) {
      const run = (whole as Readonly<Record<string, Handler>>)[method.localName]?.bind(whole);
      if (run === undefined) continue;
      const counts = numbersOf(method);
      handlers[method.localName] =
        method.methodKind === "unary"
          ? (request, call) => noted(counts, async () => run(request, call))
          : (requests, call) => new Counted(counts, run(requests, call) as AsyncIterable<unknown>);
    }
    return handlers as Implementation<S, Principal>;
  }
}

/** A stream that counts from its first reading to its end. No generator: those cost a held stream a kilobyte. */
class Counted<T> implements AsyncIterableIterator<T> {
  readonly #counts: MethodNumbers;
  readonly #stream: AsyncIterable<T>;
  #inner: AsyncIterator<T> | undefined;
  #isOver = false;

  constructor(counts: MethodNumbers, stream: AsyncIterable<T>) {
    this.#counts = counts;
    this.#stream = stream;
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#isOver) return Promise.resolve({ done: true, value: undefined });
    if (this.#inner === undefined) {
      this.#inner = this.#stream[Symbol.asyncIterator]();
      this.#counts.streams += 1;
    }
    return this.#inner.next().then(this.#seen, this.#failed);
  }

  async return(): Promise<IteratorResult<T>> {
    const inner = this.#inner;
    try {
      if (!this.#isOver) await inner?.return?.();
    } finally {
      this.#end();
    }
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    if (!this.#isOver && this.#inner !== undefined) this.#counts.streams -= 1;
    this.#isOver = true;
  }

  readonly #seen = (result: IteratorResult<T>): IteratorResult<T> => {
    if (result.done === true) this.#end();
    return result;
  };

  readonly #failed = (error: unknown): never => {
    this.#end();
    throw error;
  };
}

/** Asks are counted where they are decided, however they came. */
function countedAsks<S extends DescService>(
  service: S,
  inner: Implementation<S, Principal>,
  numbers: Numbers,
): Implementation<S, Principal> {
  if (service.typeName !== AgentService.typeName) return inner;
  const handlers = inner as unknown as Implementation<typeof AgentService, Principal>;
  const counting: Implementation<typeof AgentService, Principal> = {
    ...handlers,
    async ask(request, call) {
      const answer = await handlers.ask(request, call);
      const { decision, gate } = outcomeOf(answer);
      numbers.asked(decision, gate);
      return answer;
    },
  };
  return counting as unknown as Implementation<S, Principal>;
}

function outcomeOf({ verdict }: AskResponse): { readonly decision: string; readonly gate: string } {
  const gate = verdict?.gates.find(({ passed }) => !passed) ?? verdict?.gates.at(-1);
  const decision = Decision[verdict?.decision ?? Decision.UNSPECIFIED];
  return { decision, gate: gate === undefined ? "NONE" : Gate[gate.gate] };
}
