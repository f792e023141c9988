/**
 * gRPC's frames: a byte that says whether the message is compressed, four of its length (big-endian), the message. Frames
 * and the pieces that a connection brings have no borders in common. What is too long is refused by its prefix alone.
 * Source: gRPC over HTTP2 (Length-Prefixed-Message).
 */
import { status } from "@grpc/grpc-js";
import { ErrorReason } from "../../gen/moult/v1/errors_pb.js";
import { RpcError } from "../errors.ts";
import type { Budget } from "./budget.ts";

/** Length of what stands before each message, in bytes. */
export const PREFIX_BYTES = 5;
/** When to try again where others' messages take all the room, in milliseconds. */
const RETRY_MS = 1_000;

/** A message of the peer, still encoded. It may lie in memory that is shared with others' bytes, and is to be read at once. */
export interface Frame {
  readonly isCompressed: boolean;
  readonly bytes: Buffer;
}

/** Takes frames as they become whole. */
export interface FrameSink {
  readonly onFrame: (frame: Frame) => void;
}

/** A message with its prefix, never compressed. */
export function frameOf(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
}

/**
 * Reads the frames of one call. A frame that comes in one piece is not copied; for another, room is taken from the budget
 * once its prefix is there, and given back when it is whole or the reader is closed.
 */
export class FrameReader {
  readonly #bytesMax: number;
  readonly #budget: Budget;
  /** The beginning of a prefix, or none. */
  #prefix: Buffer | undefined;
  #isCompressed = false;
  #body: Buffer | undefined;
  #have = 0;

  constructor(bytesMax: number, budget: Budget) {
    this.#bytesMax = bytesMax;
    this.#budget = budget;
  }

  /** Whether a frame has begun and is not whole. */
  get isWithin(): boolean {
    return this.#body !== undefined || this.#prefix !== undefined;
  }

  /**
   * Takes the next piece and gives whole frames to `sink`. Throws RpcError: RESOURCE_EXHAUSTED where a message is longer
   * than the limit or the budget allows, INTERNAL where the first byte is none that the protocol knows. After that, or
   * once `sink` has closed the reader, it is not to be used.
   */
  push(piece: Buffer, sink: FrameSink): void {
    let rest = piece;
    while (rest.length > 0) {
      if (this.#body !== undefined) {
        rest = this.#fill(this.#body, rest, sink);
        continue;
      }
      if (this.#prefix !== undefined) {
        const missing = PREFIX_BYTES - this.#prefix.length;
        const prefix = Buffer.concat([this.#prefix, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        this.#prefix = prefix.length < PREFIX_BYTES ? prefix : undefined;
        if (this.#prefix === undefined) this.#begin(prefix, sink);
        continue;
      }
      if (rest.length < PREFIX_BYTES) {
        this.#prefix = Buffer.from(rest);
        return;
      }
      const end = PREFIX_BYTES + this.#lengthOf(rest);
      if (rest.length >= end) {
        sink.onFrame({ isCompressed: rest[0] === 1, bytes: rest.subarray(PREFIX_BYTES, end) });
        rest = rest.subarray(end);
      } else {
        this.#begin(rest, sink);
        rest = rest.subarray(PREFIX_BYTES);
      }
    }
  }

  /** Gives back what it holds. */
  close(): void {
    if (this.#body !== undefined) this.#budget.give(this.#body.length);
    this.#body = this.#prefix = undefined;
  }

  #lengthOf(prefix: Buffer): number {
    const [flag = 0] = prefix;
    if (flag > 1) throw malformed(`a message begins with the byte ${flag}, where gRPC has 0 or 1`);
    const length = prefix.readUInt32BE(1);
    if (length <= this.#bytesMax) return length;
    throw new RpcError(
      status.RESOURCE_EXHAUSTED,
      ErrorReason.UNSPECIFIED,
      `a message of ${length} bytes is longer than the ${this.#bytesMax} that are taken here`,
    );
  }

  #begin(prefix: Buffer, sink: FrameSink): void {
    const length = this.#lengthOf(prefix);
    this.#isCompressed = prefix[0] === 1;
    if (length === 0) {
      sink.onFrame({ isCompressed: this.#isCompressed, bytes: Buffer.alloc(0) });
      return;
    }
    if (!this.#budget.take(length)) throw crowded();
    // Never from the pool: a length that was only promised costs no memory until its bytes come.
    this.#body = Buffer.allocUnsafeSlow(length);
    this.#have = 0;
  }

  #fill(body: Buffer, rest: Buffer, sink: FrameSink): Buffer {
    const piece = rest.subarray(0, body.length - this.#have);
    body.set(piece, this.#have);
    this.#have += piece.length;
    if (this.#have === body.length) {
      this.close();
      sink.onFrame({ isCompressed: this.#isCompressed, bytes: body });
    }
    return rest.subarray(piece.length);
  }
}

/** A call that does not keep to the protocol. */
export function malformed(message: string): RpcError {
  return new RpcError(status.INTERNAL, ErrorReason.UNSPECIFIED, message);
}

/** A call whose message finds no room. */
export function crowded(): RpcError {
  const message = "too many long messages are on their way; send this one again in a moment";
  return new RpcError(status.RESOURCE_EXHAUSTED, ErrorReason.OVERLOADED, message, { retryAfterMs: RETRY_MS });
}
