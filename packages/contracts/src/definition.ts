/** Turns a protobuf-es service descriptor into what grpc-js wants: paths and (de)serialisers. */
import { type DescMethod, type DescService, type MessageShape, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { MethodDefinition } from "@grpc/grpc-js";

/** The grpc-js definition of one method. Unknown fields are dropped: nothing of Moult re-serialises a message. */
export function methodDefinition<M extends DescMethod>(
  service: DescService,
  method: M,
): MethodDefinition<MessageShape<M["input"]>, MessageShape<M["output"]>> {
  return {
    path: `/${service.typeName}/${method.name}`,
    requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
    responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
    requestSerialize: (message) => bufferOf(toBinary<M["input"]>(method.input, message)),
    requestDeserialize: (bytes) => fromBinary<M["input"]>(method.input, bytes, { readUnknownFields: false }),
    responseSerialize: (message) => bufferOf(toBinary<M["output"]>(method.output, message)),
    responseDeserialize: (bytes) => fromBinary<M["output"]>(method.output, bytes, { readUnknownFields: false }),
  };
}

/** The same memory as a Buffer, which grpc-js insists on. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
