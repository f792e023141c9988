/**
 * The operators' calls as Connect and JSON over HTTPS, so that `curl` and a browser work without a gateway. The same
 * handlers behind the same access check as over gRPC; what devices call is not served here.
 */
import { TLSSocket } from "node:tls";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ContextValues,
  type HandlerContext,
  type ServiceImpl,
  createContextKey,
  createContextValues,
} from "@connectrpc/connect";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import { status } from "@grpc/grpc-js";
import { type Call, type CallMetadata, type Implementation, type Interceptor, RpcError } from "@moult/contracts";
import { ErrorReason } from "@moult/contracts/v1";

/** What the connection says of the caller. */
interface Caller {
  /** Address and port. */
  readonly peer: string;
  /** In DER; only where it is good. */
  readonly certificate: Uint8Array | undefined;
}

const CALLER = createContextKey<Caller>({ peer: "", certificate: undefined });

/** What a request's connection says, for the handlers; `isGood` judges a certificate that was shown. */
export function callerOf(socket: object, isGood: (socket: TLSSocket) => boolean): ContextValues {
  const values = createContextValues();
  if (!(socket instanceof TLSSocket)) return values;
  const { raw } = socket.getPeerCertificate() as { readonly raw?: Buffer };
  // One that is not good is as none: the caller may have a token as well.
  const certificate = raw !== undefined && isGood(socket) ? raw : undefined;
  return values.set(CALLER, { peer: `${socket.remoteAddress ?? ""}:${socket.remotePort ?? 0}`, certificate });
}

type Handler = (request: unknown, call: Call<unknown>) => unknown;

/** Adds a service whose methods are unary or server-streaming. */
export function addRoutes<S extends DescService, P>(
  router: ConnectRouter,
  service: S,
  implementation: Implementation<S, P>,
  intercept: Interceptor<P>,
  onDefect: (error: unknown, method: string) => RpcError | void,
): void {
  const handlers: Record<string, unknown> = {};
  for (const method of service.methods) {
    const handle = (implementation as Record<string, Handler>)[method.localName];
    if (handle === undefined || method.methodKind === "bidi_streaming" || method.methodKind === "client_streaming") {
      throw new Error(`${service.typeName}/${method.name} cannot be served here`);
    }
    const run = handle.bind(implementation);
    const fail = (error: unknown): ConnectError => {
      if (error instanceof RpcError) return toConnect(error);
      const told = onDefect(error, `${service.typeName}/${method.name}`);
      return told === undefined ? new ConnectError("internal error", Code.Internal) : toConnect(told);
    };
    handlers[method.localName] =
      method.methodKind === "unary"
        ? async (request: unknown, context: HandlerContext) => {
            try {
              return await run(request, await enter(method, context, intercept));
            } catch (error) {
              throw fail(error);
            }
          }
        : async function* (request: unknown, context: HandlerContext) {
            try {
              yield* run(request, await enter(method, context, intercept)) as AsyncIterable<unknown>;
              // A stream that the caller did not end ends because the coordinator does.
              if (context.signal.aborted) throw new RpcError(status.UNAVAILABLE, ErrorReason.STOPPING, "stopping");
            } catch (error) {
              throw fail(error);
            }
          };
  }
  router.service(service, handlers as ServiceImpl<S>);
}

async function enter<P>(method: DescMethod, context: HandlerContext, intercept: Interceptor<P>): Promise<Call<P>> {
  const metadata: CallMetadata = { get: (name) => context.requestHeader.get(name) ?? undefined };
  const { peer, certificate } = context.values.get(CALLER);
  return { principal: await intercept(method, metadata, peer, certificate), metadata, peer, signal: context.signal };
}

/** The codes of Connect and gRPC have the same names; the details are the same messages. */
function toConnect(error: RpcError): ConnectError {
  const details = error.detailMessages.map(({ desc, value }) => ({ desc, value }));
  const code = codeFromString(status[error.code].toLowerCase()) ?? Code.Unknown;
  return new ConnectError(error.message, code, undefined, details, error.cause);
}
