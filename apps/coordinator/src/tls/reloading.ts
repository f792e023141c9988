/**
 * The certificate that is shown, read again on demand and when its files change, for listeners that take it over for new
 * connections. A pair that cannot be used - not a pair, another name for it, ended, half written - never takes the place of
 * one that can: it is said in one line, and the last good one stays. Connections that there are keep what they were shown.
 *
 * Files are looked at by `stat`, which follows links: renewers swap a link for the certificate and one for the key, one after
 * the other, so what has changed is read only when it stood still from one look to the next.
 */
import { X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import type { Clock, Log } from "../ports.ts";
import { type TlsMaterial, TlsError, pinOf } from "./certificate.ts";

/** Between two looks at the files, in milliseconds. */
const LOOK_MS = 1_000;
/** A certificate that the coordinator made itself is looked after so often, in milliseconds. */
const RENEW_MS = 12 * 3_600_000;

/** What it works with. */
export interface ReloadingTlsParts {
  /** Reads the pair, making it where it is the coordinator's own. Throws TlsError. */
  readonly read: () => Promise<TlsMaterial>;
  /** The files to look at. */
  readonly files: readonly string[];
  /** Keys that devices pin; empty where they pin none. SHA-256 of SubjectPublicKeyInfo, 64 hexadecimal digits each. */
  readonly pins: () => readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  /** Told of each reading again: whether another pair was taken. Not of one that found what was there before. */
  readonly onReload?: (outcome: "taken" | "refused") => void;
  /** Between two looks, in milliseconds. */
  readonly lookMs?: number;
}

/** The pair in use, and who wants to hear of the next. */
export class ReloadingTls {
  readonly #parts: ReloadingTlsParts;
  readonly #listeners: ((material: TlsMaterial) => void)[] = [];
  #current: TlsMaterial;
  #pin: string;
  #endsAtMs: number;
  #reading: Promise<void> | undefined;
  /** What the files were like when they were last read, and at the last look. */
  #read = "";
  #looked = "";
  #lookTimer: NodeJS.Timeout | undefined;
  #renewTimer: NodeJS.Timeout | undefined;

  private constructor(parts: ReloadingTlsParts, material: TlsMaterial) {
    this.#parts = parts;
    this.#current = material;
    this.#pin = pinOf(material);
    this.#endsAtMs = endOf(material);
  }

  /** Reads the first pair, which is used whatever it is worth. Throws TlsError. */
  static async open(parts: ReloadingTlsParts): Promise<ReloadingTls> {
    const before = await marksOf(parts.files);
    const opened = new ReloadingTls(parts, await parts.read());
    // What the first reading made is not a change; what changed beside it is seen at the first look.
    opened.#read = before.includes("-") ? await marksOf(parts.files) : before;
    opened.#looked = opened.#read;
    return opened;
  }

  /** The pair in use. */
  get current(): TlsMaterial {
    return this.#current;
  }

  /** SHA-256 of its SubjectPublicKeyInfo, 64 hexadecimal digits. */
  get pin(): string {
    return this.#pin;
  }

  /** When its certificate ends, in milliseconds since the epoch. */
  get endsAtMs(): number {
    return this.#endsAtMs;
  }

  /** Tells `listener` of each pair that takes the place of the one before. */
  subscribe(listener: (material: TlsMaterial) => void): void {
    this.#listeners.push(listener);
  }

  /** Begins to look at the files. */
  watch(): void {
    const { lookMs = LOOK_MS } = this.#parts;
    this.#lookTimer = setInterval(() => void this.#look(), lookMs).unref();
    this.#renewTimer = setInterval(() => void this.reload(), RENEW_MS).unref();
  }

  /** Looks no more. */
  stop(): void {
    clearInterval(this.#lookTimer);
    clearInterval(this.#renewTimer);
  }

  /** Reads the pair again, and takes it where it can be used. Resolves when that is decided; never rejects. */
  reload(): Promise<void> {
    this.#reading ??= this.#reload().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #look(): Promise<void> {
    const marks = await marksOf(this.#parts.files);
    const stoodStill = marks === this.#looked;
    this.#looked = marks;
    if (stoodStill && marks !== this.#read) await this.reload();
  }

  async #reload(): Promise<void> {
    const { read, files, clock, log, pins, onReload } = this.#parts;
    // Before they are read: what changes meanwhile is read again.
    this.#read = await marksOf(files);
    let next: TlsMaterial;
    try {
      next = await read();
      requireUsable(next, this.#pin, pins(), clock.now());
    } catch (error) {
      // Whatever it was: the pair in use still works, and the next change or signal tries again.
      onReload?.("refused");
      log.error(
        { why: (error as Error).message, ends: when(this.#endsAtMs) },
        "the new certificate cannot be used; the last one stays",
      );
      return;
    }
    const { current } = this;
    if (next.certificate === current.certificate && next.key === current.key && next.ca === current.ca) return;
    this.#current = next;
    this.#pin = pinOf(next);
    this.#endsAtMs = endOf(next);
    for (const listener of this.#listeners) listener(next);
    onReload?.("taken");
    log.info({ ends: when(this.#endsAtMs), spki: this.#pin }, "another certificate is shown from now on");
  }
}

/** Throws TlsError where this pair must not take the place of one that works. */
function requireUsable(next: TlsMaterial, pinNow: string, pins: readonly string[], now: number): void {
  const certificate = new X509Certificate(next.certificate);
  if (now >= certificate.validToDate.getTime()) {
    throw new TlsError(`tls.cert_file: the certificate ended at ${when(certificate.validToDate.getTime())}`);
  }
  if (now < certificate.validFromDate.getTime()) {
    throw new TlsError(`tls.cert_file: the certificate begins only at ${when(certificate.validFromDate.getTime())}`);
  }
  const pin = pinOf(next);
  if (pins.includes(pinNow) && !pins.includes(pin)) {
    throw new TlsError(
      `tls.key_file: devices pin the server keys ${pins.join(", ")}, and this is the key ${pin}; publish a root that names ` +
        "it first, or renew the certificate for the same key",
    );
  }
}

function endOf({ certificate }: TlsMaterial): number {
  return new X509Certificate(certificate).validToDate.getTime();
}

function when(ms: number): string {
  return new Date(ms).toISOString();
}

/** What the files are like: changes when one is written, replaced, or a link in front of it is. */
async function marksOf(files: readonly string[]): Promise<string> {
  const marks = await Promise.all(
    files.map((file) =>
      stat(file, { bigint: true }).then(
        ({ dev, ino, size, mtimeNs }) => `${dev}:${ino}:${size}:${mtimeNs}`,
        // One that is being replaced is not there for a moment; reading it says what is wrong, if it stays so.
        () => "-",
      ),
    ),
  );
  return marks.join(" ");
}
