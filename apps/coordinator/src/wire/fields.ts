/**
 * Reading requests: every field is checked against what the contract says of it, all violations are collected, and a
 * request with any is refused whole. What has passed is the core's own types; nothing further in looks at messages.
 */
import { type Collection, type FieldViolation, RpcError, parseName } from "@moult/contracts";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { ErrorReason } from "@moult/contracts/v1";
import { status } from "@grpc/grpc-js";

const DIGEST = /^[0-9a-f]{64}$/;
const LABEL = /^[A-Za-z0-9._-]{1,63}$/;
/** As the contract says of labels. */
const LABELS_MAX = 16;
/** The end of the year 9999, as google.protobuf.Timestamp says. */
const SECONDS_MAX = 253_402_300_799n;

/** Collects what is wrong with a request. */
export class Fields {
  readonly #violations: FieldViolation[] = [];

  /** Notes a violation unless `ok`. */
  check(ok: boolean, field: string, description: string): void {
    if (!ok) this.#violations.push({ field, description });
  }

  /** Throws INVALID_ARGUMENT with every violation that was noted. */
  done(): void {
    const [first] = this.#violations;
    if (first === undefined) return;
    const more = this.#violations.length - 1;
    const message = `${first.field}: ${first.description}${more > 0 ? ` (and ${more} more)` : ""}`;
    throw new RpcError(status.INVALID_ARGUMENT, ErrorReason.FIELD_INVALID, message, { violations: this.#violations });
  }

  text(value: string, field: string, length: { readonly min: number; readonly max: number }): string {
    const ok = value.length >= length.min && value.length <= length.max;
    this.check(ok, field, `must have ${length.min} to ${length.max} characters`);
    return value;
  }

  /** A finite number within bounds. NaN and the infinities are outside all bounds. */
  number(value: number, field: string, bounds: { readonly min: number; readonly max: number }): number {
    const ok = Number.isFinite(value) && value >= bounds.min && value <= bounds.max;
    this.check(ok, field, `must be a finite number from ${bounds.min} to ${bounds.max}`);
    return value;
  }

  digest(value: string, field: string, options: { readonly optional?: boolean } = {}): string {
    const ok = DIGEST.test(value) || (options.optional === true && value === "");
    this.check(ok, field, "must be a SHA-256 as 64 lowercase hexadecimal digits");
    return value;
  }

  /** The id in a resource name. */
  id(collection: Collection, value: string, field: string, options: { readonly optional?: boolean } = {}): string {
    if (value === "" && options.optional === true) return "";
    const id = parseName(collection, value);
    this.check(id !== undefined, field, `must be a name of the form ${collection}/ID`);
    return id ?? "";
  }

  /** A counter; the core holds counters as numbers, exact up to 2^53. */
  counter(value: bigint, field: string): number {
    this.check(value <= BigInt(Number.MAX_SAFE_INTEGER), field, "must be below 2^53");
    return Number(value);
  }

  /** A time as milliseconds since the epoch; within the years that a Timestamp can say. */
  time(value: Timestamp, field: string): number {
    const ok = value.seconds >= 0n && value.seconds <= SECONDS_MAX && value.nanos >= 0 && value.nanos < 1e9;
    this.check(ok, field, "must be a time from 1970 to the end of 9999");
    return ok ? Number(value.seconds) * 1000 + Math.floor(value.nanos / 1e6) : 0;
  }

  labels(labels: Readonly<Record<string, string>>, field: string): Readonly<Record<string, string>> {
    const entries = Object.entries(labels);
    this.check(entries.length <= LABELS_MAX, field, `must hold at most ${LABELS_MAX} labels`);
    for (const [key, value] of entries.slice(0, LABELS_MAX)) {
      const ok = LABEL.test(key) && LABEL.test(value);
      this.check(ok, `${field}[${key.slice(0, 63)}]`, "keys and values are 1 to 63 letters, digits, '-', '_' and '.'");
    }
    return labels;
  }

  /** A message that must be there. */
  present<T>(value: T | undefined, field: string): T {
    if (value !== undefined) return value;
    this.check(false, field, "must be set");
    this.done();
    throw new Error("unreachable");
  }
}
