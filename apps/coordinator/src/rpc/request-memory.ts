/**
 * Answers to operators' requests by `request_id`, so that a repeat gets the first answer and changes nothing. They are
 * written in the same batch as what the request changed.
 */
import { createHash } from "node:crypto";
import { type DescMessage, type MessageShape, fromBinary, toBinary } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { RpcError } from "@moult/contracts";
import { ErrorReason } from "@moult/contracts/v1";
import type { RememberedRequest, StoreChange } from "../store/port.ts";

/** More than operators send in a day; bounds the memory. */
const KEPT_MAX = 100_000;
const ID_MAX = 64;

/** The memory. */
export class RequestMemory {
  readonly #known: Map<string, RememberedRequest>;

  constructor(requests: readonly RememberedRequest[]) {
    this.#known = new Map(requests.map((request) => [request.requestId, request]));
  }

  /** The first answer to this request; undefined for a new one. Throws where the id was used for something else. */
  recall<I extends DescMessage, O extends DescMessage>(
    requestId: string,
    input: I,
    request: MessageShape<I>,
    output: O,
  ): MessageShape<O> | undefined {
    if (requestId.length > ID_MAX) {
      const description = `must have at most ${ID_MAX} characters`;
      throw new RpcError(status.INVALID_ARGUMENT, ErrorReason.FIELD_INVALID, `request_id: ${description}`, {
        violations: [{ field: "request_id", description }],
      });
    }
    const known = requestId === "" ? undefined : this.#known.get(requestId);
    if (known === undefined) return undefined;
    if (known.requestHash !== hashOf(input, request)) {
      const message = `request_id ${requestId} was used before for something else; choose another`;
      throw new RpcError(status.ALREADY_EXISTS, ErrorReason.REQUEST_ID_REUSED, message);
    }
    return fromBinary(output, known.response);
  }

  /** Remembers an answer; returns what is to be stored with it. Without an id there is nothing to remember. */
  keep<I extends DescMessage, O extends DescMessage>(
    requestId: string,
    input: I,
    request: MessageShape<I>,
    output: O,
    response: MessageShape<O>,
    atMs: number,
  ): readonly StoreChange[] {
    if (requestId === "") return [];
    const entry: RememberedRequest = {
      requestId,
      requestHash: hashOf(input, request),
      response: toBinary(output, response),
      atMs,
    };
    const oldest = this.#known.size >= KEPT_MAX ? this.#known.keys().next().value : undefined;
    if (oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(requestId, entry);
    return [{ kind: "request", request: entry }];
  }
}

function hashOf<I extends DescMessage>(input: I, request: MessageShape<I>): string {
  return createHash("sha256").update(input.typeName).update("\0").update(toBinary(input, request)).digest("hex");
}
