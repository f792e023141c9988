/**
 * JSON as signed metadata may use it: a subset in which two different byte strings never mean two things to two readers.
 * Bounded in depth and number of values, no key twice, whole numbers only, no half characters. Ordinary JSON readers take
 * the last of two equal keys, round large numbers and replace what they cannot decode; each lets one signature cover
 * several documents. Judges form only.
 */

/** A value; objects have no prototype, so that only what the document says is found in them. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** An object of a document. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** How much a document may hold. */
export interface JsonBounds {
  /** Objects and lists inside one another, the outermost counted; 1 or more. */
  readonly depthMax: number;
  /** Values of every kind, keys not counted; 1 or more. */
  readonly valuesMax: number;
}

/** Not a document that may be read. */
export class JsonError extends Error {
  /** Where, in UTF-16 units from the start. */
  readonly at: number;

  constructor(message: string, at: number, cause?: unknown) {
    super(message, { cause });
    this.name = "JsonError";
    this.at = at;
  }
}

const INTEGER = /-?(?:0|[1-9][0-9]*)/y;
const SPACE = /[ \t\n\r]*/y;

/** The document in `bytes`, UTF-8 without a byte order mark. Throws JsonError. */
export function parseStrictJson(bytes: Uint8Array, bounds: JsonBounds): Json {
  return new Parser(decode(bytes), bounds).document();
}

/** Whether `value` is an object of a document (no list, no null). */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw new JsonError("is not UTF-8", 0, error);
    throw error;
  }
}

class Parser {
  readonly #text: string;
  readonly #bounds: JsonBounds;
  #at = 0;
  #values = 0;

  constructor(text: string, bounds: JsonBounds) {
    this.#text = text;
    this.#bounds = bounds;
  }

  document(): Json {
    const value = this.#value(1);
    this.#space();
    if (this.#at < this.#text.length) this.#fail("goes on after its end");
    return value;
  }

  #value(depth: number): Json {
    this.#values += 1;
    if (this.#values > this.#bounds.valuesMax) this.#fail(`has more than ${this.#bounds.valuesMax} values`);
    this.#space();
    const first = this.#text[this.#at];
    if (first === "{" || first === "[") {
      if (depth > this.#bounds.depthMax) this.#fail(`is nested deeper than ${this.#bounds.depthMax}`);
      return first === "{" ? this.#object(depth) : this.#list(depth);
    }
    if (first === '"') return this.#string();
    if (this.#takeWord("true")) return true;
    if (this.#takeWord("false")) return false;
    if (this.#takeWord("null")) return null;
    return this.#number();
  }

  #object(depth: number): JsonObject {
    const object = Object.create(null) as Record<string, Json>;
    this.#at += 1;
    if (this.#take("}")) return object;
    do {
      this.#space();
      const key = this.#string();
      if (Object.hasOwn(object, key)) this.#fail(`has the key ${JSON.stringify(key.slice(0, 64))} twice`);
      if (!this.#take(":")) this.#fail("has a key without a value");
      object[key] = this.#value(depth + 1);
    } while (this.#take(","));
    if (!this.#take("}")) this.#fail("has an object that does not end");
    return object;
  }

  #list(depth: number): readonly Json[] {
    const list: Json[] = [];
    this.#at += 1;
    if (this.#take("]")) return list;
    do list.push(this.#value(depth + 1));
    while (this.#take(","));
    if (!this.#take("]")) this.#fail("has a list that does not end");
    return list;
  }

  #string(): string {
    const start = this.#at;
    if (this.#text[start] !== '"') this.#fail("has something else where a string must stand");
    let at = start + 1;
    for (; this.#text[at] !== '"'; at += this.#text[at] === "\\" ? 2 : 1) {
      if (at >= this.#text.length) this.#fail("has a string that does not end");
    }
    this.#at = at + 1;
    const value = this.#unescape(this.#text.slice(start, at + 1));
    // A lone half of a character has no UTF-8 form; encoders write U+FFFD for each, and so for all of them.
    if (!value.isWellFormed()) this.#fail("has half a character in a string");
    return value;
  }

  #unescape(quoted: string): string {
    try {
      return JSON.parse(quoted) as string;
    } catch (error) {
      if (error instanceof SyntaxError) throw new JsonError("has a malformed string", this.#at, error);
      throw error;
    }
  }

  #number(): number {
    INTEGER.lastIndex = this.#at;
    const digits = INTEGER.exec(this.#text)?.[0];
    if (digits === undefined) return this.#fail("has something that is no value");
    this.#at += digits.length;
    const value = Number(digits);
    if (!Number.isSafeInteger(value) || digits === "-0") this.#fail("has a number that is no safe integer");
    if (/[.eE0-9]/.test(this.#text[this.#at] ?? "")) this.#fail("has a number that is not written as an integer");
    return value;
  }

  #takeWord(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #take(sign: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== sign) return false;
    this.#at += 1;
    return true;
  }

  #space(): void {
    SPACE.lastIndex = this.#at;
    this.#at += SPACE.exec(this.#text)?.[0].length ?? 0;
  }

  #fail(message: string): never {
    throw new JsonError(message, this.#at);
  }
}
