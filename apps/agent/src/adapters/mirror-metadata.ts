/** Metadata from plain static mirrors over HTTPS, within a pull's bounds of time and size. Believes nothing of what comes. */
import { STATEMENT_BYTES_MAX } from "@moult/trust/statement";
import { type FileName, fileNameOf } from "@moult/trust/tuf";
import type { PullSettings } from "../config/settings.ts";
import type { Clock } from "../ports.ts";
import { createPace } from "../pull/pace.ts";
import { type Fetcher, SourceError, takeFrom } from "../pull/source.ts";
import type { TrustSource } from "../trust/ports.ts";
import { BRAKES_MAX } from "../trust/view.ts";
import { fromBrakes } from "../wire/verdict.ts";

/** What a source needs. */
export interface MirrorParts {
  /** Base URL. */
  readonly url: string;
  readonly fetcher: Fetcher;
  readonly clock: Clock;
  readonly limits: PullSettings;
  readonly signal: AbortSignal;
}

/** As many statements as are kept, in base64, with what stands between them. */
const BRAKES_BYTES_MAX = BRAKES_MAX * (Math.ceil(STATEMENT_BYTES_MAX / 3) * 4 + 16);

/** One mirror. */
export class MirrorMetadataSource implements TrustSource {
  readonly name: string;
  readonly #parts: MirrorParts;

  constructor(parts: MirrorParts) {
    this.name = parts.url;
    this.#parts = parts;
  }

  fetch(file: FileName, bytesMax: number): Promise<Uint8Array | undefined> {
    return this.#get(fileNameOf(file), bytesMax);
  }

  async brakes(): Promise<readonly Uint8Array[]> {
    const bytes = await this.#get("brakes.json", BRAKES_BYTES_MAX);
    if (bytes === undefined) return [];
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    const texts = Array.isArray(value) ? value.filter((text) => typeof text === "string") : [];
    return fromBrakes(
      texts.map((text) => new Uint8Array(Buffer.from(text, "base64"))),
      BRAKES_MAX,
    );
  }

  close(): void {}

  async #get(name: string, bytesMax: number): Promise<Uint8Array | undefined> {
    const { url, fetcher, clock, limits, signal } = this.#parts;
    const pieces: Uint8Array[] = [];
    const sink = {
      receivedBytes: 0,
      lengthBytes: undefined,
      async write(piece: Uint8Array) {
        pieces.push(piece);
        this.receivedBytes += piece.length;
      },
    };
    const pace = createPace(limits.rateMaxBytesPerS, clock);
    try {
      const path = `${url.replace(/\/+$/, "")}/v1/metadata/${name}`;
      // There is always another mirror, or another wake: a slow one is left.
      await takeFrom(fetcher, path, sink, { bytesMax, impatient: true, limits, pace, clock, signal });
    } catch (error) {
      if (error instanceof SourceError && error.status === 404) return undefined;
      throw error;
    }
    return new Uint8Array(Buffer.concat(pieces));
  }
}
