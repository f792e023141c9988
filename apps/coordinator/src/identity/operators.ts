/**
 * Who operates: names with their roles, found by a bearer token or by the key of a client certificate. Tokens are known by
 * their SHA-256 only. The table may be replaced while calls come in; each call sees one table whole.
 */
import { createHash } from "node:crypto";
import { type ClientKey, isValidAt } from "./client-key.ts";
import type { Role } from "./roles.ts";

/** An operator. */
export interface Operator {
  /** Written into the audit log with all that this operator changes. */
  readonly name: string;
  readonly roles: readonly Role[];
  /** Ed25519 public keys whose signed overrides count from this operator, 64 hexadecimal digits each. */
  readonly overrideKeys: readonly string[];
}

/** An operator and what proves that somebody is it. */
export interface OperatorEntry extends Operator {
  /** SHA-256 of bearer tokens, 64 hexadecimal digits each. */
  readonly tokenHashes: readonly string[];
  /** SHA-256 of certificates' public keys (SubjectPublicKeyInfo in DER), 64 hexadecimal digits each. */
  readonly certificateKeys: readonly string[];
}

/** Tells who calls. */
export interface Operators {
  readonly byToken: (token: string) => Operator | undefined;
  /** The operator whose certificate has this key, while the certificate holds. */
  readonly byCertificate: (key: ClientKey, nowMs: number) => Operator | undefined;
}

/** The operators of one table, which can be replaced. */
export class OperatorTable implements Operators {
  #byToken: ReadonlyMap<string, Operator> = new Map();
  #byCertificate: ReadonlyMap<string, Operator> = new Map();

  constructor(entries: readonly OperatorEntry[]) {
    this.replace(entries);
  }

  /** From now on these operators, and no others. */
  replace(entries: readonly OperatorEntry[]): void {
    this.#byToken = new Map(entries.flatMap((entry) => entry.tokenHashes.map((hash) => [hash, entry] as const)));
    this.#byCertificate = new Map(
      entries.flatMap((entry) => entry.certificateKeys.map((key) => [key, entry] as const)),
    );
  }

  // Looked up by its hash: how long that takes says nothing about a token that is not known already.
  readonly byToken = (token: string): Operator | undefined => this.#byToken.get(hashOf(token));

  readonly byCertificate = (key: ClientKey, nowMs: number): Operator | undefined =>
    isValidAt(key, nowMs) ? this.#byCertificate.get(key.spkiSha256) : undefined;
}

/** How a token is known. */
export function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
