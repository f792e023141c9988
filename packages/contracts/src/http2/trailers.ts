/** How a call ends on the wire: `grpc-status`, `grpc-message` and the details. Source: gRPC over HTTP2 (Trailers). */
import type { OutgoingHttpHeaders } from "node:http2";
import { status } from "@grpc/grpc-js";
import { DETAILS_KEY, type RpcError } from "../errors.ts";

/** What ends a call that went well. */
export const OK: OutgoingHttpHeaders = { "grpc-status": "0" };

/** Trailers have to fit what clients take of headers, 8 KiB by gRPC's advice; the details carry the words once more. */
const MESSAGE_CHARACTERS_MAX = 1_024;
/** Base64 of details that still leave room for the rest, in characters. */
const DETAILS_CHARACTERS_MAX = 6_144;

const PLAIN = /^[\x20-\x24\x26-\x7e]*$/;

/** A `grpc-message`: UTF-8, of which everything but printable ASCII and `%` itself stands as `%XX`. */
export function encodeMessage(text: string): string {
  if (PLAIN.test(text)) return text;
  let encoded = "";
  for (const byte of Buffer.from(text, "utf8")) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** What ends a call that failed. Long words are cut, and details that are too long are left out: a code always arrives. */
export function trailersOf(error: RpcError): OutgoingHttpHeaders {
  const words = error.details;
  const text = words.length > MESSAGE_CHARACTERS_MAX ? `${words.slice(0, MESSAGE_CHARACTERS_MAX)}…` : words;
  const details = error.statusBytes.toString("base64");
  return {
    "grpc-status": String(error.code),
    "grpc-message": encodeMessage(text),
    ...(error.code !== status.OK && details.length <= DETAILS_CHARACTERS_MAX && { [DETAILS_KEY]: details }),
  };
}
