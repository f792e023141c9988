/**
 * Operators' credentials: two bearer tokens in the state folder, made on the first start and readable by its owner only.
 * `operator.token` may do all that operators and releasers do; `viewer.token` may look, and is what routers use.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Access } from "@moult/contracts/v1";
import type { Random } from "../ports.ts";

/** 256 bits: not to be guessed. */
const TOKEN_BYTES = 32;

/** Tells what a bearer token may do; undefined where it is no operator's. */
export type OperatorTokens = (token: string) => Access | undefined;

/** Reads the tokens of a state folder, making those that are not there. */
export function loadOperatorTokens(stateDir: string, random: Random): OperatorTokens {
  const known = [
    { access: Access.RELEASER, hash: digest(readOrMake(join(stateDir, "operator.token"), random)) },
    { access: Access.VIEWER, hash: digest(readOrMake(join(stateDir, "viewer.token"), random)) },
  ];
  return (token) => {
    const hash = digest(token);
    return known.find((entry) => timingSafeEqual(entry.hash, hash))?.access;
  };
}

function readOrMake(path: string, random: Random): string {
  if (existsSync(path)) return readFileSync(path, "utf8").trim();
  const token = Buffer.from(random.bytes(TOKEN_BYTES)).toString("base64url");
  writeFileSync(path, `${token}\n`, { mode: 0o600 });
  return token;
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
