/**
 * Operators' credentials: bearer tokens in the state folder, made on the first start and readable by its owner only.
 * `operator.token` may do all that operators and releasers do; `publisher.token` may publish metadata; `viewer.token` may look, and is what routers use.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { join } from "node:path";
import { Access } from "@moult/contracts/v1";
import type { Random } from "../ports.ts";
import { readOrMakeSecret } from "./secret-file.ts";

/** Tells what a bearer token may do; undefined where it is no operator's. */
export type OperatorTokens = (token: string) => Access | undefined;

/** Reads the tokens of a state folder, making those that are not there. */
export function loadOperatorTokens(stateDir: string, random: Random): OperatorTokens {
  const known = [
    { access: Access.RELEASER, hash: digest(readOrMakeSecret(join(stateDir, "operator.token"), random, "base64url")) },
    {
      access: Access.PUBLISHER,
      hash: digest(readOrMakeSecret(join(stateDir, "publisher.token"), random, "base64url")),
    },
    { access: Access.VIEWER, hash: digest(readOrMakeSecret(join(stateDir, "viewer.token"), random, "base64url")) },
  ];
  return (token) => {
    const hash = digest(token);
    return known.find((entry) => timingSafeEqual(entry.hash, hash))?.access;
  };
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
