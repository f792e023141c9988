/** Device sessions: short-lived signed tokens (JWT, HS256). A token is verified once and then known until it ends. */
import { SignJWT, errors, jwtVerify } from "jose";
import type { Clock } from "../ports.ts";

/** Verified tokens that are kept; about 300 bytes each. */
const KNOWN_MAX = 200_000;

/** What a token says, or why it says nothing. */
export type SessionCheck = { readonly nodeId: string } | "EXPIRED" | "INVALID";

/** Opens and checks sessions. */
export interface Sessions {
  readonly ttlMs: number;
  readonly open: (nodeId: string) => Promise<string>;
  /** Answers at once for a token that was seen before. */
  readonly check: (token: string) => SessionCheck | Promise<SessionCheck>;
}

function forgetOldest(known: Map<string, unknown>): void {
  const [oldest] = known.keys();
  if (oldest !== undefined) known.delete(oldest);
}

/** Sessions of one network under one secret of 32 bytes. */
export function createSessions(secret: Uint8Array, network: string, ttlMs: number, clock: Clock): Sessions {
  const known = new Map<string, { readonly nodeId: string; readonly endsAtMs: number }>();
  const verify = async (token: string): Promise<SessionCheck> => {
    try {
      const { payload } = await jwtVerify(token, secret, {
        algorithms: ["HS256"],
        audience: network,
        currentDate: new Date(clock.now()),
        requiredClaims: ["sub", "exp"],
      });
      const nodeId = payload.sub ?? "";
      if (known.size >= KNOWN_MAX) forgetOldest(known);
      known.set(token, { nodeId, endsAtMs: (payload.exp ?? 0) * 1000 });
      return { nodeId };
    } catch (error) {
      if (error instanceof errors.JWTExpired) return "EXPIRED";
      if (error instanceof errors.JOSEError) return "INVALID";
      throw error;
    }
  };
  return {
    ttlMs,
    open: (nodeId) =>
      new SignJWT()
        .setProtectedHeader({ alg: "HS256" })
        .setSubject(nodeId)
        .setAudience(network)
        // Whole seconds, rounded up: a session never ends before its holder was told it would.
        .setExpirationTime(Math.ceil((clock.now() + ttlMs) / 1000))
        .sign(secret),
    check(token) {
      const seen = known.get(token);
      if (seen === undefined) return verify(token);
      if (seen.endsAtMs > clock.now()) return seen;
      known.delete(token);
      return "EXPIRED";
    },
  };
}
