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

type Unary = (request: object, call: object) => Promise<unknown>;
type Streaming = (...args: object[]) => {
  on: (event: string, listener: (value: unknown) => void) => void;
  cancel: () => void;
};

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
  const handlers = client as unknown as Record<string, Unary & Streaming>;
  const run = handlers[method.localName];
  if (run === undefined) throw new Error(`no method ${method.name}`);
  try {
    if (method.methodKind === "unary") await run({}, call);
    else await firstOf(method.methodKind === "server_streaming" ? run({}, call) : run(call));
    return "LET IN";
  } catch (error) {
    const { code, reason } = refusalOf(error);
    return code === "UNAUTHENTICATED" || code === "PERMISSION_DENIED" ? `${code} ${reason}` : "LET IN";
  } finally {
    client.close();
  }
}

/** A stream's first event; its response headers show that the handler was reached. */
function firstOf(stream: ReturnType<Streaming>): Promise<void> {
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
