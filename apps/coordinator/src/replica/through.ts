/**
 * What stands between a call and its handler where several coordinators serve one fleet: whoever has the seat handles it,
 * the others hand it on. Who calls and what it may is judged by the one that handles it.
 */
import { type DescMethod, type DescService, fromBinary, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import {
  type BindOptions,
  type Call,
  type Implementation,
  type Interceptor,
  RpcError,
  type Served,
  WireImplementation,
} from "@moult/contracts";
import type { Http2Server } from "@moult/contracts/http2";
import { TrunkService } from "@moult/contracts/replica";
import { ErrorReason, FleetService } from "@moult/contracts/v1";
import type { Principal } from "../rpc/access.ts";
import { type Forwarder, type Route, routeOf } from "./forward.ts";
import { nobodyDecides } from "./forward-errors.ts";
import type { Caller, Hop } from "./hop.ts";
import { type LocalMethod, localMethod } from "./local-method.ts";
import { TrunkServer } from "./trunk-server.ts";

type OnDefect = (error: unknown, method: string) => RpcError | void;

/** Wraps the access check and the services. */
export interface Through {
  readonly check: (inner: Interceptor<Principal>, onDefect: OnDefect) => Interceptor<Principal>;
  /** Adds what replicas alone call. */
  readonly bind: (server: Http2Server, onDefect: OnDefect, options: BindOptions) => void;
  /** For gRPC. What is handed on goes through as the bytes it came in, with fields that only the other knows. */
  readonly implementation: <S extends DescService>(
    service: S,
    inner: Implementation<S, Principal>,
  ) => Served<S, Principal>;
  /** For whoever has the messages read already, as JSON over HTTPS has. */
  readonly messages: <S extends DescService>(
    service: S,
    inner: Implementation<S, Principal>,
  ) => Implementation<S, Principal>;
}

/** For the only coordinator: nothing stands in between. */
export const DIRECT: Through = {
  check: (inner) => inner,
  bind: () => {},
  implementation: (_, inner) => inner,
  messages: (_, inner) => inner,
};

/** What it works with. */
export interface ThroughParts {
  readonly hop: Hop;
  readonly forwarder: Forwarder;
  /** Whether this coordinator decides now. */
  readonly speaks: () => boolean;
  /** Aborted when it stops deciding. */
  readonly term: () => AbortSignal;
}

/** Answered by whoever is asked: services of gRPC itself, and how things stand. */
const OWN = /^grpc\./;
const OWN_METHOD = FleetService.method.getStatus;

type Handler = (request: unknown, call: Call<Principal>) => unknown;

/** For one of several. */
export function throughSeat({ hop, forwarder, speaks, term }: ThroughParts): Through {
  const trunk = new TrunkServer({ speaks, term });
  const own = (method: DescMethod): boolean =>
    OWN.test(method.parent.typeName) || method === (OWN_METHOD as DescMethod);
  return {
    bind(server, onDefect, options) {
      const ours: Interceptor<undefined> = (_, metadata) => {
        if (hop.read(metadata) !== undefined) return undefined;
        throw new RpcError(status.PERMISSION_DENIED, ErrorReason.ACCESS_DENIED, "only replicas call this");
      };
      server.bind(TrunkService, trunk.implementation, ours, onDefect, options);
    },
    check: (inner, onDefect) => {
      trunk.judgedBy(inner, onDefect);
      return (method, metadata, peer, certificate) => {
        const handedOn = hop.read(metadata);
        if (own(method)) return inner(method, metadata, peer, certificate);
        if (speaks()) {
          if (handedOn === undefined) return inner(method, metadata, peer, certificate);
          return inner(method, metadata, handedOn.peer, handedOn.certificate);
        }
        // Whoever handed it on took this one for the one that decides: it looks again before it tries again.
        if (handedOn !== undefined) throw nobodyDecides();
        return { kind: "elsewhere", caller: { peer, certificate } };
      };
    },
    implementation: (service, inner) => {
      const methods = new Map(service.methods.map((method) => [method, switched(service, method, inner)]));
      return new WireImplementation<Principal>({
        unary: (method, request, call) => known(methods, method).unary(request, call),
        stream: (method, requests, call) => known(methods, method).stream(requests, call),
      });
    },
    messages: (service, inner) => {
      const handlers: Record<string, Handler> = {};
      for (const method of service.methods) {
        const { unary, stream } = switched(service, method, inner);
        const { input, output } = method;
        // Only the handed-on call is written anew; it is as rare here as a person who looks.
        const write = (request: unknown): Uint8Array => toBinary(input, request as never);
        const read = (answer: Uint8Array): unknown => fromBinary(output, answer, { readUnknownFields: false });
        const run = (inner as Readonly<Record<string, Handler>>)[method.localName]?.bind(inner);
        if (run === undefined) throw new Error(`no handler for ${service.typeName}/${method.name}`);
        handlers[method.localName] =
          method.methodKind === "unary"
            ? async (request, call) => {
                if (call.principal.kind === "elsewhere") return read(await unary(write(request), call));
                return run(request, call);
              }
            : async function* (request, call): AsyncGenerator {
                if (call.principal.kind === "elsewhere") {
                  for await (const answer of stream(write(request), call)) yield read(answer);
                } else yield* untilTheTermEnds((own) => run(request, own) as AsyncIterable<unknown>, call, term());
              };
      }
      return handlers as Implementation<typeof service, Principal>;
    },
  };

  /** A method handled here while this one decides, and handed on while another does. */
  function switched<S extends DescService>(
    service: S,
    method: DescMethod,
    inner: Implementation<S, Principal>,
  ): Pick<LocalMethod, "unary" | "stream"> {
    const local = localMethod(service, method, inner);
    const route: Route = routeOf(service, method);
    if (route.isDevices) trunk.add(route.path, local);
    return {
      unary(request, call) {
        const { principal } = call;
        if (principal.kind === "elsewhere") return forwarder.unary(route, request, call, principal.caller);
        return local.unary(request, seenFrom(call, hop.read(call.metadata)));
      },
      stream(requests, call) {
        const { principal } = call;
        if (principal.kind === "elsewhere") return forwarder.stream(route, requests, call, principal.caller);
        const seen = seenFrom(call, hop.read(call.metadata));
        return untilTheTermEnds((own) => local.stream(requests, own), seen, term());
      },
    };
  }
}

function known<T>(methods: ReadonlyMap<DescMethod, T>, method: DescMethod): T {
  const found = methods.get(method);
  if (found === undefined) throw new Error(`no handler for ${method.parent.typeName}/${method.name}`);
  return found;
}

/** The call as the replica saw it that took it. */
function seenFrom(call: Call<Principal>, caller: Caller | undefined): Call<Principal> {
  if (caller === undefined) return call;
  return {
    principal: call.principal,
    metadata: call.metadata,
    peer: caller.peer,
    get signal() {
      return call.signal;
    },
  };
}

async function* untilTheTermEnds<T>(
  run: (call: Call<Principal>) => AsyncIterable<T>,
  call: Call<Principal>,
  term: AbortSignal,
): AsyncGenerator<T> {
  const { principal, metadata, peer } = call;
  const signal = AbortSignal.any([call.signal, term]);
  yield* run({ principal, metadata, peer, signal });
  if (term.aborted && !call.signal.aborted) throw nobodyDecides();
}
