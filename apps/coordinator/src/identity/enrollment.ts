/** Enrolment tokens: who may become a node, of which pool, and how many times. */
import { createHash } from "node:crypto";
import type { EnrollmentToken } from "../store/port.ts";

/** Why a token does not admit a device. */
export type TokenRefusal = "TOKEN_UNKNOWN" | "TOKEN_EXPIRED" | "TOKEN_USED_UP";

/** The tokens there are. Changes are durable only through the owner's batch. */
export class EnrollmentTokens {
  readonly #byHash: Map<string, EnrollmentToken>;

  constructor(tokens: readonly EnrollmentToken[]) {
    this.#byHash = new Map(tokens.map((token) => [token.tokenHash, token]));
  }

  /** Makes a token known. */
  add(token: EnrollmentToken): void {
    this.#byHash.set(token.tokenHash, token);
  }

  /** All that are known, those that ended among them, by id. */
  list(): readonly EnrollmentToken[] {
    return [...this.#byHash.values()].sort((a, b) => (a.tokenHash < b.tokenHash ? -1 : 1));
  }

  /** Ends a token; returns it as it is now, or undefined where none has that id. One that has ended stays as it is. */
  revoke(id: string, now: number): EnrollmentToken | undefined {
    const token = this.list().find((candidate) => tokenIdOf(candidate.tokenHash) === id);
    if (token === undefined || token.expiresAtMs <= now) return token;
    const ended = { ...token, expiresAtMs: now };
    this.#byHash.set(ended.tokenHash, ended);
    return ended;
  }

  /** Takes one use off a token; returns it as it is now. */
  use(secret: string, now: number): EnrollmentToken | TokenRefusal {
    const token = this.#byHash.get(hashToken(secret));
    if (token === undefined) return "TOKEN_UNKNOWN";
    if (token.expiresAtMs <= now) return "TOKEN_EXPIRED";
    if (token.usesLeft <= 0) return "TOKEN_USED_UP";
    const used = { ...token, usesLeft: token.usesLeft - 1 };
    this.#byHash.set(used.tokenHash, used);
    return used;
  }
}

/** 64 bits: no two tokens of one coordinator share them by chance, and nobody gets from them to the token. */
const ID_DIGITS = 16;

/** Under which a token is listed. */
export function tokenIdOf(tokenHash: string): string {
  return tokenHash.slice(0, ID_DIGITS);
}

/** What is stored of a token. */
export function hashToken(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
