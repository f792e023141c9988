/** Arguments of the form `KEY=VALUE`. */
import { usageError } from "../errors.ts";

/** Key and value; the key ends at the first `=`. Neither is empty. */
export function parsePair(text: string, form: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at > 0 && at < text.length - 1) return [text.slice(0, at), text.slice(at + 1)];
  throw usageError(`"${text}" is not of the form ${form}.`);
}

/** Pairs as an object; no key twice. */
export function parsePairs(texts: readonly string[], form: string): Record<string, string> {
  const pairs = new Map<string, string>();
  for (const text of texts) {
    const [key, value] = parsePair(text, form);
    if (pairs.has(key)) throw usageError(`"${key}" is given twice.`);
    pairs.set(key, value);
  }
  return Object.fromEntries(pairs);
}

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
