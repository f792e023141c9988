/**
 * What stands between a call and its handler where several coordinators serve one fleet: whoever has the seat handles it,
 * the others hand it on. Who calls and what it may is judged by the one that handles it.
 */
import type { DescMethod, DescService, Message } from "@bufbuild/protobuf";
import { type Server, status } from "@grpc/grpc-js";
import {
  type BindOptions,
  type Call,
  type Implementation,
  type Interceptor,
  RpcError,
  bindService,
} from "@moult/contracts";
import { TrunkService } from "@moult/contracts/replica";
import { ErrorReason, FleetService } from "@moult/contracts/v1";
import type { Principal } from "../rpc/access.ts";
import type { Forwarder } from "./forward.ts";
import { nobodyDecides } from "./forward-errors.ts";
import type { Caller, Hop } from "./hop.ts";
import { TrunkServer } from "./trunk-server.ts";

type OnDefect = (error: unknown, method: string) => RpcError | void;

/** Wraps the access check and the services. */
export interface Through {
  /** Whether other replicas hand calls on to this one. */
  readonly isShared: boolean;
  readonly check: (inner: Interceptor<Principal>, onDefect: OnDefect) => Interceptor<Principal>;
  /** Adds what replicas alone call. */
  readonly bind: (server: Server, onDefect: OnDefect, options: BindOptions) => void;
  readonly implementation: <S extends DescService>(
    service: S,
    inner: Implementation<S, Principal>,
  ) => Implementation<S, Principal>;
}

/** For the only coordinator: nothing stands in between. */
export const DIRECT: Through = {
  isShared: false,
  check: (inner) => inner,
  bind: () => {},
  implementation: (_, inner) => inner,
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
    isShared: true,
    bind(server, onDefect, options) {
      const ours: Interceptor<undefined> = (_, metadata) => {
        if (hop.read(metadata) !== undefined) return undefined;
        throw new RpcError(status.PERMISSION_DENIED, ErrorReason.ACCESS_DENIED, "only replicas call this");
      };
      bindService(server, TrunkService, trunk.implementation, ours, onDefect, options);
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
      const handlers: Record<string, Handler> = {};
      for (const method of service.methods) {
        const run = (inner as Readonly<Record<string, Handler>>)[method.localName]?.bind(inner);
        if (run === undefined) throw new Error(`no handler for ${service.typeName}/${method.name}`);
        const route = { service, method };
        if (method.methodKind === "unary") trunk.add(service, method, run);
        handlers[method.localName] =
          method.methodKind === "unary"
            ? (request, call) => {
                const { principal } = call;
                if (principal.kind === "elsewhere")
                  return forwarder.unary(route, request as Message, call, principal.caller);
                return run(request, seenFrom(call, hop.read(call.metadata)));
              }
            : (requests, call) => {
                const { principal } = call;
                if (principal.kind === "elsewhere") return forwarder.stream(route, requests, call, principal.caller);
                return untilTheTermEnds(run, requests, seenFrom(call, hop.read(call.metadata)), term());
              };
      }
      return handlers as Implementation<typeof service, Principal>;
    },
  };
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

async function* untilTheTermEnds(
  run: Handler,
  requests: unknown,
  call: Call<Principal>,
  term: AbortSignal,
): AsyncGenerator {
  const { principal, metadata, peer } = call;
  const signal = AbortSignal.any([call.signal, term]);
  yield* run(requests, { principal, metadata, peer, signal }) as AsyncIterable<unknown>;
  if (term.aborted && !call.signal.aborted) throw nobodyDecides();
}
