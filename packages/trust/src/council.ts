/**
 * The council: who may approve builds, and how many of them it takes. Comes from configuration, so it is checked before
 * each use; a council that cannot be relied on approves nothing.
 */
import { keyId, parsePublicKey } from "./keys.ts";
import { isObject } from "./encoding.ts";
import { KeyError, TrustError } from "./errors.ts";

/** k of n. */
export interface Council {
  /** How many distinct keys must sign; 1 to the number of distinct keys. */
  readonly threshold: number;
  /** Public keys, each 64 lowercase hexadecimal digits; 1 to 64. A key that is named twice is one key. */
  readonly keys: readonly string[];
}

/** A council that was checked: its distinct keys by their ids. */
export interface CheckedCouncil {
  readonly threshold: number;
  readonly keysById: ReadonlyMap<string, Uint8Array>;
}

/** More members than any council needs; bounds the work of one verification. */
const KEYS_MAX = 64;

/** Reads a council from configuration: `{ threshold, keys }` and nothing else. Throws TrustError COUNCIL_INVALID. */
export function parseCouncil(value: unknown): Council {
  if (!isObject(value)) throw invalid("A council is `threshold` and `keys`.");
  const { threshold, keys, ...rest } = value;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw invalid(`A council has no \`${unknown}\`, only \`threshold\` and \`keys\`.`);
  if (typeof threshold !== "number") throw invalid("A council's `threshold` is a number.");
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === "string")) {
    throw invalid("A council's `keys` is a list of public keys in hexadecimal.");
  }
  const council = { threshold, keys };
  checkCouncil(council);
  return council;
}

/** The distinct keys by id. Throws TrustError COUNCIL_INVALID. */
export function checkCouncil(council: Council): CheckedCouncil {
  const { threshold, keys } = council;
  if (keys.length > KEYS_MAX) throw invalid(`A council has at most ${KEYS_MAX} keys, not ${keys.length}.`);
  const keysById = new Map<string, Uint8Array>();
  for (const [index, text] of keys.entries()) {
    const key = readKey(text, index);
    keysById.set(keyId(key), key);
  }
  if (!Number.isSafeInteger(threshold) || threshold < 1 || threshold > keysById.size) {
    throw invalid(`A council's threshold is 1 to its number of distinct keys (${keysById.size}), not ${threshold}.`);
  }
  return { threshold, keysById };
}

function readKey(text: string, index: number): Uint8Array {
  try {
    return parsePublicKey(text);
  } catch (error) {
    if (error instanceof KeyError) throw invalid(`Key ${index + 1} of the council: ${error.message}`, error);
    throw error;
  }
}

function invalid(message: string, cause?: unknown): TrustError {
  return new TrustError("COUNCIL_INVALID", message, { cause });
}
