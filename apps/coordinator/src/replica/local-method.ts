/** A method as this replica handles it when it decides, from a request's bytes to the answer's. */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { type Call, type Implementation, readRequest, servedAs } from "@moult/contracts";
import type { Principal } from "../rpc/access.ts";

/** One method. */
export interface LocalMethod {
  readonly method: DescMethod;
  /** A call with one answer. */
  readonly unary: (request: Uint8Array, call: Call<Principal>) => Promise<Uint8Array>;
  /** A call with many; one request, or as they come. */
  readonly stream: (
    requests: Uint8Array | AsyncIterable<Uint8Array>,
    call: Call<Principal>,
  ) => AsyncGenerator<Uint8Array>;
}

/** A method of `implementation`. Throws where it lacks the method. */
export function localMethod<S extends DescService>(
  service: S,
  method: DescMethod,
  implementation: Implementation<S, Principal>,
): LocalMethod {
  const served = servedAs(service, method, implementation);
  const { encode, run } = served;
  return {
    method,
    unary: async (request, call) => encode(await run(readRequest(served, request), call)),
    async *stream(requests, call) {
      const read =
        requests instanceof Uint8Array
          ? readRequest(served, requests)
          : eachOf(requests, (bytes) => readRequest(served, bytes));
      for await (const answer of run(read, call) as AsyncIterable<unknown>) yield encode(answer);
    },
  };
}

async function* eachOf<T>(messages: AsyncIterable<Uint8Array>, read: (bytes: Uint8Array) => T): AsyncGenerator<T> {
  for await (const message of messages) yield read(message);
}
