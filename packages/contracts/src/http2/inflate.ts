/** Unpacks messages that a caller has compressed, no further than the limit: a few bytes may unpack to a gigabyte. */
import { gunzip } from "node:zlib";
import { status } from "@grpc/grpc-js";
import { ErrorReason } from "../../gen/moult/v1/errors_pb.js";
import { RpcError } from "../errors.ts";
import { malformed } from "./framing.ts";

/** What callers may compress messages with, as `grpc-accept-encoding` says it. Answers are never compressed. */
export const ACCEPTED_ENCODINGS = "identity,gzip";

/** No byte of gzip makes more than this many (zlib's manual); so much room is taken before a message is unpacked. */
export const GZIP_RATIO_MAX = 1_032;

/** Whether messages of this `grpc-encoding` are read here. */
export function isAccepted(encoding: string | undefined): boolean {
  return encoding === undefined || encoding === "identity" || encoding === "gzip";
}

/** The message of a compressed frame. Rejects with RpcError: RESOURCE_EXHAUSTED beyond `bytesMax`, INTERNAL for what is no gzip. */
export function inflate(bytes: Buffer, encoding: string | undefined, bytesMax: number): Promise<Buffer> {
  if (encoding !== "gzip")
    return Promise.reject(malformed("a message is compressed, and grpc-encoding does not say how"));
  return new Promise((resolve, reject) => {
    gunzip(bytes, { maxOutputLength: Math.max(1, bytesMax) }, (error, message) => {
      if (error === null) return resolve(message);
      if ((error as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") {
        return reject(malformed("a message is said to be gzip and cannot be unpacked"));
      }
      const text = `a message unpacks to more than the ${bytesMax} bytes that are taken here`;
      reject(new RpcError(status.RESOURCE_EXHAUSTED, ErrorReason.UNSPECIFIED, text));
    });
  });
}
