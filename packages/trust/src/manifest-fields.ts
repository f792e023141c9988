/** Readers for single values of a manifest: each returns the value in its type or throws a ManifestError that says where. */
import { ManifestError } from "./errors.ts";
import { isObject } from "./encoding.ts";

/** One segment of a path. It never starts with a dot, so no segment climbs or hides. */
const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/** Fits the path limits of every filesystem Moult runs on, with room for the slot's folder. */
const PATH_LENGTH_MAX = 200;

/** The object's values, once its keys are exactly `keys`, and perhaps some of `optional`. */
export function fieldsOf(
  value: unknown,
  where: string,
  keys: readonly string[],
  optional: readonly string[] = [],
): Record<string, unknown> {
  if (!isObject(value)) throw new ManifestError("VALUE_INVALID", where, "is not an object");
  const prefix = where === "" ? "" : `${where}.`;
  for (const key of keys) {
    if (!Object.hasOwn(value, key)) throw new ManifestError("KEY_MISSING", `${prefix}${key}`, "is missing");
  }
  for (const key of Object.keys(value)) {
    if (!keys.includes(key) && !optional.includes(key))
      throw new ManifestError("KEY_UNKNOWN", `${prefix}${key}`, "is not known");
  }
  return value;
}

/** A string that fits `pattern`; `rule` says what it must be. */
export function readPattern(value: unknown, where: string, pattern: RegExp, rule: string): string {
  if (typeof value === "string" && pattern.test(value)) return value;
  throw new ManifestError("VALUE_INVALID", where, rule);
}

/** A whole number, `min` to `max`. */
export function readInteger(value: unknown, where: string, min: number, max: number): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new ManifestError("VALUE_INVALID", where, `is not a whole number of ${min} to ${max}`);
}

/** A list of `min` to `max` items. */
export function readList(value: unknown, where: string, min: number, max: number): readonly unknown[] {
  if (Array.isArray(value) && value.length >= min && value.length <= max) return value;
  throw new ManifestError("VALUE_INVALID", where, `is not a list of ${min} to ${max} items`);
}

/** A path inside a slot. */
export function readPath(value: unknown, where: string): string {
  if (typeof value === "string" && value.length <= PATH_LENGTH_MAX && value.split("/").every((s) => SEGMENT.test(s))) {
    return value;
  }
  throw new ManifestError(
    "PATH_INVALID",
    where,
    `is not a relative path of at most ${PATH_LENGTH_MAX} letters, digits and ._- between single /, no name with a leading dot`,
  );
}
