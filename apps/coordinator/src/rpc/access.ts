/**
 * Who may call what. What a method needs is read from its `access` option in the contract; a method without one is denied
 * to everybody. Credentials are a device's session, or an operator's token or client certificate.
 */
import { type DescMethod, getOption, hasOption } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { type Call, type CallMetadata, type Interceptor, RpcError } from "@moult/contracts";
import { Access, ErrorReason, access } from "@moult/contracts/v1";
import { clientKeyOf } from "../identity/client-key.ts";
import type { Operator, Operators } from "../identity/operators.ts";
import { covers } from "../identity/roles.ts";
import type { SessionCheck, Sessions } from "../identity/sessions.ts";
import type { Clock } from "../ports.ts";
import type { Caller } from "../replica/hop.ts";
import type { Word } from "../store/port.ts";

/** Who calls. */
export type Principal =
  | { readonly kind: "anyone" }
  | { readonly kind: "device"; readonly nodeId: string }
  | { readonly kind: "operator"; readonly operator: Operator }
  /** Somebody whom another replica will judge: the call is handed on to it. */
  | { readonly kind: "elsewhere"; readonly caller: Caller };

const ANYONE: Principal = { kind: "anyone" };
const BEARER = "Bearer ";
/** Longer than any token that is given out. */
const TOKEN_MAX = 2048;
/** Services of gRPC itself, which carry no option of ours: health and reflection show nothing that is secret. */
const OPEN_PACKAGES = ["grpc.health.v1.", "grpc.reflection."];

/** What the check works with. */
export interface AccessParts {
  readonly sessions: Sessions;
  readonly operators: Operators;
  readonly clock: Clock;
  /** Told of each call whose credentials were missing or wrong; not of sessions that have merely ended. */
  readonly onFailure: (peer: string) => void;
}

/** The check that runs before each handler. */
export function createAccessCheck(parts: AccessParts): Interceptor<Principal> {
  const { sessions, operators, clock } = parts;
  // Reading an option decodes it anew, which costs an ask more than its gates do.
  const table = new Map<DescMethod, Access>();
  const wantedOf = (method: DescMethod): Access => {
    const known = table.get(method);
    if (known !== undefined) return known;
    const open = OPEN_PACKAGES.some((prefix) => method.parent.typeName.startsWith(prefix));
    const wanted = open ? Access.ANYONE : accessOf(method);
    table.set(method, wanted);
    return wanted;
  };
  const check: Interceptor<Principal> = (method, metadata, _, certificate) => {
    const wanted = wantedOf(method);
    switch (wanted) {
      case Access.ANYONE:
        return ANYONE;
      case Access.DEVICE: {
        const session = sessions.check(bearer(metadata));
        return session instanceof Promise ? session.then(device) : device(session);
      }
      case Access.VIEWER:
      case Access.OPERATOR:
      case Access.RELEASER:
      case Access.PUBLISHER:
      case Access.BREAKER:
      case Access.ADMIN:
        return requireCover(whoOperates(operators, metadata, certificate, clock.now()), wanted);
      default:
        throw denied("nobody may call this method");
    }
  };
  return (method, metadata, peer, certificate) => {
    const failed = (error: unknown): never => {
      const wrong = error instanceof RpcError && error.code === status.UNAUTHENTICATED;
      if (wrong && error.reason !== ErrorReason.SESSION_EXPIRED) parts.onFailure(peer);
      throw error;
    };
    try {
      const principal = check(method, metadata, peer, certificate);
      return principal instanceof Promise ? principal.catch(failed) : principal;
    } catch (error) {
      return failed(error);
    }
  };
}

/** A peer's address without its port. */
export function addressOf(peer: string): string {
  return peer.replace(/:\d+$/, "");
}

/** On whose word an operator's call changes something, and why where the change has no place for it. */
export function wordOf(call: Call<Principal>, reason?: string): Word {
  return { by: operatorOf(call).name, ...(reason === undefined ? {} : { reason }) };
}

/** The operator who calls. Throws PERMISSION_DENIED where it is none. */
export function operatorOf(call: Call<Principal>): Operator {
  if (call.principal.kind === "operator") return call.principal.operator;
  throw denied("only operators call this");
}

function accessOf(method: DescMethod): Access {
  return hasOption(method, access) ? getOption(method, access) : Access.UNSPECIFIED;
}

function bearer(metadata: CallMetadata): string {
  const text = metadata.get("authorization") ?? "";
  if (!text.startsWith(BEARER) || text.length > TOKEN_MAX) {
    throw unauthenticated("send `authorization: Bearer TOKEN` with the call");
  }
  return text.slice(BEARER.length);
}

function device(check: SessionCheck): Principal {
  if (typeof check === "object") return { kind: "device", nodeId: check.nodeId };
  if (check === "INVALID") throw unauthenticated("this is no session's token; open a session");
  throw sessionEnded();
}

/** UNAUTHENTICATED for a session that was good and is over. */
export function sessionEnded(): RpcError {
  const message = "the session has ended; open another";
  return new RpcError(status.UNAUTHENTICATED, ErrorReason.SESSION_EXPIRED, message);
}

/** A certificate that was shown is what counts; a token is looked at where there is none. */
function whoOperates(
  operators: Operators,
  metadata: CallMetadata,
  certificate: Uint8Array | undefined,
  nowMs: number,
): Operator {
  if (certificate === undefined) {
    const operator = operators.byToken(bearer(metadata));
    if (operator !== undefined) return operator;
    throw unauthenticated(
      "this is no operator's token; the table of operators, or the state folder, has those that are",
    );
  }
  const key = clientKeyOf(certificate);
  const operator = key && operators.byCertificate(key, nowMs);
  if (operator !== undefined) return operator;
  const name = key === undefined ? "" : ` (SPKI SHA-256 ${key.spkiSha256})`;
  throw unauthenticated(`this certificate${name} is no operator's, or it does not hold now`);
}

function requireCover(operator: Operator, wanted: Access): Principal {
  if (covers(operator.roles, wanted)) return { kind: "operator", operator };
  throw denied(`this needs ${Access[wanted]}; ${operator.name} is ${operator.roles.join(", ")}`);
}

function unauthenticated(message: string): RpcError {
  return new RpcError(status.UNAUTHENTICATED, ErrorReason.CREDENTIALS_MISSING, message);
}

function denied(message: string): RpcError {
  return new RpcError(status.PERMISSION_DENIED, ErrorReason.ACCESS_DENIED, message);
}
