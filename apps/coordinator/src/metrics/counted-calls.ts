/**
 * Counts calls where they pass from the access check to their handlers: how long each took and how it ended, streams that
 * are open, what asks were answered, and what was refused for overload. It changes nothing of any call.
 */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { type Call, type Implementation, type Interceptor, RpcError } from "@moult/contracts";
import { AgentService, type AskResponse, Decision, ErrorReason, Gate } from "@moult/contracts/v1";
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
  const failed = (method: DescMethod, error: unknown): string => {
    const refusal = error instanceof RpcError ? error : parts.refusalOf(error);
    if (refusal?.reason === ErrorReason.OVERLOADED) numbers.refused(kindOf(method));
    return status[refusal?.code ?? status.INTERNAL];
  };
  return {
    ...through,
    check: (inner: Interceptor<Principal>, onDefect: OnDefect) => {
      const check = through.check(inner, onDefect);
      // What the check refuses never reaches a handler.
      const refuse = (method: DescMethod, error: unknown): never => {
        numbers.called(numbersOf(method), failed(method, error), 0);
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
      const whole = through.implementation(service, countedAsks(service, inner, numbers)) as Record<string, Handler>;
      const handlers: Record<string, Handler> = {};
      for (const method of service.methods) {
        const run = whole[method.localName]?.bind(whole);
        if (run === undefined) continue;
        const counts = numbersOf(method);
        const note = (startedMs: number, ended: string): void =>
          numbers.called(counts, ended, (parts.nowMs() - startedMs) / 1_000);
        handlers[method.localName] =
          method.methodKind === "unary"
            ? (request, call) => {
                const startedMs = parts.nowMs();
                const answer = Promise.try(run, request, call);
                answer.then(
                  () => note(startedMs, "OK"),
                  (error: unknown) => note(startedMs, failed(method, error)),
                );
                return answer;
              }
            : (requests, call) => counted(counts, run(requests, call) as AsyncIterable<unknown>);
      }
      return handlers as Implementation<typeof service, Principal>;
    },
  };
}

async function* counted(counts: MethodNumbers, stream: AsyncIterable<unknown>): AsyncGenerator {
  counts.streams += 1;
  try {
    yield* stream;
  } finally {
    counts.streams -= 1;
  }
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

/** What is shed first is named: pulses before asks, asks before what has a permit. */
function kindOf(method: DescMethod): "pulse" | "ask" | "other" {
  if (method.parent.typeName !== AgentService.typeName) return "other";
  return method.name === "Ask" ? "ask" : method.name === "Report" ? "pulse" : "other";
}
