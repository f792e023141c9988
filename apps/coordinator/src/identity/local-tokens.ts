/**
 * Operators' credentials where there is no table of operators: bearer tokens in the state folder, made on the first start
 * and readable by its owner only. Each is for one sort of work: `operator.token` may do all that operators and releasers
 * do, `publisher.token` publishes metadata, `breaker.token` hands in brakes, `viewer.token` may look.
 */
import { join } from "node:path";
import type { Random } from "../ports.ts";
import { type OperatorEntry, hashOf } from "./operators.ts";
import type { Role } from "./roles.ts";
import { readOrMakeSecret } from "./secret-file.ts";

const TOKENS: readonly { readonly file: string; readonly name: string; readonly roles: readonly Role[] }[] = [
  { file: "operator.token", name: "local-operator", roles: ["operator", "releaser"] },
  { file: "publisher.token", name: "local-publisher", roles: ["publisher"] },
  { file: "breaker.token", name: "local-breaker", roles: ["breaker"] },
  { file: "viewer.token", name: "local-viewer", roles: ["viewer"] },
];

/**
 * Reads the tokens of a state folder, making those that are not there. Overrides count from `operator.token` where one of
 * `overrideKeys` signed them.
 */
export function localOperators(stateDir: string, random: Random, overrideKeys: readonly string[]): OperatorEntry[] {
  return TOKENS.map(({ file, name, roles }) => ({
    name,
    roles,
    overrideKeys: roles.includes("operator") ? overrideKeys : [],
    tokenHashes: [hashOf(readOrMakeSecret(join(stateDir, file), random, "base64url"))],
    certificateKeys: [],
  }));
}
