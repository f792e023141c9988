/**
 * `operators.yaml`: who operates, read at the start and again on SIGHUP. A file that cannot be used is refused whole, and
 * says where it is wrong and what would be right; it never lets anybody in that it does not name.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { KeyError, parsePublicKey } from "@moult/trust";
import { parse } from "yaml";
import { z } from "zod";
import type { OperatorEntry } from "./operators.ts";
import { ROLES } from "./roles.ts";

/** Some 5,000 operators. */
const FILE_BYTES_MAX = 1_048_576;
const CREDENTIALS_MAX = 8;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 as 64 lowercase hexadecimal digits");
const oneOrMore = z.union([sha256.transform((one) => [one]), z.array(sha256).min(1).max(CREDENTIALS_MAX)], {
  error: "a SHA-256 as 64 lowercase hexadecimal digits, or a list of 1 to 8",
});

const Entry = z
  .strictObject({
    roles: z.array(z.enum(ROLES, { error: `one of ${ROLES.join(", ")}` })).min(1, "at least one role"),
    token_sha256: oneOrMore.optional(),
    certificate_spki_sha256: oneOrMore.optional(),
    key: z.string().refine(isPublicKey, "an Ed25519 public key as `moult key show` prints it").optional(),
  })
  .refine((entry) => entry.token_sha256 !== undefined || entry.certificate_spki_sha256 !== undefined, {
    message: "needs token_sha256 or certificate_spki_sha256",
  });

const OperatorsFile = z
  .strictObject({
    operators: z.record(
      z
        .string()
        .regex(/^[a-z0-9]([a-z0-9._@-]{0,62}[a-z0-9])?$/, "1 to 64 of a-z, 0-9 and ._@- (none of these at an end)"),
      Entry,
    ),
  })
  .superRefine(({ operators }, context) => {
    const holders = new Map<string, string>();
    for (const [name, entry] of Object.entries(operators)) {
      for (const field of ["token_sha256", "certificate_spki_sha256", "key"] as const) {
        for (const value of [entry[field] ?? []].flat()) {
          const holder = holders.get(`${field} ${value}`);
          holders.set(`${field} ${value}`, name);
          if (holder === undefined) continue;
          const message = `is ${holder}'s already: nobody could say who of the two it was`;
          context.addIssue({ code: "custom", path: ["operators", name, field], message });
        }
      }
    }
  });

/** A table of operators that cannot be used. */
export class OperatorsFileError extends Error {
  override readonly name = "OperatorsFileError";
}

/** The table; undefined where there is no such file. Throws OperatorsFileError. */
export function readOperatorsFile(path: string): readonly OperatorEntry[] | undefined {
  if (!existsSync(path)) return undefined;
  let document: unknown;
  try {
    if (statSync(path).size > FILE_BYTES_MAX) throw new Error(`it has more than ${FILE_BYTES_MAX} bytes`);
    document = parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new OperatorsFileError(`${path} cannot be read as YAML: ${(cause as Error).message}`, { cause });
  }
  const result = OperatorsFile.safeParse(document);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `  ${issue.path.join(".") || "(file)"}: ${issue.message}`);
    throw new OperatorsFileError(`${path} cannot be used:\n${problems.join("\n")}`, { cause: result.error });
  }
  return Object.entries(result.data.operators).map(([name, entry]) => ({
    name,
    roles: entry.roles,
    overrideKeys: entry.key === undefined ? [] : [entry.key],
    tokenHashes: entry.token_sha256 ?? [],
    certificateKeys: entry.certificate_spki_sha256 ?? [],
  }));
}

function isPublicKey(text: string): boolean {
  try {
    parsePublicKey(text);
    return true;
  } catch (error) {
    if (error instanceof KeyError) return false;
    throw error;
  }
}
