/** For readers of messages: what gRPC would decode before it calls them. */
import { type DescMessage, type MessageShape, fromBinary } from "@bufbuild/protobuf";
import type { Parser } from "./parser.ts";

/** Decodes and reads. What cannot be decoded never comes to the readers: gRPC answers it. */
export function message<S extends DescMessage>(
  schema: S,
  read: (message: MessageShape<S>) => unknown,
): Parser["parse"] {
  return (bytes) => {
    let decoded: MessageShape<S>;
    try {
      decoded = fromBinary(schema, bytes);
    } catch (error) {
      if (error instanceof Error) return undefined;
      throw error;
    }
    return read(decoded);
  };
}
