/**
 * Who may call what. The table is read from the `access` option of each method in the contract; a method without one is
 * denied to everybody. Credentials are a bearer token: a device's session, or an operator's token.
 */
import { type DescMethod, getOption, hasOption } from "@bufbuild/protobuf";
import { type Metadata, status } from "@grpc/grpc-js";
import { type Interceptor, RpcError } from "@moult/contracts";
import { Access, ErrorReason, access } from "@moult/contracts/v1";
import type { OperatorTokens } from "../identity/operator-tokens.ts";
import type { SessionCheck, Sessions } from "../identity/sessions.ts";

/** Who calls. */
export type Principal =
  | { readonly kind: "anyone" }
  | { readonly kind: "device"; readonly nodeId: string }
  | { readonly kind: "operator"; readonly access: Access };

const ANYONE: Principal = { kind: "anyone" };
const BEARER = "Bearer ";
/** Longer than any token that is given out. */
const TOKEN_MAX = 2048;
/** Services of gRPC itself, which carry no option of ours: health and reflection show nothing that is secret. */
const OPEN_PACKAGES = ["grpc.health.v1.", "grpc.reflection."];

/** The check that runs before each handler. */
export function createAccessCheck(sessions: Sessions, operators: OperatorTokens): Interceptor<Principal> {
  return (method, metadata) => {
    if (OPEN_PACKAGES.some((prefix) => method.parent.typeName.startsWith(prefix))) return ANYONE;
    const wanted = accessOf(method);
    switch (wanted) {
      case Access.ANYONE:
        return ANYONE;
      case Access.DEVICE: {
        const check = sessions.check(bearer(metadata));
        return check instanceof Promise ? check.then(device) : device(check);
      }
      case Access.VIEWER:
      case Access.OPERATOR:
      case Access.RELEASER:
      case Access.PUBLISHER:
      case Access.BREAKER:
        return operator(operators(bearer(metadata)), wanted);
      default:
        throw new RpcError(status.PERMISSION_DENIED, ErrorReason.ACCESS_DENIED, "nobody may call this method");
    }
  };
}

function accessOf(method: DescMethod): Access {
  return hasOption(method, access) ? getOption(method, access) : Access.UNSPECIFIED;
}

function bearer(metadata: Metadata): string {
  const value = metadata.get("authorization")[0];
  const text = typeof value === "string" ? value : "";
  if (!text.startsWith(BEARER) || text.length > TOKEN_MAX) {
    const message = "send `authorization: Bearer TOKEN` with the call";
    throw new RpcError(status.UNAUTHENTICATED, ErrorReason.CREDENTIALS_MISSING, message);
  }
  return text.slice(BEARER.length);
}

function device(check: SessionCheck): Principal {
  if (typeof check === "object") return { kind: "device", nodeId: check.nodeId };
  const expired = check === "EXPIRED";
  const reason = expired ? ErrorReason.SESSION_EXPIRED : ErrorReason.CREDENTIALS_MISSING;
  const message = expired ? "the session has ended; open another" : "this is no session's token; open a session";
  throw new RpcError(status.UNAUTHENTICATED, reason, message);
}

/** What each token covers. */
const COVERS: ReadonlyMap<Access, readonly Access[]> = new Map([
  [Access.VIEWER, [Access.VIEWER]],
  [Access.RELEASER, [Access.VIEWER, Access.OPERATOR, Access.RELEASER, Access.BREAKER]],
  [Access.PUBLISHER, [Access.VIEWER, Access.PUBLISHER]],
]);

function operator(held: Access | undefined, wanted: Access): Principal {
  if (held === undefined) {
    const message = "this is no operator's token; read it from operator.token in the coordinator's state folder";
    throw new RpcError(status.UNAUTHENTICATED, ErrorReason.CREDENTIALS_MISSING, message);
  }
  if (COVERS.get(held)?.includes(wanted) !== true) {
    const message = `this needs ${Access[wanted]}, the token gives ${Access[held]}`;
    throw new RpcError(status.PERMISSION_DENIED, ErrorReason.ACCESS_DENIED, message);
  }
  return { kind: "operator", access: held };
}
