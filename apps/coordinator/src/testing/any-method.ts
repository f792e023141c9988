/** Calls a method that is known by its descriptor only, with an empty request. */
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { createClient, secureChannel } from "@moult/contracts";
import { CALL_MS } from "./clients.ts";
import { refusalOf } from "./refusal.ts";

/** Where to call. */
export interface Server {
  readonly address: string;
  readonly ca: Uint8Array;
}

type Run = (...args: object[]) => unknown;

interface Stream {
  readonly on: (event: string, listener: (value: unknown) => void) => void;
  readonly cancel: () => void;
}

/** `CODE REASON` of a call with that token, or `LET IN` where it got past the access check. */
export async function outcomeOf(
  { address, ca }: Server,
  service: DescService,
  method: DescMethod,
  bearer: string | undefined,
): Promise<string> {
  const channel = secureChannel(address, ca);
  const client = createClient(service, address, channel.credentials, channel.options);
  const call = { timeoutMs: CALL_MS, ...(bearer === undefined ? {} : { bearer }) };
  const handlers = client as unknown as Record<string, Run>;
  const run = handlers[method.localName];
  if (run === undefined) throw new Error(`no method ${method.name}`);
  try {
    if (method.methodKind === "unary") await run({}, call);
    else if (method.methodKind === "server_streaming") await firstOf(run({}, call) as Stream);
    else await lastOf(run(call) as Stream & { readonly end: () => void });
    return "LET IN";
  } catch (error) {
    const { code, reason } = refusalOf(error);
    return code === "UNAUTHENTICATED" || code === "PERMISSION_DENIED" ? `${code} ${reason}` : "LET IN";
  } finally {
    client.close();
  }
}

/** A stream that the caller ends at once; without a failure, it has ended well. */
function lastOf(stream: Stream & { readonly end: () => void }): Promise<void> {
  stream.end();
  return firstOf(stream);
}

/** A stream's first event. */
function firstOf(stream: Stream): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      stream.on("error", () => undefined);
      stream.cancel();
      resolve();
    };
    stream.on("data", done);
    stream.on("error", reject);
    stream.on("end", done);
  });
}
