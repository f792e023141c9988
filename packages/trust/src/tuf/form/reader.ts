/**
 * Reads single values of a metadata file: each method returns the value in its type, or throws the TufError that says
 * where it stands and what it should have been. Knows nothing of what the values mean.
 */
import { TufError, type TufErrorCode } from "../errors.ts";
import { type Json, type JsonObject, isJsonObject } from "./strict-json.ts";

const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/;

/** Keys of an object: those that must be there, those that may, and whether others are overlooked. */
export interface Keys {
  readonly required: readonly string[];
  readonly optional?: readonly string[];
  /** Overlook what is not named. Default: refuse it. */
  readonly others?: boolean;
}

/** A reader of one role's file. */
export class Reader {
  readonly role: string;

  constructor(role: string) {
    this.role = role;
  }

  fail(where: string, rule: string, code: TufErrorCode = "FORM_INVALID"): never {
    throw new TufError(code, this.role, `\`${where}\` ${rule}`);
  }

  /** An object with these keys. */
  object(value: Json | undefined, where: string, keys: Keys): JsonObject {
    const object = this.record(value, where, Number.MAX_SAFE_INTEGER);
    for (const key of keys.required) if (!Object.hasOwn(object, key)) this.fail(`${where}.${key}`, "is missing");
    if (keys.others === true) return object;
    const unknown = Object.keys(object).find((k) => !keys.required.includes(k) && keys.optional?.includes(k) !== true);
    if (unknown !== undefined) this.fail(where, `has an unknown key ${JSON.stringify(unknown.slice(0, 64))}`);
    return object;
  }

  /** An object with any keys, at most `max` of them. */
  record(value: Json | undefined, where: string, max: number): JsonObject {
    if (!isJsonObject(value)) return this.fail(where, "is not an object");
    if (Object.keys(value).length > max) this.fail(where, `has more than ${max} keys`);
    return value;
  }

  list(value: Json | undefined, where: string, min: number, max: number): readonly Json[] {
    if (Array.isArray(value) && value.length >= min && value.length <= max) return value as readonly Json[];
    return this.fail(where, `is not a list of ${min} to ${max} items`);
  }

  /** A list of different strings that fit `pattern`. */
  strings(value: Json | undefined, where: string, max: number, pattern: RegExp, rule: string): readonly string[] {
    const list = this.list(value, where, 0, max).map((item, n) => this.string(item, `${where}[${n}]`, pattern, rule));
    if (new Set(list).size !== list.length) this.fail(where, "names one thing twice");
    return list;
  }

  string(value: Json | undefined, where: string, pattern: RegExp, rule: string): string {
    if (typeof value === "string" && pattern.test(value)) return value;
    return this.fail(where, rule);
  }

  integer(value: Json | undefined, where: string, min: number, max: number): number {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    return this.fail(where, `is not a whole number of ${min} to ${max}`);
  }

  boolean(value: Json | undefined, where: string): boolean {
    return typeof value === "boolean" ? value : this.fail(where, "is neither true nor false");
  }

  /** A moment, `YYYY-MM-DDThh:mm:ssZ` and nothing else; milliseconds since 1970. */
  time(value: Json | undefined, where: string): number {
    const rule = "is not a moment such as 2026-01-31T00:00:00Z";
    const text = this.string(value, where, TIME, rule);
    const ms = Date.parse(text);
    // Days that do not exist roll over into the next month in a lenient reader.
    if (Number.isNaN(ms) || formatTime(ms) !== text) this.fail(where, rule);
    return ms;
  }
}

/** A moment as metadata writes it; parts of a second are dropped. */
export function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
